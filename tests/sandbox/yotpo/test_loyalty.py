"""The simulator of Yotpo: the Loyalty API, v2 and v3, and the legacy App Developer API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.yotpo.simulators import KEYS, Yotpo

if TYPE_CHECKING:
    import requests

LOYALTY_V3 = "/loyalty/v3/stores/shop/customers"
CODE = "with_referral_code"


@pytest.fixture
def token(yotpo: Yotpo) -> str:
    return yotpo.installed()


def member(yotpo: Yotpo) -> dict[str, Any]:
    customer: dict[str, Any] = yotpo.someone(external_id=True, email=True, phone_number=True, yotpo_loyalty=True)
    return customer


def get_v3(yotpo: Yotpo, token: str, email: str) -> requests.Response:
    return yotpo.post(LOYALTY_V3, {"customers": {"customer_email": email}, CODE: True}, access_token=token)


def test_v2_answers_flat_and_v3_in_an_envelope(yotpo: Yotpo, token: str) -> None:
    truth = member(yotpo)
    email = truth["core"]["email"]

    assert (
        yotpo.get("/api/v2/customers", KEYS, customer_email=email, with_referral_code="true").json()
        == (truth["loyalty"])
    )
    assert get_v3(yotpo, token, email).json() == {"customers": truth["loyalty"]}


def test_a_member_is_found_by_each_identifier(yotpo: Yotpo) -> None:
    truth = next(each for each in yotpo.truth() if each["loyalty"] and each["loyalty"].get("referral_link"))
    core, loyalty = truth["core"], truth["loyalty"]
    queries: list[dict[str, Any]] = [{"customer_id": loyalty["referral_link"]["customer_id"]}]
    queries += [{"customer_email": core["email"]}] if core["email"] else []
    queries += [{"customer_id": core["external_id"]}] if core["external_id"] else []
    queries += [{"phone_number": core["phone_number"]}] if core["phone_number"] else []
    assert len(queries) > 2

    for query in queries:
        assert yotpo.get("/api/v2/customers", KEYS, **query, with_referral_code="true").json() == loyalty


def test_the_referral_code_and_the_history_are_shown_on_request_only(yotpo: Yotpo) -> None:
    email = member(yotpo)["core"]["email"]

    shown = yotpo.get("/api/v2/customers", KEYS, customer_email=email, with_history="true").json()
    assert "referral_code" not in shown
    assert shown["history_items"] == []


def test_keys_may_be_in_the_url(yotpo: Yotpo) -> None:
    answer = yotpo.get("/api/v2/vip_tiers", {}, guid="guid-of-shop", api_key="key-of-shop")

    assert [tier["name"] for tier in answer.json()] == ["BRONZE", "SILVER", "GOLD"]


@pytest.mark.parametrize("headers", [{}, KEYS | {"x-api-key": "wrong"}, KEYS | {"x-guid": "wrong"}])
def test_wrong_keys_are_refused_in_plain_text(yotpo: Yotpo, headers: dict[str, str]) -> None:
    answer = yotpo.get("/api/v2/vip_tiers", headers)

    assert (answer.status_code, answer.text) == (401, "HTTP Token: Access denied.")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"errors": [{"message": {"customer": "Could not find customer"}}]}),
        (400, {"error": "Customer does not exist"}),
    ],
)
def test_a_customer_who_is_not_enrolled_gets_the_answer_of_the_switch(
    yotpo: Yotpo, token: str, status: int, body: Any
) -> None:
    yotpo.switch(not_enrolled=status)
    stranger = yotpo.someone(email=True, yotpo_loyalty=False)["core"]["email"]

    for email in (stranger, "nobody@example.com"):
        flat = yotpo.get("/api/v2/customers", KEYS, customer_email=email)
        assert (flat.status_code, flat.json()) == (status, body)
        assert get_v3(yotpo, token, email).json() == body


def test_a_store_may_have_no_loyalty_at_all(yotpo: Yotpo, token: str) -> None:
    email = member(yotpo)["core"]["email"]
    yotpo.switch(no_loyalty=["shop"])

    assert get_v3(yotpo, token, email).status_code == 404
    assert yotpo.get("/api/v2/vip_tiers", KEYS).status_code == 404


def test_a_look_up_without_an_identifier_is_refused(yotpo: Yotpo, token: str) -> None:
    assert yotpo.get("/api/v2/customers", KEYS).status_code == 400
    assert get_v3(yotpo, token, "").status_code == 400


def test_core_and_loyalty_show_the_same_values_under_their_own_names(yotpo: Yotpo) -> None:
    members = [each for each in yotpo.truth() if each["loyalty"]]
    assert len(members) > 500

    for each in members:
        core, loyalty = each["core"]["yotpo_loyalty"], each["loyalty"]
        same = ("points_earned", "points_balance", "vip_tier_name", "has_store_account")
        assert [core[name] for name in same] == [loyalty[name] for name in same]
        assert core["is_opt_in"] == loyalty["opt_in"]
        assert core["opt_in_date"][:10] == loyalty["opted_in_at"]
        assert (core["vip_expiration_date"] or "")[:10] == (loyalty["vip_tier_expiration"] or "")[:10]
        assert (core["points_expire_date"] or "")[:19] == (loyalty["points_expire_at"] or "")[:19]
        assert loyalty["credit_balance"] == f"${core['credit_balance_amount']:,}"
        assert loyalty["third_party_id"] == each["core"]["external_id"]


def test_the_legacy_answer_has_its_own_names(yotpo: Yotpo, token: str) -> None:
    core = yotpo.someone(email=True, yotpo_loyalty=True, yotpo_ugc=True)["core"]

    answer = yotpo.get("/v2/shop/customers", access_token=token, customer_email=core["email"])

    (shown,) = answer.json()["response"]["customers"]
    assert shown["customer_email"] == core["email"]
    assert shown["point_balance"] == core["yotpo_loyalty"]["points_balance"]
    assert shown["avg_sentiment_product"] == core["yotpo_ugc"]["sentiment_avg_product"]
    assert len(shown) == 17


def test_each_review_event_can_have_one_webhook(yotpo: Yotpo, token: str) -> None:
    url = "https://connector.example/webhooks/yotpo/x"
    path = "/v2/shop/webhooks"
    for event in ("review_create", "review_updated"):
        assert yotpo.post(path, {"event_name": event, "url": url}, access_token=token).status_code == 200
    assert yotpo.post(path, {"event_name": "review_create", "url": url}, access_token=token).status_code == 400

    listed = yotpo.get(path, access_token=token).json()["webhooks"]["webhooks"]
    assert [(each["webhook_event_name"], each["url"]) for each in listed] == [
        ("review_create", url),
        ("review_updated", url),
    ]
    one = f"{yotpo.url}{path}/{listed[0]['id']}"
    deleted = [yotpo.session.delete(one, params={"access_token": token}, timeout=10).status_code for _ in range(2)]
    assert deleted == [200, 404]
    assert list(yotpo.ask("stores")[0]["review_webhooks"]) == ["review_updated"]


@pytest.mark.parametrize(
    "body",
    [{"event_name": "order_create", "url": "https://a.example"}, {"event_name": "review_create", "url": "ftp:x"}],
)
def test_wrong_webhooks_are_refused(yotpo: Yotpo, token: str, body: dict[str, str]) -> None:
    assert yotpo.post("/v2/shop/webhooks", body, access_token=token).status_code == 400


def test_the_loyalty_webhook_is_pasted_by_hand(yotpo: Yotpo) -> None:
    given = {"url": "https://connector.example/hooks", "secret": "s3", "header": "X-Secret"}

    yotpo.tell("stores/shop/loyalty-webhook", given)
    assert yotpo.ask("stores")[0]["loyalty_webhook"] == given
    yotpo.tell("stores/shop/loyalty-webhook", {"url": given["url"]})
    expected = {"url": given["url"], "secret": None, "header": "Authorization"}
    assert yotpo.ask("stores")[0]["loyalty_webhook"] == expected
