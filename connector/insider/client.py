"""Sends one request to Insider's API and returns one `Response`. Makes no decisions and never retries."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import requests

from connector.http import outbound, redaction
from connector.insider import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.model import Store

_UPSERT = "/api/user/v1/upsert"
_CLEAR = "/api/user/v1/attribute/delete"
_RESPONSE_LIMIT = 4_000_000
_EXCERPT_LIMIT = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """Insider's response to a request, or the reason why there is no response."""

    #: The HTTP status; None if no complete response came in time.
    status: int | None
    #: The result for the users; None if the status is not 200, or if the body has an unexpected format.
    verdict: wire.Verdict | None = None
    #: The error message, from Insider or from the network.
    message: str = ""
    #: How many seconds Insider asks the client to wait; None if Insider does not ask for it.
    retry_after: float | None = None
    duration_ms: int = 0
    #: The beginning of the body, without people's addresses and phone numbers.
    excerpt: str = field(default="", repr=False)


class Insider:
    """A client of Insider's API. Each process has one; it keeps connections open between requests."""

    def __init__(self, *, url: str, connect_seconds: float, read_seconds: float) -> None:
        self._url = url
        self._sender = outbound.Sender(
            connect_seconds=connect_seconds, read_seconds=read_seconds, bytes_limit=_RESPONSE_LIMIT
        )

    def upsert(self, store: Store, users: Sequence[bytes], *, skip_hook: bool) -> Response:
        """Send at most 1,000 encoded users, with at most 5,000,000 bytes in total.

        A network failure raises no exception.
        """
        body = wire.encode_request(users, skip_hook=skip_hook)
        return self._post(store, _UPSERT, body, partial(wire.read_response, users=len(users)))

    def clear(self, store: Store, users: Sequence[bytes]) -> Response:
        """Ask Insider to forget attributes of encoded users.

        Clears and upserts have the same limits and share one rate limit.
        """
        return self._post(store, _CLEAR, wire.encode_request(users), partial(wire.read_cleared, users=len(users)))

    def _post(self, store: Store, path: str, body: bytes, read: Callable[[bytes], wire.Verdict | None]) -> Response:
        started = time.monotonic()
        reply = self._sender.send(
            "POST",
            (store.insider_url or self._url).rstrip("/") + path,
            headers={
                "X-PARTNER-NAME": store.insider_partner,
                "X-REQUEST-TOKEN": store.insider_token,
                "Content-Type": "application/json",
            },
            body=body,
        )
        if isinstance(reply, outbound.NoReply):
            return Response(status=None, message=reply.cause, duration_ms=_milliseconds_since(started))
        anonymous = redaction.without_people(reply.content)
        return Response(
            status=reply.status,
            verdict=read(reply.content) if reply.status == requests.codes.ok else None,
            message=wire.read_message(anonymous),
            retry_after=outbound.retry_after(reply.headers),
            duration_ms=_milliseconds_since(started),
            # The text is shortened after personal data are removed: an address that is cut in half would not be
            # recognised.
            excerpt=anonymous[:_EXCERPT_LIMIT].decode(errors="replace").replace("\x00", ""),
        )


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
