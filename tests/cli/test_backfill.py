"""`connector backfill`: start, follow, pause, resume, cancel and report, with rows in a real journal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from connector.cli import main, shared
from connector.journal import stores
from connector.journal.sync import accounts
from tests import ROOT, SECRET_KEY
from tests.commands import Cli, interruptible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from connector.journal.database import Database
    from connector.journal.vault import Vault

START = ("start", "--reason", "they were lost", "--by", "ann")


class Backfills:
    """Runs `connector backfill …` in this process, and changes backfills in the journal."""

    def __init__(self, database: Database, vault: Vault, url: str) -> None:
        self.database = database
        self.vault = vault
        self.environment = {"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:9/0", "SECRET_KEY": SECRET_KEY}

    def run(self, *arguments: str, code: int = 0) -> Result:
        done = CliRunner().invoke(main, ["backfill", *arguments], env=self.environment)
        assert done.exit_code == code, done.output
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--format", "json", code=code).stdout)

    def audit(self) -> list[dict[str, Any]]:
        found = json.loads(CliRunner().invoke(main, ["audit", "--format", "json"], env=self.environment).stdout)
        return [one for one in found if one["action"].startswith("backfill.")]

    def add(self, name: str, *, connected: bool = True) -> None:
        with self.database.connection() as connection:
            store = stores.add(connection, self.vault, name=name, insider_partner="p", insider_token="t")
            if connected:
                accounts.connect(connection, self.vault, store_id=store.id, app_key=name, mode="own", secret="s")

    def change(self, changes: str, store: str = "%") -> int:
        """Change the active backfills as workers do; return how many there were."""
        with self.database.connection() as connection:
            return connection.execute(
                f"""
                update backfills set {changes}
                where state in ('running', 'paused') and store_id in (select id from stores where name like %s)
                """,
                (store,),
            ).rowcount

    def soon(self, *steps: tuple[str, str], stores: int = 1) -> Thread:
        """Change backfills from a thread, step by step. Each step has a store and its changes."""

        def work() -> None:
            while self.change("page_at = now()") < stores:
                time.sleep(0.02)
            for store, changes in steps:
                time.sleep(0.3)
                self.change(changes, store)

        worker = Thread(target=work)
        worker.start()
        return worker


@pytest.fixture
def backfill(
    database: Database, vault: Vault, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backfills]:
    # With these values a log gets a line at every poll, and polls are frequent.
    monkeypatch.setattr("connector.cli.progress._LOG_SECONDS", 0.0)
    monkeypatch.setattr("connector.cli.backfill._POLL_SECONDS", 0.1)
    _forget_settings()
    yield Backfills(database, vault, database_url)
    _forget_settings()


def _forget_settings() -> None:
    shared.settings.cache_clear()
    shared.vault.cache_clear()


def test_one_stores_backfill_is_started(backfill: Backfills) -> None:
    for name in ("acme", "beta"):
        backfill.add(name)

    (told,) = backfill.json(*START, "--store", "acme", "--detach")

    assert (told["store"], told["state"], told["changed_only"]) == ("acme", "running", False)
    assert (told["actor"], told["reason"], told["seen"], told["total"]) == ("ann", "they were lost", 0, None)
    assert backfill.json("status") == [told]
    assert backfill.json("status", "--store", "beta") == []
    (entry,) = backfill.audit()
    assert (entry["actor"], entry["action"], entry["store"]) == ("ann", "backfill.start", "acme")
    assert (entry["reason"], entry["details"]) == ("they were lost", {"backfill": told["id"]})


def test_without_a_name_all_that_are_connected_are_started(backfill: Backfills) -> None:
    for name in ("acme", "beta"):
        backfill.add(name)
    backfill.add("unconnected", connected=False)

    told = backfill.json(*START, "--changed", "--detach")

    assert {(one["store"], one["changed_only"]) for one in told} == {("acme", True), ("beta", True)}
    assert [one["store"] for one in backfill.audit()] == ["beta", "acme"]


def test_nothing_is_started_where_one_cannot_be(backfill: Backfills) -> None:
    backfill.add("unconnected", connected=False)
    assert "no store is connected to Yotpo" in backfill.run(*START, code=1).stderr
    only = backfill.run(*START, "--store", "unconnected", code=1)
    assert only.stderr == (
        "error: the store 'unconnected' is not connected to Yotpo; see `connector stores connect --help`\n"
    )
    for name in ("acme", "beta"):
        backfill.add(name)
    backfill.run(*START, "--store", "acme", "--detach")

    done = backfill.run(*START, code=1)

    assert done.stderr.startswith("error: a backfill of 'acme' is running or paused already; see `connector backfill")
    assert len(backfill.json("status")) == len(backfill.audit()) == 1


def test_backfills_are_paused_resumed_and_cancelled_and_it_is_written_down(backfill: Backfills) -> None:
    for name in ("acme", "beta"):
        backfill.add(name)
    backfill.run(*START, "--detach")

    assert [one["state"] for one in backfill.json("pause", "--store", "acme", "--by", "bob")] == ["paused"]
    assert "there is no backfill to pause" in backfill.run("pause", "--store", "acme", code=1).stderr
    assert [one["store"] for one in backfill.json("pause", "--by", "bob")] == ["beta"]
    assert {one["state"] for one in backfill.json("resume", "--by", "bob")} == {"running"}
    assert {one["state"] for one in backfill.json("cancel", "--by", "bob")} == {"cancelled"}
    for over in ("pause", "resume", "cancel"):
        assert f"there is no backfill to {over}" in backfill.run(over, code=1).stderr
    trail = [(one["action"], one["store"]) for one in reversed(backfill.audit()) if one["actor"] == "bob"]
    assert trail == [
        ("backfill.pause", "acme"),
        ("backfill.pause", "beta"),
        *(("backfill.resume", name) for name in ("acme", "beta")),
        *(("backfill.cancel", name) for name in ("acme", "beta")),
    ]


def lines(log: str) -> list[list[str]]:
    """Return the parts of each line of a bar's log."""
    return [line.split("  ") for line in log.splitlines()]


def test_a_log_tells_how_much_is_done_how_fast_and_how_long_it_will_take(backfill: Backfills) -> None:
    backfill.add("acme")
    worker = backfill.soon(
        ("acme", "total = 400, seen = 100"), ("acme", "seen = 300"), ("acme", "seen = 410, state = 'done'")
    )
    done = backfill.run(*START)
    worker.join()

    told = lines(done.stderr)
    assert all(line[0] == "acme" for line in told)
    (early, *_) = [line for line in told if line[2:3] == ["100 of 400"]]
    assert early[1] == "25 %"
    assert early[3].endswith("/s")
    assert early[4].endswith(" left")
    assert told[-1][1:3] == ["100 %", "410 of 410"]
    assert done.stdout.startswith("acme: backfill 1 of all customers, done\n")


def test_several_stores_have_one_bar(backfill: Backfills) -> None:
    for name in ("acme", "beta"):
        backfill.add(name)
    worker = backfill.soon(
        ("%", "total = 100"),
        ("acme", "seen = 60"),
        ("beta", "seen = 20, state = 'paused'"),
        ("acme", "seen = 110, state = 'done'"),
        ("beta", "seen = 90, state = 'cancelled'"),
        stores=2,
    )
    told = lines(backfill.run(*START).stderr)
    worker.join()

    assert {line[0] for line in told} == {"2 stores"}
    assert any(line[1:3] == ["30 %", "60 of 200"] for line in told)
    assert any(line[2] == "80 of 200" and line[-1] == "1 paused" for line in told)
    assert any(line[2] == "130 of 200" and line[-1] == "1 done, 1 paused" for line in told)
    assert told[-1][1:3] == ["100 %", "200 of 200"]


def test_without_a_total_the_log_tells_how_long_it_has_taken(backfill: Backfills) -> None:
    backfill.add("acme")
    worker = backfill.soon(("acme", "seen = 1234"), ("acme", "state = 'done'"))
    told = lines(backfill.run(*START).stderr)
    worker.join()

    (shown, *_) = [line for line in told if line[1] == "1,234"]
    assert shown[2].endswith("/s")
    assert shown[3].startswith("0:0")


def test_the_bar_says_why_it_stands_still(backfill: Backfills) -> None:
    backfill.add("acme")
    with backfill.database.connection() as connection:
        connection.execute(
            "update yotpo_accounts set paused_until = now() + interval '1 hour', pause_reason = 'it fails'"
        )
    worker = backfill.soon(("acme", "seen = 5"), ("acme", "state = 'done'"))
    told = lines(backfill.run(*START).stderr)
    worker.join()

    assert any(line[-1].startswith("Yotpo is not asked until ") and line[-1].endswith(": it fails") for line in told)


def test_the_bar_says_that_all_pages_are_read_again(backfill: Backfills) -> None:
    backfill.add("acme")
    with backfill.database.connection() as connection:
        connection.execute("update yotpo_accounts set expands = '{loyalty,reviews}'")
    worker = backfill.soon(("acme", "seen = 5, total = 5, pass = 1"), ("acme", "state = 'done'"))
    told = lines(backfill.run(*START).stderr)
    worker.join()

    assert any(line[2] == "5 of 5" and line[-1] == "reading 2 of 2" for line in told)


def test_a_backfill_that_failed_is_a_failure_of_the_command(backfill: Backfills) -> None:
    backfill.add("acme")
    worker = backfill.soon(("acme", "state = 'failed', failure = 'Yotpo refuses the page', ended_at = now()"))
    done = backfill.run(*START, code=1)
    worker.join()

    assert "  note      Yotpo refuses the page\n" in done.stdout


def test_status_follows_those_that_are_not_over(backfill: Backfills) -> None:
    for name in ("acme", "beta"):
        backfill.add(name)
    backfill.run(*START, "--store", "beta", "--detach")
    backfill.change("seen = 7, state = 'done'")
    assert backfill.run("status", "--follow").stderr == ""
    backfill.run(*START, "--store", "acme", "--detach")
    worker = backfill.soon(("acme", "seen = 5"), ("acme", "state = 'done'"))
    done = backfill.run("status", "--follow", "--format", "json")
    worker.join()

    assert {line[0] for line in lines(done.stderr)} == {"acme"}
    assert [(one["store"], one["seen"], one["state"]) for one in json.loads(done.stdout)] == [
        ("acme", 5, "done"),
        ("beta", 7, "done"),
    ]


def test_ctrl_c_ends_the_showing_and_not_the_backfill(backfill: Backfills, database_url: str) -> None:
    backfill.add("acme")
    command = [sys.executable, "-m", "connector", "backfill", *START]
    environment = {**Cli(database_url).environment, "TERM": "xterm"}
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    with interruptible():
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True)
    with running:
        os.close(theirs)
        # Wait until the bar is shown.
        assert select.select([ours], [], [], 60)[0]
        running.send_signal(signal.SIGINT)
        stdout, _ = running.communicate(timeout=60)
        shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert running.returncode == 0, shown
    assert "The backfill continues; `connector backfill status --follow` shows its progress." in shown
    assert "Traceback" not in shown
    assert stdout.startswith("acme: backfill 1 of all customers, running\n")
    assert backfill.json("status")[0]["state"] == "running"
