"""Tokens are sent in URLs. No token, secret or personal data may get into an exception or a log line."""

from __future__ import annotations

import contextlib
import logging
import traceback
from typing import TYPE_CHECKING

import pytest
import structlog

from connector import observability
from connector.errors import YotpoError
from connector.yotpo.client import Hosts, Yotpo
from tests.yotpo.answers import (
    CLIENT_SECRET,
    CODE,
    EXPIRED,
    GUID,
    KEY,
    NOBODY,
    RENEWAL,
    RENEWED,
    SECRET,
    SECRETS,
    TOKEN,
    Answer,
    answering,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.yotpo.answers import Server

ADDRESS, NUMBER = "ada@example.test", "+14155550100"
HIDDEN = (*SECRETS, ADDRESS, NUMBER, "ada%40", "4155550100")

ANSWERS = {
    "JSON": told({"error": "<echo>"}, 400),
    "fields": told({"errors": {"access_token": ["<echo>"]}}, 422),
    "text": Answer(409, b"<echo>"),
    "HTML": Answer(502, b"<html><title><echo></title>"),
    "limited": told({"message": "<echo>"}, 429),
    "unauthorized": told({"message": "<echo>"}, 401),
    "redirect": Answer(302, b"<echo>", {"Location": f"/x?access_token={TOKEN}"}),
    "unreadable": Answer(200, b"<echo>"),
    "another shape": told({"error": "<echo>"}),
    "cut off": Answer(200, b"<echo>", length=10_000),
    "slow": Answer(200, b"<echo>", pieces=2, pause_seconds=1),
    "bad gzip": Answer(200, b"<echo>", {"Content-Encoding": "gzip"}),
}


def exchange(server: Server) -> None:
    Yotpo(hosts=server.hosts, connect_seconds=1, read_seconds=0.3).exchange(
        client_id="app", client_secret=CLIENT_SECRET, code=CODE, redirect_uri="https://x"
    )


ASKING: dict[str, Callable[[Server], object]] = {
    "customers": lambda server: server.app_store_client(read_seconds=0.3).customers(cursor="bmV4dA=="),
    "customer": lambda server: server.store_client(read_seconds=0.3).customer(phone=NUMBER),
    "loyalty": lambda server: server.app_store_client(read_seconds=0.3).loyalty(email=ADDRESS),
    "merchant's loyalty": lambda server: server.store_client(read_seconds=0.3).loyalty(email=ADDRESS),
    "token": lambda server: server.store_client(read_seconds=0.3, token=None).token(),
    "exchange": exchange,
}


@contextlib.contextmanager
def debugging() -> Iterator[None]:
    """Log everything that libraries log."""
    loggers = (logging.getLogger(), logging.getLogger("urllib3"))
    handlers, levels = loggers[0].handlers[:], [logger.level for logger in loggers]
    observability.configure("debug")
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    structlog.reset_defaults()


def assert_hidden(*texts: str) -> None:
    for text in texts:
        assert [hidden for hidden in HIDDEN if hidden in text] == []


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_exception_contains_a_secret_or_personal_data(answer: str, asking: str) -> None:
    with answering(ANSWERS[answer]) as yotpo, pytest.raises(YotpoError) as raised:
        ASKING[asking](yotpo)
    error = raised.value

    assert error.__context__ is None
    assert error.__cause__ is None
    assert_hidden(str(error), repr(error), repr(vars(error)), *traceback.format_exception(error))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "ftp://127.0.0.1"])
def test_an_error_of_an_unreachable_server_contains_no_secret(url: str) -> None:
    with answering(NOBODY) as yotpo:
        for store_client in (
            yotpo.app_store_client(hosts=Hosts(url, url, url)),
            yotpo.store_client(hosts=Hosts(url, url, url), token=None),
        ):
            with pytest.raises(YotpoError, match="no complete response") as raised:
                store_client.customer(email=ADDRESS)
            assert raised.value.__context__ is None
            assert_hidden(repr(raised.value), *traceback.format_exception(raised.value))


@pytest.mark.parametrize("secret", [f"{TOKEN}\n", f"{TOKEN}€"])
def test_an_error_about_a_token_that_cannot_be_sent_does_not_contain_it(secret: str) -> None:
    with answering(NOBODY) as yotpo, pytest.raises(YotpoError, match="no complete response") as raised:
        yotpo.store_client(token=secret).customers()

    assert raised.value.__context__ is None
    assert_hidden(str(raised.value), *traceback.format_exception(raised.value))


def test_neither_an_account_nor_a_client_shows_its_secrets() -> None:
    with answering(EXPIRED, RENEWAL, NOBODY) as yotpo:
        store_client = yotpo.store_client()
        store_client.customers()

        assert store_client.renewed_token == RENEWED
        assert_hidden(repr(store_client.account), repr(store_client), repr(yotpo.account()), repr(vars(store_client)))
    assert {TOKEN, SECRET, GUID, KEY} < set(SECRETS)


def test_no_log_line_holds_a_token_even_if_libraries_log_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(NOBODY) as yotpo, debugging():
        yotpo.app_store_client().customers()
        logging.getLogger("library").warning("lost %s", f"'https://x/?utoken={TOKEN}&page=2' ACCESS_TOKEN%3d{RENEWED}")
    lines = capsys.readouterr().out

    assert f"{yotpo.asked[0].path}?limit=100&access_token=* HTTP/1.1" in lines
    assert "lost 'https://x/?utoken=*&page=2' ACCESS_TOKEN%3d*" in lines
    assert_hidden(lines)
