"""Documented webhooks, changed ones, and what is recognised in them."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

from connector.yotpo.topics import Recognised, recognise
from tests import EXAMPLES

RECEIVED_AT = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
JOHN, FRED = "john.smith@example.com", "fred.friend@example.net"
FULFILLED, DELIVERED = "review_request.eligible.on_fulfillment", "review_request.eligible.on_delivery"


def webhook(topic: str, case: str = "documented") -> dict[str, Any]:
    path = EXAMPLES / topic.replace("/", ".") / f"{case}.json"
    return json.loads(path.read_bytes())  # type: ignore[no-any-return]


def seen(topic: str, body: dict[str, Any], *, received_at: datetime = RECEIVED_AT, **more: Any) -> Recognised:
    named = body.get("topic") or body.get("event") or body.get("trigger")
    return recognise(body, path_topic=None if named else topic, received_at=received_at, **more)


def changed(body: dict[str, Any], path: str, value: object = None) -> dict[str, Any]:
    """The webhook with another value at the path."""
    body = copy.deepcopy(body)
    *steps, last = path.split(".")
    inner = body
    for step in steps:
        inner = inner[step]
    inner[last] = value or {"another": "value"}
    return body
