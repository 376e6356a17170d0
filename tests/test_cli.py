"""The command line as scripts use it: a process of its own, JSON on stdout, one sentence on stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import SECRET_KEY

from connector.journal import migrate

ROOT = Path(__file__).resolve().parent.parent
ADD = ("stores", "add", "acme", "--insider-partner", "acme", "--insider-token", "a-secret-token")


class Cli:
    def __init__(self, database_url: str) -> None:
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "SECRET_KEY": SECRET_KEY,
            "PUBLIC_URL": "https://connector.example.com/",
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "connector", *arguments],
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def cli(database_url: str) -> Cli:
    return Cli(database_url)


def test_a_store_is_added_with_its_webhook_url_and_without_its_secrets(cli: Cli) -> None:
    added = cli.json(*ADD, "--webhook-secret", "a-webhook-secret", "--standin-year", "1904")

    assert added["name"] == "acme"
    assert added["webhook_url"].startswith("https://connector.example.com/webhooks/yotpo/")
    assert len(added["webhook_url"].rpartition("/")[2]) >= 40
    assert added["standin_year"] == 1904
    for form in ("text", "json"):
        for command in (("stores", "list"), ("stores", "show", "acme"), ("status",)):
            shown = cli.run(*command, "--format", form).stdout
            assert "acme" in shown
            assert "a-secret-token" not in shown
            assert "a-webhook-secret" not in shown
    assert cli.json("stores", "show", "acme")["webhook_url"] == added["webhook_url"]


def test_a_store_is_held_released_given_a_new_url_and_removed(cli: Cli) -> None:
    first = cli.json(*ADD)

    assert cli.json("stores", "pause", "acme")["state"] == "held"
    assert cli.json("status")["stores"][0]["state"] == "held"
    assert cli.json("stores", "resume", "acme")["state"] == "active"
    assert cli.json("stores", "rotate-token", "acme")["webhook_url"] != first["webhook_url"]
    assert cli.json("stores", "remove", "acme") == [{"name": "acme", "state": "removed", "dead_letters": 0}]
    assert cli.json("stores", "list") == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("stores", "show", "nobody"), "there is no store named 'nobody'"),
        (("stores", "add", "Acme!", "--insider-partner", "acme", "--insider-token", "t"), "name has to be lower-case"),
        (("stores", "add", "a", "--insider-partner", "Not Lower", "--insider-token", "t"), "insider-partner has to be"),
        ((*ADD, "--insider-url", "http://insider.example.com"), "insider-url has to be an https URL"),
        ((*ADD, "--webhook-secret", "short"), "webhook-secret has to have 8"),
        ((*ADD, "--phone-region", "USA"), "phone-region has to be a two-letter"),
        (("events", "show", "77"), "there is no event 77"),
        (("events", "bury", "77", "--reason", "why"), "there is no event 77"),
        (("dead-letters", "show", "0badcafe"), "there are no dead letters of the group '0badcafe'"),
        (("dead-letters", "discard", "0badcafe", "--reason", "why"), "there are no dead letters of the group"),
        (("replays", "start", "--event", "77", "--reason", "why"), "no event is to be replayed"),
        (("replays", "start", "--event", "77"), "say why: --reason"),
        (("replays", "start", "--reason", "why"), "say which events: --event"),
        (("replays", "show", "7"), "there is no replay 7"),
        (("replays", "cancel", "7", "--reason", "why"), "replay 7 is not running"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_without_a_traceback(cli: Cli, arguments: tuple[str, ...], told: str) -> None:
    done = cli.run(*arguments)

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_of_a_store_are_changed_one_by_one(cli: Cli) -> None:
    first = cli.json(*ADD, "--standin-year", "1904")

    changed = cli.json("stores", "set", "acme", "--insider-token", "another-token", "--phone-region", "US")

    assert changed == first | {"phone_region": "US"}
    wrong = cli.run("stores", "set", "acme", "--insider-url", "http://insider.example.com")
    assert "insider-url has to be an https URL" in wrong.stderr


def test_a_name_that_is_taken_is_refused(cli: Cli) -> None:
    cli.json(*ADD)

    done = cli.run(*ADD)

    assert done.returncode == 1
    assert "there is a store named 'acme' already" in done.stderr


def test_a_missing_variable_is_named_with_its_meaning(cli: Cli) -> None:
    del cli.environment["SECRET_KEY"]

    done = cli.run("status")

    assert done.returncode == 1
    assert "SECRET_KEY: it is not set" in done.stderr


def test_an_unreachable_database_is_told(cli: Cli) -> None:
    done = cli.run("status", DATABASE_URL="postgresql://127.0.0.1:9/none")

    assert done.returncode == 1
    assert "PostgreSQL cannot be reached" in done.stderr


def test_the_secret_key_is_changed_by_resealing(cli: Cli) -> None:
    url = cli.json(*ADD)["webhook_url"]
    new = "another key that is as long"

    locked_out = cli.run("stores", "show", "acme", SECRET_KEY=new)
    assert locked_out.returncode == 1
    assert "put the old key back" in locked_out.stderr

    assert cli.run("stores", "reseal", SECRET_KEY=f"{new},{SECRET_KEY}").returncode == 0

    cli.environment["SECRET_KEY"] = new
    assert cli.json("stores", "show", "acme")["webhook_url"] == url


def test_migrating_again_changes_nothing(cli: Cli) -> None:
    assert cli.json("migrate") == [{"revision": migrate.newest()}]
    assert cli.json("migrate") == [{"revision": migrate.newest()}]


def test_an_empty_journal_shows_nothing(cli: Cli) -> None:
    for command in (
        ("events", "list"),
        ("dead-letters", "list"),
        ("replays", "list"),
        ("audit",),
        ("notices",),
        ("rejected",),
    ):
        assert cli.json(*command) == []
        assert cli.run(*command).stdout == "none\n"
    assert cli.json("status") == {"lag_seconds": 0.0, "stores": [], "intake": []}
