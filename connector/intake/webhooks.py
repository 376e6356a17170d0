"""Takes Yotpo's webhooks: proves the store, recognises the event, journals it, answers 200. Nothing else happens here.

It needs PostgreSQL alone, so webhooks are taken while Redis or Insider is down. Whoever does not know a store's token
learns nothing: an unknown token is answered like any unknown page.
"""

from __future__ import annotations

import hmac
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import flask
import orjson

from connector import observability
from connector.errors import JournalUnavailable, WebhookRejected
from connector.http.urls import WEBHOOKS
from connector.model import Incoming
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.intake.reception import Reception
    from connector.model import Json, Store

#: A webhook of Yotpo has a few kilobytes.
BODY_LIMIT = 1024 * 1024
#: What is too large is read on for so long, because a sender that is cut off in the middle never sees the answer.
_DRAIN_LIMIT = 32 * BODY_LIMIT
_WEBHOOKS_LIMIT = 1000
#: As deep as orjson writes what it has read.
_DEPTH_LIMIT = 254
_EVENT_ID_LIMIT = 1000
_CHUNK = 64 * 1024
_BEARER = "bearer "

_log = observability.logger("intake")


def blueprint(*, reception: Reception, wake: Callable[[], None], timeout_seconds: float) -> flask.Blueprint:
    """Return the route that Yotpo calls. `wake` is called after something was journaled."""
    routes = flask.Blueprint("intake", __name__, url_prefix=WEBHOOKS)

    @routes.post("/<token>")
    @routes.post("/<token>/")
    @routes.post("/<token>/<path:topic>")
    def receive(token: str, topic: str | None = None) -> flask.Response:
        deadline = time.monotonic() + timeout_seconds
        try:
            store = reception.store(token, timeout_seconds=timeout_seconds)
            if store is None:
                reception.count("unknown_token")
                return _answer(404, {"error": "not found"})
            if not _knows_secret(store):
                reception.count("unauthorized", store)
                return _answer(401, {"error": "unauthorized"})
            return _taken(store, topic, reception, wake, deadline)
        except JournalUnavailable as error:
            _log.error("webhook.deferred", error=str(error))
            answer = _answer(503, {"error": "the journal cannot be reached; send the webhook again"})
            answer.headers["Retry-After"] = "5"
            return answer

    return routes


def _taken(
    store: Store, path_topic: str | None, reception: Reception, wake: Callable[[], None], deadline: float
) -> flask.Response:
    started = time.monotonic()
    body = _read()
    # A sender may be slow; the promise of an answer in time begins where he has said everything.
    deadline += time.monotonic() - started
    try:
        webhooks, single = _parsed(body)
    except WebhookRejected as rejected:
        return _rejected(store, reception, rejected, len(body))
    incoming, unknown = _recognised(store, path_topic, webhooks)
    kept = []
    if incoming:
        appended = reception.append(incoming, timeout_seconds=max(0.05, deadline - time.monotonic()))
        wake()
        for one, result in zip(incoming, appended, strict=True):
            _log.info(
                "event.received", store=store.name, topic=one.topic, event_id=result.id, duplicate=result.duplicate
            )
            kept.append({"id": result.id, "duplicate": result.duplicate})
    if unknown:
        return _rejected(store, reception, unknown, len(body), kept)
    return _answer(200, kept[0] if single else {"events": kept})


def _parsed(body: bytes) -> tuple[list[tuple[Json, bytes]], bool]:
    """Return the webhooks in a body, each with its bytes, and whether it is a single one. Raises WebhookRejected."""
    if len(body) > BODY_LIMIT:
        raise WebhookRejected("too_large", f"the webhook is larger than {BODY_LIMIT} bytes")
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WebhookRejected("not_json", f"the body is not JSON: {error.msg} at byte {error.pos}") from None
    if body.count(b"[") + body.count(b"{") > _DEPTH_LIMIT:
        _check_depth(parsed)
    if isinstance(parsed, dict):
        return [(parsed, body)], True
    if not isinstance(parsed, list) or not parsed or not all(isinstance(one, dict) for one in parsed):
        raise WebhookRejected("not_an_object", "the body is neither a JSON object nor an array of JSON objects")
    if len(parsed) > _WEBHOOKS_LIMIT:
        raise WebhookRejected("too_many", f"the array holds more than {_WEBHOOKS_LIMIT} webhooks")
    return [(one, orjson.dumps(one)) for one in parsed], False


def _check_depth(parsed: Any) -> None:
    try:
        orjson.dumps(parsed)
    except TypeError:
        raise WebhookRejected("too_deep", f"the webhook is nested more than {_DEPTH_LIMIT} levels deep") from None


def _recognised(
    store: Store, path_topic: str | None, webhooks: list[tuple[Json, bytes]]
) -> tuple[list[Incoming], WebhookRejected | None]:
    """Return what can be journaled of the webhooks, and why the first of the others cannot.

    What can be kept is kept even beside what cannot: sent again, it is a duplicate.
    """
    event_id = flask.request.headers.get("eventid", "").strip()[:_EVENT_ID_LIMIT]
    received_at = datetime.now(UTC)
    incoming: list[Incoming] = []
    unknown: WebhookRejected | None = None
    for position, (webhook, body) in enumerate(webhooks):
        # One header for many webhooks names none of them alone.
        own_id = f"{event_id}#{position}" if event_id and len(webhooks) > 1 else event_id
        try:
            seen = recognise(webhook, path_topic=path_topic, event_id=own_id or None, received_at=received_at)
        except WebhookRejected as rejected:
            unknown = unknown or rejected
            continue
        incoming.append(
            Incoming(
                store_id=store.id,
                topic=seen.topic,
                key=seen.key,
                dated=seen.dated,
                customer=seen.customer,
                occurred_at=seen.occurred_at,
                body=body,
            )
        )
    return incoming, unknown


def _rejected(
    store: Store, reception: Reception, rejected: WebhookRejected, length: int, kept: list[dict[str, Any]] | None = None
) -> flask.Response:
    content_type = flask.request.headers.get("Content-Type", "")
    # Of a body that was not kept to its end, what the sender announced.
    length = max(length, flask.request.content_length or 0)
    reception.reject(store, code=rejected.code, message=rejected.message, content_type=content_type, length=length)
    _log.warning("webhook.rejected", store=store.name, code=rejected.code, bytes=length)
    answer: dict[str, Any] = {"error": rejected.message, "code": rejected.code}
    if kept:
        answer["events"] = kept
    return _answer(413 if rejected.code == "too_large" else 400, answer)


def _knows_secret(store: Store) -> bool:
    if store.webhook_secret is None:
        return True
    given = flask.request.headers.get(store.webhook_secret_header, "").strip()
    if given[: len(_BEARER)].lower() == _BEARER:
        given = given[len(_BEARER) :].strip()
    return hmac.compare_digest(given.encode(), store.webhook_secret.encode())


def _read() -> bytes:
    """Read the body up to one byte over the limit, and read on without keeping: the sender should see the answer."""
    stream = flask.request.stream
    body = bytearray()
    while len(body) <= BODY_LIMIT and (chunk := stream.read(_CHUNK)):
        body += chunk
    drained = 0
    while drained < _DRAIN_LIMIT and len(body) > BODY_LIMIT and (chunk := stream.read(_CHUNK)):
        drained += len(chunk)
    return bytes(body)


def _answer(status: int, content: dict[str, Any]) -> flask.Response:
    return flask.Response(orjson.dumps(content), status=status, content_type="application/json")
