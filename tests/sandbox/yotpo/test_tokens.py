"""The simulator of Yotpo: access by tokens, keys and installs of an app."""

from __future__ import annotations

import time

import pytest

from tests.sandbox.yotpo.simulators import APP, CUSTOMERS, KEYS, Yotpo


@pytest.fixture
def yotpo(yotpo: Yotpo) -> Yotpo:
    yotpo.tell("stores", {"app_key": "other", "size": 10})
    return yotpo


def status(yotpo: Yotpo, token: str, app_key: str = "shop") -> int:
    return yotpo.get(f"/core/v3/stores/{app_key}/customers", {"X-Yotpo-Token": token}, limit=1).status_code


def test_the_api_secret_gets_a_token_for_its_store_only(yotpo: Yotpo) -> None:
    assert status(yotpo, yotpo.new_token()) == 200
    assert status(yotpo, yotpo.new_token(), "other") == 401
    assert status(yotpo, "made up") == 401
    assert yotpo.get(CUSTOMERS, {}).json() == {"message": "Unauthorized"}


def test_a_wrong_secret_gets_no_token(yotpo: Yotpo) -> None:
    for path in (f"{CUSTOMERS[:-10]}/access_tokens", "/core/v3/stores/unknown/access_tokens"):
        assert yotpo.post(path, {"secret": "wrong"}).status_code == 401


def test_the_older_token_endpoint_works_too(yotpo: Yotpo) -> None:
    body = {"client_id": "shop", "client_secret": "secret-of-shop", "grant_type": "client_credentials"}

    assert status(yotpo, yotpo.post("/oauth/token", body).json()["access_token"]) == 200
    assert yotpo.post("/oauth/token", body | {"client_secret": "wrong"}).status_code == 401
    assert yotpo.post("/oauth/token", body | {"grant_type": "password"}).status_code == 400


def test_a_switch_sets_how_long_a_token_is_valid(yotpo: Yotpo) -> None:
    yotpo.switch(token_seconds=0.3)
    short = yotpo.new_token()
    yotpo.switch(token_seconds=None)
    endless = yotpo.new_token()
    assert status(yotpo, short) == 200
    time.sleep(0.35)

    assert (status(yotpo, short), status(yotpo, endless)) == (401, 200)


def test_a_revoked_store_is_refused_everywhere(yotpo: Yotpo) -> None:
    token, app_token = yotpo.new_token(), yotpo.installed()
    yotpo.switch(revoked=["shop"])

    assert status(yotpo, token) == 401
    assert yotpo.get("/v2/shop/info", access_token=app_token).status_code == 401
    assert yotpo.get("/api/v2/vip_tiers", KEYS).status_code == 401
    assert yotpo.post("/core/v3/stores/shop/access_tokens", {"secret": "secret-of-shop"}).status_code == 401
    assert status(yotpo, yotpo.new_token("other"), "other") == 200


def test_an_install_yields_a_token_for_all_apis_of_an_app(yotpo: Yotpo) -> None:
    yotpo.tell("apps", APP)
    redirect = yotpo.decide(state="s-42")
    assert (redirect["app_key"], redirect["state"]) == ("shop", "s-42")

    answer = yotpo.exchange(redirect["code"])
    token = answer.json()["access_token"]

    assert (answer.status_code, answer.json()["token_type"]) == (200, "bearer")
    assert yotpo.get("/v2/shop/info", {}, access_token=token).json()["response"]["app_key"] == "shop"
    assert yotpo.get(CUSTOMERS, {}, access_token=token).status_code == 200
    assert status(yotpo, token) == 200
    assert yotpo.get("/v2/other/info", {}, access_token=token).status_code == 401


def test_a_merchants_own_token_is_refused_by_the_app_apis(yotpo: Yotpo) -> None:
    answer = yotpo.get("/v2/shop/info", {}, access_token=yotpo.token)

    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "text/html; charset=utf-8")


def test_a_code_can_be_exchanged_once(yotpo: Yotpo) -> None:
    yotpo.tell("apps", APP)
    code = yotpo.decide()["code"]

    assert [yotpo.exchange(code).status_code for _ in range(2)] == [200, 400]


def test_a_code_expires(yotpo: Yotpo) -> None:
    yotpo.switch(code_seconds=0.1)
    yotpo.tell("apps", APP)
    code = yotpo.decide()["code"]
    time.sleep(0.15)

    assert yotpo.exchange(code).status_code == 400


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"client_secret": "guessed"}, 401),
        ({"client_id": "unknown"}, 401),
        ({"redirect_uri": "https://elsewhere.example/"}, 400),
        ({"grant_type": "client_credentials"}, 400),
        ({"code": "made up"}, 400),
    ],
)
def test_a_wrong_exchange_is_refused_and_does_not_use_up_the_code(
    yotpo: Yotpo, wrong: dict[str, str], expected: int
) -> None:
    yotpo.tell("apps", APP)
    code = yotpo.decide()["code"]

    assert yotpo.exchange(**({"code": code} | wrong)).status_code == expected
    assert yotpo.exchange(code).status_code == 200


def test_a_code_does_not_work_for_another_app(yotpo: Yotpo) -> None:
    yotpo.tell("apps", APP)
    yotpo.tell("apps", APP | {"client_id": "app-8"})

    assert yotpo.exchange(yotpo.decide()["code"], client_id="app-8").status_code == 400


def test_there_is_one_token_for_a_store_until_the_app_is_uninstalled(yotpo: Yotpo) -> None:
    token = yotpo.installed()
    assert yotpo.installed() == token
    other = yotpo.installed("other")

    assert yotpo.tell("uninstall", {"app_key": "shop"}) == {"ended": 1}
    assert [yotpo.get("/v2/shop/info", {}, access_token=token).status_code for _ in range(3)] == [401] * 3
    assert yotpo.get("/v2/other/info", {}, access_token=other).status_code == 200
    assert yotpo.installed() != token
    assert status(yotpo, token) == 401


def test_a_merchant_may_cancel(yotpo: Yotpo) -> None:
    yotpo.tell("apps", APP)

    assert yotpo.decide(decision="cancel") == {"error": "access_denied", "state": "s-1"}


def test_the_install_page_has_what_a_browser_needs(yotpo: Yotpo) -> None:
    yotpo.tell("apps", APP)

    page = yotpo.get("/app/", {})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "location.hash" in page.text
    assert all(f">{button}</button>" in page.text for button in ("Install", "Cancel"))
    assert yotpo.get("/app/applications/app-7", {}).json() == {"name": "The connector", "stores": ["shop", "other"]}
    assert yotpo.get("/app/applications/unknown", {}).status_code == 404


def test_an_unregistered_app_cannot_be_installed(yotpo: Yotpo) -> None:
    form = {"client_id": "unknown", "app_key": "shop", "decision": "install", "state": ""}

    assert yotpo.session.post(f"{yotpo.url}/app/decisions", data=form, timeout=10).status_code == 404
