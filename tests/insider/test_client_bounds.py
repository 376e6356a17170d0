"""Which parts of a response the client keeps and hides; and responses that are too long, in bytes or in time."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from connector.insider.client import Insider
from tests.insider.servers import TOKEN, bare, person, store_at
from tests.measuring import quickest

if TYPE_CHECKING:
    from connector.insider.client import Response
    from tests.conftest import Insider as Simulator

HEAD = b"HTTP/1.1 400 Bad Request\r\n"


def answered(body: bytes) -> Response:
    """Return what the client makes of a refusal with this body."""
    with bare(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body) as server:
        return Insider(url=server.url, connect_seconds=1, read_seconds=5).upsert(
            store_at(server.url), [person()], skip_hook=False
        )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":"not a valid email address: john.smith@example.com"}', '{"error":"not a valid email address: *"}'),
        (b'["john@example.com","fred@example.net"]', '["*","*"]'),
        (b'{"message":"no phone number: +14155550100"}', '{"message":"no phone number: *"}'),
        (b"14155550100, 4155550100", "*, *"),
        (b'{"error":"bigger than 5,000,000 bytes"}', '{"error":"bigger than 5,000,000 bytes"}'),
        (b'{"count":1000,"took_ms":123456}', '{"count":1000,"took_ms":123456}'),
        ("jürgen@exämple.de ist ungültig".encode(), "* ist ungültig"),
        (b"a\x00b\xffc", "ab�c"),
        (b"", ""),
    ],
)  # fmt: skip
def test_an_excerpt_holds_neither_addresses_nor_numbers_of_people(body: bytes, expected: str) -> None:
    assert answered(body).excerpt == expected


def test_an_excerpt_is_the_beginning_of_the_answer() -> None:
    assert answered(b"x" * 400 + b" " + b"y" * 400).excerpt == "x" * 400 + " " + "y" * 99


@pytest.mark.parametrize(("personal", "leak"), [(b"john.smith@example.com", "john"), (b"+14155550100", "1415")])
def test_an_address_or_number_where_the_excerpt_ends_is_hidden_too(personal: bytes, leak: str) -> None:
    excerpt = answered(b"x " * 247 + personal).excerpt

    assert leak not in excerpt


def test_the_simulators_refusals_are_kept_without_the_address(insider: Simulator) -> None:
    client = Insider(url=insider.url, connect_seconds=1, read_seconds=5)
    answer = client.upsert(store_at(insider.url), [person("john smith@example")], skip_hook=False)

    assert "not a valid email address" in answer.excerpt
    assert "smith@example" not in answer.excerpt


def test_no_secret_is_shown(insider: Simulator) -> None:
    client, store = Insider(url=insider.url, connect_seconds=1, read_seconds=5), store_at(insider.url)
    answer = client.upsert(store, [person()], skip_hook=False)
    shown = repr((client, store, answer))

    assert answer.status == 200
    assert "acme" in shown
    assert TOKEN not in shown
    assert "the-token-of-the-webhooks" not in shown
    assert "the-secret-of-the-webhooks" not in shown


def test_an_answer_that_does_not_end_is_given_up() -> None:
    with bare(HEAD + b"\r\n", *[b"x" * 1_000_000] * 5) as server:
        answer = Insider(url="", connect_seconds=1, read_seconds=5).upsert(
            store_at(server.url), [person()], skip_hook=False
        )

    assert (answer.status, answer.excerpt) == (None, "")


def test_an_answer_that_drips_is_given_up() -> None:
    def measure() -> float:
        drops = [b"x"] * 30
        with bare(HEAD + b"Content-Length: 30\r\n\r\n", *drops, pause_seconds=0.1) as server:
            answer = Insider(url="", connect_seconds=1, read_seconds=0.4).upsert(
                store_at(server.url), [person()], skip_hook=False
            )
        assert answer.status is None
        return answer.duration_ms

    assert quickest(measure, below=2500) < 2500


def test_a_response_that_is_cut_in_the_middle_is_none() -> None:
    with bare(HEAD + b"Content-Length: 100\r\n\r\n", b'{"data":') as server:
        answer = Insider(url="", connect_seconds=1, read_seconds=5).upsert(
            store_at(server.url), [person()], skip_hook=False
        )

    assert (answer.status, answer.excerpt) == (None, "")


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("form", ["plain", "chunked", "gzip"])
def test_a_response_is_read_whole_in_any_encoding_and_any_pieces(form: str, size: int) -> None:
    body = b'{"error":"' + b"told " * 40 + b'"}'
    sent, header = body, f"Content-Length: {len(body)}"
    if form == "chunked":
        sent, header = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), "Transfer-Encoding: chunked"
    elif form == "gzip":
        sent = gzip.compress(body)
        header = f"Content-Encoding: gzip\r\nContent-Length: {len(sent)}"
    pieces = [sent[start : start + size] for start in range(0, len(sent), size)]
    with bare(HEAD + f"{header}\r\n\r\n".encode(), *pieces, pause_seconds=0.002) as server:
        answer = Insider(url="", connect_seconds=1, read_seconds=5).upsert(
            store_at(server.url), [person()], skip_hook=False
        )

    assert (answer.status, answer.message) == (400, "told " * 40)
