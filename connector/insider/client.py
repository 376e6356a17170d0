"""Speaks to Insider over a pooled session: one request in, one `Answer` out. Decides nothing and never tries again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import requests

from connector.http import outbound
from connector.insider import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.model import Store

_UPSERT = "/api/user/v1/upsert"
_CLEAR = "/api/user/v1/attribute/delete"
_ANSWER_LIMIT = 4_000_000
_EXCERPT = 500


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
        self._sender = outbound.Sender(
            connect_seconds=connect_seconds, read_seconds=read_seconds, bytes_limit=_ANSWER_LIMIT
        )

    def upsert(self, store: Store, users: Sequence[bytes], *, skip_hook: bool) -> Answer:
        """Send encoded users, at most 1,000 and 5,000,000 bytes together; never raises for what the network does."""
        body = wire.encode_request(users, skip_hook=skip_hook)
        return self._post(store, _UPSERT, body, partial(wire.read_answer, users=len(users)))

    def clear(self, store: Store, users: Sequence[bytes]) -> Answer:
        """Let Insider forget attributes of encoded users; within the limits of an upsert, whose rate it shares."""
        return self._post(store, _CLEAR, wire.encode_request(users), partial(wire.read_cleared, users=len(users)))

    def _post(self, store: Store, path: str, body: bytes, read: Callable[[bytes], wire.Verdict | None]) -> Answer:
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
        if isinstance(reply, outbound.Lost):
            return Answer(status=None, message=reply.cause, duration_ms=_since(started))
        shown = outbound.without_people(reply.content)
        return Answer(
            status=reply.status,
            verdict=read(reply.content) if reply.status == requests.codes.ok else None,
            message=wire.read_message(shown),
            retry_after=outbound.retry_after(reply.headers),
            duration_ms=_since(started),
            # Cut after people's data are gone: half an address would not be recognised.
            excerpt=shown[:_EXCERPT].decode(errors="replace").replace("\x00", ""),
        )


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
