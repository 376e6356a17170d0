"""Installs that fail because of Yotpo, the journal or another store; and connections that are replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from connector.sandbox.processes import free_port
from tests.sync.connecting.merchants import Merchant, assert_refused, changed, vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def merchant(stack: Stack) -> Iterator[Merchant]:
    yield Merchant(stack)
    requests.delete(f"{stack.yotpo_url}/_sandbox/faults", timeout=10).raise_for_status()


def test_an_app_key_of_another_token_is_refused(merchant: Merchant, stack: Stack) -> None:
    victim = Merchant(stack)
    returned = merchant.decide(merchant.begin(merchant.link()))

    answer = merchant.open(changed(returned, app_key=victim.app_key))

    assert_refused(answer, 403, "Yotpo does not confirm the store")
    assert merchant.accounts() == []


def test_a_yotpo_store_belongs_to_one_store_here(merchant: Merchant, stack: Stack) -> None:
    other = Merchant(stack)
    other.app_key = merchant.app_key
    merchant.install(merchant.link())
    # While the workers read, both would ask Yotpo for the same store, and its rate would be used up.
    done = "select seen from backfills where store_id = (table store) and state = 'done'"
    assert merchant.store.eventually(done, seconds=90)

    assert_refused(other.install(other.link()), 409, "This Yotpo store is connected already")
    assert other.accounts() == []


def test_a_code_that_yotpo_rejects_is_refused(merchant: Merchant, stack: Stack) -> None:
    returned = merchant.decide(merchant.begin(merchant.link()))

    assert_refused(merchant.open(changed(returned, code="another-code")), 403, "Yotpo does not confirm the install")
    assert merchant.accounts() == []
    assert "install.refused part=connecting code=code_refused" in stack.group.log("web").read_text()


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/v2/oauth2/token", "503"), ("/v2/oauth2/token", "truncated"), ("/info", "drop"), ("/info", "429")],
)
def test_while_yotpo_is_away_a_merchant_can_try_again_with_the_same_link(
    merchant: Merchant, path: str, kind: str
) -> None:
    link = merchant.link()
    merchant.fault(path=path, kind=kind)

    assert_refused(merchant.install(link), 503, "Yotpo does not answer")
    assert merchant.accounts() == []
    assert merchant.install(link).status_code == 200


def test_a_wrong_secret_of_the_app_sends_the_merchant_to_the_operator(merchant: Merchant) -> None:
    merchant.fault(path="/v2/oauth2/token", kind="401")

    assert_refused(merchant.install(merchant.link()), 502, "YOTPO_CLIENT_SECRET")


def test_a_merchant_who_has_removed_the_app_connects_again_in_the_same_way(merchant: Merchant, stack: Stack) -> None:
    merchant.install(merchant.link())
    (before,) = merchant.accounts()
    stack.tell_yotpo("uninstall", app_key=merchant.app_key)
    merchant.store.rows("update yotpo_accounts set state = 'revoked' where store_id = (table store) returning 1")
    assert merchant.shown()["yotpo"].startswith("revoked by Yotpo: connect it again")

    assert merchant.install(merchant.link()).status_code == 200

    (after,) = merchant.accounts()
    assert (after["state"], after["version"]) == ("connected", before["version"] + 1)
    opened = vault(stack)
    assert opened.open(after["token_sealed"]) != opened.open(before["token_sealed"])


def test_another_yotpo_store_replaces_the_first_and_gets_its_own_backfill(merchant: Merchant, stack: Stack) -> None:
    merchant.install(merchant.link())
    registered = "select 1 from yotpo_accounts where store_id = (table store) and review_webhooks <> '{}'"
    assert merchant.store.eventually(registered, seconds=30)
    old, merchant.app_key = merchant.app_key, Merchant(stack).app_key

    assert merchant.install(merchant.link("--again")).status_code == 200

    (account,) = merchant.accounts()
    assert account["app_key"] == merchant.app_key
    assert len(merchant.store.rows("select 1 from backfills where store_id = (table store)")) == 2
    (left,) = [store for store in stack.yotpo("stores") if store["app_key"] == old]
    assert left["review_webhooks"] == {}


def test_a_link_for_a_store_that_was_removed_is_refused(merchant: Merchant, stack: Stack) -> None:
    link = merchant.link()
    stack.command("stores", "remove", merchant.name)

    assert_refused(merchant.open(link), 403, "This store does not exist any more")


def test_the_web_process_uses_its_settings(merchant: Merchant, stack: Stack) -> None:
    link = merchant.link().partition("/connect/")[2]
    cases = {
        "https": ({"PUBLIC_URL": "https://connector.example.com/shop"}, 302, ""),
        "unset": ({"YOTPO_CLIENT_SECRET": ""}, 503, "YOTPO_CLIENT_SECRET"),
        "journal": ({"DATABASE_URL": "postgresql://127.0.0.1:9/none"}, 503, "cannot reach its database"),
    }
    for name, (variables, status, told) in cases.items():
        port = str(free_port())
        stack.launch(f"web-{name}", "web", PORT=port, WEB_CONCURRENCY="1", **variables)
        stack.group.wait_for_http(f"web-{name}", f"http://127.0.0.1:{port}/health")

        answer = requests.get(f"http://127.0.0.1:{port}/connect/{link}", allow_redirects=False, timeout=30)

        stack.group.terminate(10, f"web-{name}")
        assert answer.status_code == status
        assert told in answer.text
        if name == "https":
            assert "; Secure" in answer.headers["Set-Cookie"]
            assert "Path=/shop/connect/yotpo" in answer.headers["Set-Cookie"]
