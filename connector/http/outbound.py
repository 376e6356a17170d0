"""A request to the API of another company: safe, bounded in size and time, and never an exception that quotes a URL."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

# Two passes, each of which reads a long word but once: a body of megabytes may be a single one.
_ADDRESS = re.compile(rb"(?<![^\s\"':,])[^\s\"':,]+(?:@|%40)[^\s\"':,]+")
_NUMBER = re.compile(rb"\+?\d[\d ().-]{5,}\d")
_TOKEN = re.compile(r"((?:access_token|utoken)(?:=|%3d))[^\s&\"'<>]+", re.IGNORECASE)


class Reply(NamedTuple):
    """A whole answer, whatever its status."""

    status: int
    #: Their names in any case.
    headers: Mapping[str, str]
    content: bytes


class Lost(NamedTuple):
    """No whole answer came."""

    #: The kind of failure, such as ``ReadTimeout``; never what an exception says, since that quotes the URL.
    cause: str


class Sender:
    """Sends requests over connections that stay open, of each thread its own; tries none a second time."""

    def __init__(self, *, connect_seconds: float, read_seconds: float, bytes_limit: int) -> None:
        """An answer may be `bytes_limit` long, and take twice the read time-out from first to last byte."""
        self._timeouts = (connect_seconds, read_seconds)
        self._whole_seconds = 2 * read_seconds
        self._bytes_limit = bytes_limit
        self._own = _Own()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply | Lost:
        """Send one request; never raises for what the network does. A redirect is not followed."""
        started = time.monotonic()
        try:
            response = self._own.session.request(
                method,
                url,
                headers=dict(headers),
                params=parameters,
                data=body,
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            )
            content = self._content(response, started)
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
            return Lost(type(error).__name__)
        return Lost("AnswerTooLong") if content is None else Reply(response.status_code, response.headers, content)

    def _content(self, response: requests.Response, started: float) -> bytes | None:
        """Read the body, bounded in size and in time: the read time-out alone begins anew with every byte."""
        content = bytearray()
        with response:
            while chunk := response.raw.read1(65_536, decode_content=True):
                content += chunk
                if len(content) > self._bytes_limit:
                    return None
                if time.monotonic() - started > self._whole_seconds:
                    raise requests.ReadTimeout
        return bytes(content)


class _Own(threading.local):
    """What each thread has for itself."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # no store's cookie for another
        self.session.trust_env = False  # neither a .netrc nor a proxy variable has a say in where credentials go
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=0))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read seconds or an HTTP date, which counts from the answer's own date: our clock may be wrong."""
    header = headers.get("Retry-After", "").strip()
    if header.isdecimal():
        return float(header)
    until = _http_date(header)
    return (
        max(0.0, (until - (_http_date(headers.get("Date", "")) or datetime.now(UTC))).total_seconds())
        if until
        else None
    )


def _http_date(header: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(header)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def without_people(content: bytes) -> bytes:
    """Return the text with a ``*`` for each address and each number that may be a person's."""
    return _NUMBER.sub(b"*", _ADDRESS.sub(b"*", content))


def without_tokens(text: str) -> str:
    """Return the text with a ``*`` for each token in a URL: Yotpo's travel there."""
    return _TOKEN.sub(r"\1*", text)
