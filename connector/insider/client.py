"""Speaks to Insider over a pooled session: one request in, one `Answer` out. Decides nothing and never tries again."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING

import requests
import urllib3
from requests.adapters import HTTPAdapter

from connector.insider import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.model import Store

_UPSERT = "/api/user/v1/upsert"
_CLEAR = "/api/user/v1/attribute/delete"
_ANSWER_LIMIT = 4_000_000
_EXCERPT = 500
_PERSONAL = re.compile(rb"[^\s\"':,]+@[^\s\"':,]+|\+?\d[\d ().-]{5,}\d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of a request."""

    #: The HTTP status; None where no whole answer came in time.
    status: int | None
    #: What a 200 says of the users; None where it is not Insider's shape.
    verdict: wire.Verdict | None = None
    #: The sentence of an error, from Insider or from the network.
    message: str = ""
    #: Seconds that Insider asks to wait.
    retry_after: float | None = None
    duration_ms: int = 0
    #: The beginning of the body without addresses and numbers of people.
    excerpt: str = field(default="", repr=False)


class Insider:
    """A client of Insider's API. One a process; it keeps connections open between requests."""

    def __init__(self, *, url: str, connect_seconds: float, read_seconds: float) -> None:
        self._url = url
        self._timeouts = (connect_seconds, read_seconds)
        self._read_seconds = read_seconds
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # no store's cookie for another
        self._session.trust_env = False  # neither a .netrc nor a proxy variable has a say in where credentials go
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=0))

    def upsert(self, store: Store, users: Sequence[bytes], *, skip_hook: bool) -> Answer:
        """Send encoded users, at most 1,000 and 5,000,000 bytes together; never raises for what the network does."""
        body = wire.encode_request(users, skip_hook=skip_hook)
        return self._post(store, _UPSERT, body, partial(wire.read_answer, users=len(users)))

    def clear(self, store: Store, users: Sequence[bytes]) -> Answer:
        """Let Insider forget attributes of encoded users; within the limits of an upsert, whose rate it shares."""
        return self._post(store, _CLEAR, wire.encode_request(users), partial(wire.read_cleared, users=len(users)))

    def _post(self, store: Store, path: str, body: bytes, read: Callable[[bytes], wire.Verdict | None]) -> Answer:
        started = time.monotonic()
        try:
            response = self._session.post(
                (store.insider_url or self._url).rstrip("/") + path,
                data=body,
                headers={
                    "X-PARTNER-NAME": store.insider_partner,
                    "X-REQUEST-TOKEN": store.insider_token,
                    "Content-Type": "application/json",
                },
                timeout=self._timeouts,
                allow_redirects=False,
                stream=True,
            )
            content = self._content(response, started)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            return Answer(status=None, message=type(error).__name__, duration_ms=_since(started))
        return Answer(
            status=response.status_code,
            verdict=read(content) if response.status_code == requests.codes.ok else None,
            message=wire.read_message(_PERSONAL.sub(b"*", content)),
            retry_after=_retry_after(response.headers),
            duration_ms=_since(started),
            # Cut after people's data are gone: half an address would not be recognised.
            excerpt=_PERSONAL.sub(b"*", content)[:_EXCERPT].decode(errors="replace").replace("\x00", ""),
        )

    def _content(self, response: requests.Response, started: float) -> bytes:
        """Read the body, bounded in size and in time: the read time-out alone begins anew with every byte."""
        content = bytearray()
        with response:
            while chunk := response.raw.read1(65_536, decode_content=True):
                content += chunk
                if len(content) > _ANSWER_LIMIT or time.monotonic() - started > 2 * self._read_seconds:
                    raise requests.ReadTimeout
        return bytes(content)


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _retry_after(headers: Mapping[str, str]) -> float | None:
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
