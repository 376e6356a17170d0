"""Checks a whole request before its users: partner, token, content type, rate, size, JSON, number of users.

The checks follow Insider's API reference, upsert: headers, limits, and the errors of a whole request. The order of the
checks is inferred.
"""

import time
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Request

from connector.sandbox.insider import answers
from connector.sandbox.insider.world import World
from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_list, as_object

#: The operations that have many users in one request. They share one rate limit.
BATCHES = ("/api/user/v1/upsert", "/api/user/v1/attribute/delete")


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    at: float
    method: str
    path: str
    partner: str
    token: str
    mimetype: str
    raw: bytes
    #: None if the body isn't JSON. If the JSON isn't an object, it counts as an empty object.
    body: dict[str, Any] | None

    @property
    def users(self) -> list[Any]:
        return as_list((self.body or {}).get("users"))


def receive(request: Request) -> Received:
    raw = request.get_data()
    return Received(
        at=round(time.time(), 3),
        method=request.method,
        path=request.path,
        partner=request.headers.get("X-PARTNER-NAME", ""),
        token=request.headers.get("X-REQUEST-TOKEN", ""),
        mimetype=request.mimetype,
        raw=raw,
        body=_parsed(raw),
    )


def refusal(world: World, received: Received) -> Answer | None:
    """Return the answer that refuses the whole request; None if the request passes."""
    if not _may_send(world, received.partner, received.token):
        return answers.ACCESS_REFUSED[world.switches.refusal_status]
    if received.mimetype != "application/json":
        return answers.WRONG_CONTENT_TYPE
    is_batch = received.path in BATCHES
    if is_batch and world.spend("batches", received.token, 1, world.switches.requests_per_minute) is None:
        return answers.RATE_LIMITED
    if len(received.raw) > answers.MAX_BYTES:
        return answers.TOO_BIG
    if received.body is None:
        return answers.NOT_JSON
    return _users_refusal(received.users) if is_batch else None


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return as_object(body)


def _may_send(world: World, partner: str, token: str) -> bool:
    if not partner or not token or partner != partner.lower() or " " in partner:
        return False
    partners = world.switches.partners
    return not partners or partners.get(partner) == token


def _users_refusal(users: list[Any]) -> Answer | None:
    if not users:
        return answers.USERS_MISSING
    return answers.TOO_MANY_USERS if len(users) > answers.MAX_USERS else None
