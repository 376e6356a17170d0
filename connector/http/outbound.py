"""Sends a request to another company's API. Time and size are limited, and no error message quotes a URL."""

from __future__ import annotations

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


class Reply(NamedTuple):
    """A complete HTTP response, with any status."""

    status: int
    #: The names of headers are looked up without regard to upper and lower case.
    headers: Mapping[str, str]
    content: bytes


class NoReply(NamedTuple):
    """No complete HTTP response came."""

    #: The kind of failure, such as ``ReadTimeout``. It is never an exception's message, which would quote the
    #: URL.
    cause: str


class Sender:
    """Sends requests over connections that stay open. Each thread has its own connections. There are no retries."""

    def __init__(self, *, connect_seconds: float, read_seconds: float, bytes_limit: int) -> None:
        """A response may have up to `bytes_limit` bytes, and take up to twice `read_seconds` in all."""
        self._timeouts = (connect_seconds, read_seconds)
        self._whole_seconds = 2 * read_seconds
        self._bytes_limit = bytes_limit
        self._thread_local = _ThreadLocal()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply | NoReply:
        """Send one request. A network failure gives NoReply, not an exception. Redirects are not followed."""
        started = time.monotonic()
        try:
            response = self._thread_local.session.request(
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
            return NoReply(type(error).__name__)
        return NoReply("AnswerTooLong") if content is None else Reply(response.status_code, response.headers, content)

    def _content(self, response: requests.Response, started: float) -> bytes | None:
        """Return the body, or None if it is too long. Raises ReadTimeout if it takes too long.

        The read time-out alone is not enough: it starts again with every byte.
        """
        content = bytearray()
        with response:
            while chunk := response.raw.read1(65_536, decode_content=True):
                content += chunk
                if len(content) > self._bytes_limit:
                    return None
                if time.monotonic() - started > self._whole_seconds:
                    raise requests.ReadTimeout
        return bytes(content)


class _ThreadLocal(threading.local):
    """The session of one thread."""

    def __init__(self) -> None:
        self.session = requests.Session()
        # Cookies are never kept, so a cookie of one store is never sent for another store.
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.session.trust_env = False  # so no .netrc and no proxy variable decides where credentials go
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=0))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds `Retry-After` asks to wait, or None.

    An HTTP date is compared with the response's own `Date`, because this machine's clock may be wrong.
    """
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
        moment = parsedate_to_datetime(header)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
