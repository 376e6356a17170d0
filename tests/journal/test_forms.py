"""The settings of a store: the checked values, and the error for each wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from connector.errors import OperatorError
from connector.journal.forms import read_store
from connector.model import Options

LEAST = {"name": "acme", "insider_partner": "acme", "insider_token": "token"}


def test_defaults_complete_the_required_settings() -> None:
    assert read_store(LEAST) == {
        "name": "acme",
        "insider_partner": "acme",
        "insider_token": "token",
        "insider_url": None,
        "webhook_secret": None,
        "webhook_secret_header": "Authorization",
        "options": Options(),
    }


def test_options_are_collected_into_one_object() -> None:
    chosen = {"standin_year": 1904, "phone_region": "IL", "overlay": "outlet"}
    assert read_store({**LEAST, **chosen})["options"] == Options(standin_year=1904, phone_region="IL", overlay="outlet")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "a"),
        ("name", "0-" + "x" * 61),
        ("insider_partner", "acme.uat_2-x"),
        ("insider_token", "!~" * 250),
        ("insider_url", "https://unification.useinsider.com"),
        ("insider_url", "HTTPS://insider.example.com:8443/"),
        ("insider_url", "http://127.0.0.1:9009"),
        ("insider_url", "http://[::1]:9009"),
        ("insider_url", "http://localhost"),
        ("webhook_secret", "x" * 8),
        ("webhook_secret", "x" * 500),
        ("webhook_secret", None),
        ("webhook_secret_header", "X-Yotpo-Secret"),
    ],
)
def test_a_valid_value_is_accepted_unchanged(name: str, value: object) -> None:
    assert read_store({**LEAST, name: value})[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "Acme"),
        ("name", "-acme"),
        ("name", "acme store"),
        ("name", "acme\n"),
        ("name", "x" * 64),
        ("name", 7),
        ("name", None),
        ("insider_partner", "Acme"),
        ("insider_partner", "acme store"),
        ("insider_partner", ""),
        ("insider_partner", "x" * 101),
        ("insider_token", ""),
        ("insider_token", "to ken"),
        ("insider_token", "secret\n"),
        ("insider_token", "tökén"),
        ("insider_token", "x" * 501),
        ("insider_url", "http://insider.example.com"),
        ("insider_url", "http://10.0.0.1"),
        ("insider_url", "http://127.0.0.1.example.com"),
        ("insider_url", "https://"),
        ("insider_url", "ftp://localhost"),
        ("insider_url", "insider.example.com"),
        ("insider_url", ""),
        ("webhook_secret", "x" * 7),
        ("webhook_secret", "x" * 501),
        ("webhook_secret", "secret with spaces"),
        ("webhook_secret_header", ""),
        ("webhook_secret_header", "X Secret"),
        ("webhook_secret_header", "X-Secret:"),
        ("standin_year", 0),
        ("standin_year", 10_000),
        ("standin_year", "soon"),
        ("phone_region", "us"),
        ("phone_region", "XX"),
        ("phone_region", "USA"),
        ("overlay", "my outlet"),
        ("overlay", "../outlet"),
        ("colour", "red"),
    ],
)
def test_the_error_names_the_wrong_setting_but_not_its_value(name: str, value: Any) -> None:
    with pytest.raises(OperatorError) as told:
        read_store({**LEAST, name: value})

    assert str(told.value).startswith(f"{name.replace('_', '-')} ")
    assert ";" not in str(told.value)
    if name in {"insider_token", "webhook_secret"} and value:
        assert value.strip() not in str(told.value)


@pytest.mark.parametrize("url", ["https://[", "https://[::1"])
def test_a_url_that_cannot_be_parsed_is_an_error_too(url: str) -> None:
    with pytest.raises(OperatorError, match=r"^insider-url "):
        read_store({**LEAST, "insider_url": url})


@pytest.mark.parametrize(
    "url",
    [
        "https://insider.example.com:99999",
        "https://user:password@insider.example.com",
        "https://insider.example.com/?query",
        "https://insider.example.com/#fragment",
        "https://insider example.com",
        " https://insider.example.com",
    ],
)
def test_a_url_to_which_no_path_can_be_added_is_refused(url: str) -> None:
    with pytest.raises(OperatorError, match=r"^insider-url "):
        read_store({**LEAST, "insider_url": url})


def test_the_error_names_all_wrong_settings_at_once() -> None:
    with pytest.raises(OperatorError) as told:
        read_store({"name": "Acme", "insider_partner": "acme", "phone_region": "XX"})

    named = {problem.partition(" ")[0] for problem in str(told.value).split("; ")}
    assert named == {"name", "insider-token", "phone-region"}
