"""The command line: JSON on stdout, one sentence on stderr, and the exit status that scripts see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from connector.journal import migrate, stores
from connector.journal.sync import accounts
from connector.journal.vault import Vault
from tests import SECRET_KEY
from tests.commands import ADD

if TYPE_CHECKING:
    from connector.journal.database import Database
    from tests.commands import Cli


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
        (("replays", "start", "--event", "77", "--reason", "why"), "there is no event to replay"),
        (("replays", "start", "--event", "77"), "give a reason: --reason"),
        (("replays", "start", "--reason", "why"), "select events with --event"),
        (("replays", "show", "7"), "there is no replay 7"),
        (("replays", "cancel", "7", "--reason", "why"), "replay 7 is not running"),
        (("backfill", "start", "--reason", "why"), "no store is connected to Yotpo; see `connector stores connect"),
        (("backfill", "status", "--store", "nobody"), "there is no store named 'nobody'"),
        (("backfill", "pause"), "there is no backfill to pause; `connector backfill status` shows all backfills"),
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

    done = cli.process(*ADD)

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    assert "there is a store named 'acme' already" in done.stderr


def test_a_missing_variable_is_named_with_its_meaning(cli: Cli) -> None:
    del cli.environment["SECRET_KEY"]

    done = cli.process("status")

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


def test_the_accounts_at_yotpo_are_resealed_too(cli: Cli, database: Database, vault: Vault) -> None:
    cli.json(*ADD)
    keys = {"token": "a-token", "secret": "a-secret", "loyalty_guid": "a-guid", "loyalty_key": "a-key"}
    with database.connection() as connection:
        store_id = stores.by_name(connection, vault, "acme").id
        accounts.connect(connection, vault, store_id=store_id, app_key="shop", mode="own", **keys)
    new = "another key that is as long"

    done = cli.run("stores", "reseal", "--format", "json", SECRET_KEY=f"{new},{SECRET_KEY}")

    assert json.loads(done.stdout) == [{"stores": 1, "yotpo_accounts": 1, "state": "resealed"}]
    with database.connection() as connection:
        account = accounts.by_store(connection, Vault([new]), store_id)
    assert account
    assert {name: getattr(account, name) for name in keys} == keys
    assert cli.json("audit")[0]["details"] == {"stores": 1, "yotpo_accounts": 1}
    cli.environment["SECRET_KEY"] = new
    assert cli.json("stores", "show", "acme")["yotpo"].startswith("connected as shop with its own keys since 20")


def test_a_revoked_account_says_since_when_and_what_to_do(cli: Cli, database: Database, vault: Vault) -> None:
    cli.json(*ADD)
    connected(database, vault)
    with database.connection() as connection:
        connection.execute(
            "update yotpo_accounts set state = 'revoked', ended_at = '2026-03-04T05:06:07+02:00', expands = '{a}'"
        )

    shown = cli.json("stores", "show", "acme")

    assert shown["yotpo"] == (
        "revoked by Yotpo: connect it again with `connector stores connect acme`; Yotpo is not asked since "
        "2026-03-04T03:06:07Z"
    )
    assert shown["yotpo_expands"] is None


def connected(database: Database, vault: Vault, name: str = "acme") -> int:
    """Connect a store to the Yotpo store of its own name, and return its number."""
    with database.connection() as connection:
        store_id = stores.by_name(connection, vault, name).id
        accounts.connect(connection, vault, store_id=store_id, app_key=name, mode="own", secret="s")
    return store_id


def test_status_tells_of_each_connected_store_how_its_look_ups_fare(cli: Cli, database: Database, vault: Vault) -> None:
    cli.json(*ADD)
    for name in ("idle", "unconnected"):
        cli.json("stores", "add", name, "--insider-partner", "acme", "--insider-token", "t")
    assert "look-ups" not in cli.run("status").stdout
    store_id = connected(database, vault)
    connected(database, vault, "idle")
    with database.connection() as connection:
        for seconds in (-90, -5, 60):
            connection.execute(
                "insert into refreshes values (%s, %s, now(), now() + make_interval(secs => %s))",
                (store_id, f"{seconds}@example.com", seconds),
            )

    busy, idle = cli.json("status")["refreshes"]
    assert (busy["store"], busy["yotpo"], busy["waiting"], busy["due"]) == ("acme", "connected", 3, 2)
    assert 90 <= busy["lag_seconds"] < 600
    assert idle == {"store": "idle", "yotpo": "connected", "waiting": 0, "due": 0, "lag_seconds": 0.0}
    _, _, told = cli.run("status").stdout.partition("look-ups at Yotpo:\n")
    header, first, second = told.splitlines()
    assert header.split() == ["store", "yotpo", "waiting", "due", "lag_seconds"]
    assert first.split()[:4] == ["acme", "connected", "3", "2"]
    assert second.split() == ["idle", "connected", "0", "0", "0.0"]
    assert "@example.com" not in told


def test_migrating_again_changes_nothing(cli: Cli) -> None:
    for _ in range(2):
        done = cli.process("migrate", "--format", "json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [{"revision": migrate.newest()}]


def test_an_empty_journal_shows_nothing(cli: Cli) -> None:
    for command in (
        ("events", "list"),
        ("dead-letters", "list"),
        ("replays", "list"),
        ("audit",),
        ("notices",),
        ("rejected",),
        ("backfill", "status"),
    ):
        assert cli.json(*command) == []
        assert cli.run(*command).stdout == "none\n"
    assert cli.json("status") == {"lag_seconds": 0.0, "stores": [], "refreshes": [], "intake": []}
