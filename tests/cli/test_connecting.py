"""`connector stores connect` and `disconnect`, as an operator uses them, beside the simulator of Yotpo."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from connector.errors import OperatorError
from connector.sandbox.stack import ROOT
from tests.commands import run
from tests.sync.connecting.merchants import Merchant, vault

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def merchant(stack: Stack) -> Merchant:
    return Merchant(stack)


def process(stack: Stack, *arguments: str, said: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does; `said` is the text that is typed."""
    return subprocess.run(
        [sys.executable, "-m", "connector", *arguments],
        cwd=ROOT,
        env=stack.environment,
        input=said,
        capture_output=True,
        text=True,
        check=False,
    )


def own(merchant: Merchant, *more: str) -> tuple[str, ...]:
    return ("stores", "connect", merchant.name, "--app-key", merchant.app_key, *more)


def test_a_store_is_connected_with_its_own_keys(merchant: Merchant, stack: Stack) -> None:
    told = stack.command(*own(merchant, "--secret", merchant.keys["secret"]))

    assert told["yotpo"].startswith(f"connected as {merchant.app_key} with its own keys since 20")
    assert merchant.store.url in told["by_hand"]
    done = "select seen from backfills where store_id = (table store) and state = 'done'"
    assert merchant.store.eventually(done, seconds=60) == [{"seen": 3}]
    (account,) = merchant.accounts()
    opened = vault(stack)
    assert opened.open(account["secret_sealed"]) == merchant.keys["secret"]
    assert opened.open(account["token_sealed"])
    assert merchant.shown()["review_webhooks"] is None


def test_secrets_may_be_typed_or_stand_in_the_environment_and_are_never_shown(merchant: Merchant, stack: Stack) -> None:
    secret, guid, key = (merchant.keys[name] for name in ("secret", "loyalty_guid", "loyalty_key"))

    typed = process(stack, *own(merchant, "--loyalty-guid", guid), said=f"{secret}\n{key}\n")
    variables = stack.environment | {"YOTPO_STORE_SECRET": secret, "YOTPO_LOYALTY_KEY": key}
    given = run(variables, *own(merchant, "--again", "--loyalty-guid", guid, "--no-backfill"))

    (account,) = merchant.accounts()
    assert vault(stack).open(account["loyalty_key_sealed"]) == key
    shown = run(stack.environment, "stores", "show", merchant.name)
    listed = run(stack.environment, "stores", "list")
    trail = run(stack.environment, "audit")
    for done in (typed, given, shown, listed, trail):
        assert done.returncode == 0, done.stderr
        for hidden in (secret, key, vault(stack).open(account["token_sealed"])):
            assert hidden not in done.stdout + done.stderr


def test_a_wrong_secret_is_told_at_once_and_nothing_is_kept(merchant: Merchant, stack: Stack) -> None:
    done = run(stack.environment, *own(merchant, "--secret", "a-wrong-secret"))

    assert done.returncode == 1
    assert "Yotpo does not accept the credentials (401)" in done.stderr
    assert "check --app-key and --secret at Yotpo again" in done.stderr
    assert "a-wrong-secret" not in done.stderr
    assert merchant.accounts() == []


def test_a_wrong_loyalty_key_is_told_at_once(merchant: Merchant, stack: Stack) -> None:
    keys = ("--secret", merchant.keys["secret"], "--loyalty-guid", "a-guid", "--loyalty-key", "a-wrong-key")

    with pytest.raises(OperatorError, match="check --loyalty-guid and --loyalty-key at Yotpo"):
        stack.command(*own(merchant, *keys))
    assert merchant.accounts() == []


def test_while_yotpo_is_away_nothing_is_kept(merchant: Merchant, stack: Stack) -> None:
    merchant.fault(path="access_tokens", kind="503")

    with pytest.raises(OperatorError, match="Nothing was kept; try again"):
        stack.command(*own(merchant, "--secret", merchant.keys["secret"]))


def test_a_connected_store_is_not_connected_again_by_a_slip(merchant: Merchant, stack: Stack) -> None:
    stack.command(*own(merchant, "--secret", merchant.keys["secret"], "--no-backfill"))

    for command in (("stores", "connect", merchant.name), own(merchant, "--secret", "s")):
        with pytest.raises(OperatorError, match=r"already connected to Yotpo as .*; --again replaces the connection"):
            stack.command(*command)
    assert merchant.install(merchant.link("--again")).status_code == 200
    assert merchant.accounts()[0]["mode"] == "oauth"
    assert merchant.accounts()[0]["secret_sealed"] is None


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        ((), {"PUBLIC_URL": ""}, "not set: PUBLIC_URL"),
        ((), {"YOTPO_CLIENT_ID": "", "YOTPO_CLIENT_SECRET": ""}, "not set: YOTPO_CLIENT_ID, YOTPO_CLIENT_SECRET"),
        (("--no-backfill",), {}, "give --app-key, too"),
        (("--app-key", "../x", "--secret", "s"), {}, "--app-key has to be the store's app key"),
        (("--app-key", "x", "--secret", "two\nlines"), {}, "API secret has to be printable ASCII"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(
    merchant: Merchant, stack: Stack, arguments: tuple[str, ...], variables: dict[str, str], told: str
) -> None:
    done = run(stack.environment | variables, "stores", "connect", merchant.name, *arguments)

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert told in done.stderr


def test_an_unknown_store_is_not_connected(stack: Stack) -> None:
    for command in ("connect", "disconnect"):
        with pytest.raises(OperatorError, match="there is no store named 'nobody'"):
            stack.command("stores", command, "nobody")


def test_a_worker_who_speaks_to_yotpo_is_waited_for(merchant: Merchant, stack: Stack) -> None:
    (row,) = merchant.store.rows("table store")
    with psycopg.connect(stack.environment["DATABASE_URL"]) as worker:
        worker.execute("select pg_advisory_xact_lock(%s, -2)", (row["id"],))
        command = [sys.executable, "-m", "connector", *own(merchant, "--secret", merchant.keys["secret"])]
        with subprocess.Popen(command, cwd=ROOT, env=stack.environment, stdout=subprocess.PIPE) as waiting:
            with pytest.raises(subprocess.TimeoutExpired):
                waiting.wait(5)
            worker.rollback()
            waiting.communicate(timeout=60)

    assert waiting.returncode == 0
    assert len(merchant.accounts()) == 1


def test_a_store_is_disconnected_with_its_webhooks_credentials_and_backfill(merchant: Merchant, stack: Stack) -> None:
    merchant.install(merchant.link())
    registered = "select 1 from yotpo_accounts where store_id = (table store) and review_webhooks <> '{}'"
    assert merchant.store.eventually(registered, seconds=30)

    (told,) = stack.command("stores", "disconnect", merchant.name)

    assert told["review_webhooks"] == "review_create: removed; review_updated: removed"
    (left,) = [store for store in stack.yotpo("stores") if store["app_key"] == merchant.app_key]
    assert left["review_webhooks"] == {}
    (account,) = merchant.accounts()
    assert (account["state"], account["token_sealed"]) == ("disconnected", None)
    assert merchant.shown()["yotpo"] == "disconnected"
    active = "select 1 from backfills where store_id = (table store) and state in ('running', 'paused')"
    assert merchant.store.rows(active) == []
    with pytest.raises(OperatorError, match="is not connected to Yotpo"):
        stack.command("stores", "disconnect", merchant.name)
    assert [one["action"] for one in stack.command("audit") if one["store"] == merchant.name][:2] == [
        "store.disconnect",
        "store.connect",
    ]
    assert merchant.install(merchant.link()).status_code == 200


def test_a_store_is_disconnected_although_yotpo_does_not_answer(merchant: Merchant, stack: Stack) -> None:
    merchant.install(merchant.link())
    stack.tell_yotpo("uninstall", app_key=merchant.app_key)

    (told,) = stack.command("stores", "disconnect", merchant.name)

    assert "not removed: Yotpo does not accept the credentials" in told["review_webhooks"]
    assert merchant.accounts()[0]["state"] == "disconnected"


def test_a_store_that_is_removed_leaves_no_credentials(merchant: Merchant, stack: Stack) -> None:
    stack.command(*own(merchant, "--secret", merchant.keys["secret"]))
    (before,) = merchant.accounts()

    stack.command("stores", "remove", merchant.name)

    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        left = connection.execute(
            "select state, token_sealed, secret_sealed from yotpo_accounts where store_id = %s", (before["store_id"],)
        ).fetchall()
    assert left == [("disconnected", None, None)]
