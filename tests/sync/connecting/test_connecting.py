"""An install of the app as a browser sees it: the real web process, the simulator of Yotpo, the journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import time_machine

from connector.sync.connecting import start_url
from connector.sync.connecting.tickets import Install, Tickets
from tests.sync.connecting.merchants import Merchant, assert_refused, changed, vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.sandbox.stack import Stack

pytestmark = pytest.mark.slow


@pytest.fixture
def merchant(stack: Stack) -> Iterator[Merchant]:
    yield Merchant(stack)
    requests.delete(f"{stack.yotpo_url}/_sandbox/faults", timeout=10).raise_for_status()


def tickets(stack: Stack) -> Tickets:
    return Tickets(stack.environment["SECRET_KEY"].split(","))


def test_a_merchant_who_follows_the_link_and_installs_the_app_is_connected(merchant: Merchant, stack: Stack) -> None:
    answer = merchant.install(merchant.link())

    assert answer.status_code == 200
    assert f"The store {merchant.name} is connected" in answer.text
    assert f"<code>{merchant.store.url}</code>" in answer.text
    assert "Webhook Authentication" not in answer.text
    (account,) = merchant.accounts()
    assert (account["app_key"], account["mode"], account["state"]) == (merchant.app_key, "oauth", "connected")
    (backfill,) = merchant.store.rows("select * from backfills where store_id = (table store)")
    assert (backfill["actor"], backfill["reason"]) == (
        "the merchant, who installed the app",
        "the store was connected to Yotpo",
    )
    (entry,) = [one for one in stack.command("audit") if one["store"] == merchant.name and "connect" in one["action"]]
    assert (entry["action"], entry["details"]["app_key"]) == ("store.connect", merchant.app_key)


def test_the_token_is_sealed_in_the_journal_and_in_no_log(merchant: Merchant, stack: Stack) -> None:
    link = merchant.link()
    returned = merchant.decide(merchant.begin(link))
    merchant.open(returned)

    (account,) = merchant.accounts()
    token = vault(stack).open(account["token_sealed"])
    assert token
    log = stack.group.log("web").read_text()
    assert f"account.connected part=connecting store={merchant.name}" in log
    given = {name: values[0] for name, values in parse_qs(urlsplit(returned).query).items()}
    for secret in (token, given["code"], given["state"], parse_qs(urlsplit(link).query)["invitation"][0]):
        assert secret not in log
        assert secret not in str(merchant.shown())


def test_workers_try_out_the_account_and_read_the_customers(merchant: Merchant) -> None:
    merchant.install(merchant.link())

    tried = "select 1 from yotpo_accounts where store_id = (table store) and expands is not null"
    done = "select seen from backfills where store_id = (table store) and state = 'done'"
    assert merchant.store.eventually(tried, seconds=30)
    assert merchant.store.eventually(done, seconds=60) == [{"seen": 3}]
    shown = merchant.shown()
    assert shown["yotpo"].startswith(f"connected as {merchant.app_key} by the app since 20")
    # The store has only three customers. Their data may not show whether Yotpo accepts both values of `expand` in one
    # request, so both results are correct.
    assert shown["yotpo_expands"] in {"loyalty,reviews", "loyalty and reviews"}
    assert shown["review_webhooks"] == "review_create: registered; review_updated: registered"
    assert merchant.store.url in shown["by_hand"]


def test_the_page_says_that_a_secret_is_needed_and_does_not_show_it(stack: Stack) -> None:
    merchant = Merchant(stack, "--webhook-secret", "a-webhook-secret")

    answer = merchant.install(merchant.link())

    assert "Webhook Authentication" in answer.text
    assert "a-webhook-secret" not in answer.text
    assert merchant.shown()["by_hand"].endswith("Webhook Authentication: the secret that you have set")


def test_a_state_is_valid_once(merchant: Merchant) -> None:
    state = merchant.begin(merchant.link())
    cookie = merchant.browser.cookies.copy()
    assert merchant.open(merchant.decide(state)).status_code == 200
    assert not merchant.browser.cookies
    merchant.browser.cookies = cookie
    asked = merchant.exchanges()

    assert_refused(merchant.open(merchant.decide(state)), 403, "This install has already ended")
    assert merchant.exchanges() == asked


def test_an_install_ends_in_the_browser_where_it_started(merchant: Merchant) -> None:
    returned = merchant.decide(merchant.begin(merchant.link()))
    asked = merchant.exchanges()

    other = requests.get(returned, timeout=10)

    assert_refused(other, 403, "This is another browser")
    assert merchant.exchanges() == asked
    assert merchant.accounts() == []
    # A try in another browser does not use it up.
    assert merchant.open(returned).status_code == 200


def test_one_browser_may_run_several_installs(stack: Stack) -> None:
    first, second = Merchant(stack), Merchant(stack)
    second.browser = first.browser
    states = [first.begin(first.link()), second.begin(second.link())]

    assert first.open(first.decide(states[0])).status_code == 200
    assert second.open(second.decide(states[1])).status_code == 200


def test_a_forged_or_old_state_is_refused_before_yotpo_is_asked(merchant: Merchant, stack: Stack) -> None:
    returned = merchant.decide(merchant.begin(merchant.link()))
    state = parse_qs(urlsplit(returned).query)["state"][0]
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=31)):
        old = tickets(stack).state(Install("a secret", None))
    asked = merchant.exchanges()

    for forged in (state[:-1], f"{state[:-4]}AAAA", "x", "x" * 3000, "ü.ü.ü"):
        assert_refused(merchant.open(changed(returned, state=forged)), 403, "This install was not started here")
    assert_refused(merchant.open(changed(returned, state=old)), 403, "The install took too long")
    assert merchant.exchanges() == asked
    assert merchant.accounts() == []


@pytest.mark.parametrize(
    "parameters",
    [{"app_key": ""}, {"app_key": "../../v2/other"}, {"app_key": "a" * 101}, {"code": "two words"}, {"code": "ü"}],
)
def test_parameters_that_cannot_come_from_yotpo_are_refused(merchant: Merchant, parameters: dict[str, str]) -> None:
    returned = merchant.decide(merchant.begin(merchant.link()))

    assert_refused(merchant.open(changed(returned, **parameters)), 400, "Something is missing")
    assert merchant.accounts() == []


def test_a_merchant_who_cancels_reads_that_nothing_was_connected(merchant: Merchant) -> None:
    link = merchant.link()
    returned = merchant.decide(merchant.begin(link), "cancel")

    assert_refused(merchant.open(returned), 200, "Nothing was connected")
    assert_refused(merchant.open(changed(returned, error="<script>alert(1)</script>")), 200, "Nothing was connected")
    assert_refused(merchant.open(changed(returned, error="")), 200, "Nothing was connected")
    assert merchant.accounts() == []
    assert merchant.install(link).status_code == 200


def test_a_merchant_without_a_link_reads_how_to_get_one(stack: Stack) -> None:
    for path in ("start", "callback"):
        answer = requests.get(f"{stack.web_url}/connect/yotpo/{path}", timeout=10)

        assert_refused(answer, 200, "connector stores connect NAME")


def test_a_link_is_valid_for_a_day_and_for_one_connection(merchant: Merchant, stack: Stack) -> None:
    link = merchant.link()
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=25)):
        old = start_url(stack.web_url, tickets(stack).invitation(1, None))

    assert_refused(merchant.open(old), 403, "This link is too old")
    assert_refused(merchant.open(link[:-2]), 403, "This link is not complete")
    assert merchant.install(link).status_code == 200
    assert_refused(merchant.open(link), 409, "This link has been used")


def test_pages_forbid_frames_caches_scripts_and_referrers(merchant: Merchant) -> None:
    started = merchant.open(merchant.link())
    done = merchant.open(merchant.decide(merchant.begin(merchant.link())))

    for answer in (started, done):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "<script" not in answer.text
    cookie = started.headers["Set-Cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/connect/yotpo", "Max-Age=1800"))
    assert "Secure" not in cookie
