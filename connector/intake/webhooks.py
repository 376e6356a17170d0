"""The route for Yotpo's webhooks: it checks the store, recognises the event, journals it and answers 200.

It does nothing else. It needs only PostgreSQL, so it receives webhooks while Redis or Insider is down. A client without
a valid token learns nothing: the answer to an unknown token is the same as for any unknown page.
"""

from __future__ import annotations

import hmac
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import flask
import orjson

from connector import observability
from connector.errors import JournalUnavailable, WebhookRejected
from connector.http.serving import LATER, Later
from connector.http.urls import WEBHOOKS
from connector.model import Incoming
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.http.serving import Answer
    from connector.intake.reception import Reception
    from connector.model import Json, Store

#: The most bytes of a request's body. A webhook from Yotpo has only a few kilobytes.
BODY_LIMIT = 1024 * 1024
_WEBHOOKS_LIMIT = 1000
#: The deepest JSON that orjson can write. It can read deeper JSON.
_DEPTH_LIMIT = 254
_EVENT_ID_LIMIT = 1000
_BEARER = "bearer "

_log = observability.logger("intake")


def blueprint(*, reception: Reception, wake: Callable[[], None], timeout_seconds: float) -> flask.Blueprint:
    """Return the route that Yotpo calls. The route calls `wake` after it has journaled the webhooks of a request."""
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
                return _response(_json(404, {"error": "not found"}))
            if not _has_valid_secret(store):
                reception.count("unauthorized", store)
                return _response(_json(401, {"error": "unauthorized"}))
            return _receive(store, topic, reception, wake, deadline)
        except JournalUnavailable as error:
            return _response(_unavailable(error))

    return routes


def is_quick(path: str, reception: Reception) -> bool:
    """Return whether the route answers a request with this path without waiting for PostgreSQL on its thread."""
    prefix = f"{WEBHOOKS}/"
    return path.startswith(prefix) and reception.knows(path[len(prefix) :].partition("/")[0])


def _receive(
    store: Store, path_topic: str | None, reception: Reception, wake: Callable[[], None], deadline: float
) -> flask.Response:
    # Each use of the proxy `flask.request` would look up the current request.
    request = flask.request._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - documented by Werkzeug
    # The server has read the body already, up to the limit and one byte more (connector/http/serving.py).
    body = request.get_data(cache=False)
    # Only the beginning of a body that is too large is kept. The header Content-Length then has the real length.
    sent = _Sent(request.headers.get("Content-Type", ""), max(len(body), request.content_length or 0))
    try:
        webhooks, is_single = _parse(body)
    except WebhookRejected as rejection:
        return _response(_reject(store, reception, rejection, sent))
    event_id = request.headers.get("eventid", "").strip()[:_EVENT_ID_LIMIT]
    incoming, rejection_of_others = _recognise(store, path_topic, webhooks, event_id)
    if not incoming:
        assert rejection_of_others is not None  # noqa: S101 - an array is never empty
        return _response(_reject(store, reception, rejection_of_others, sent))
    appending = reception.append(incoming)

    def answer(timeout_seconds: float) -> Answer:
        try:
            appended = reception.appended(appending, timeout_seconds=timeout_seconds)
        except JournalUnavailable as error:
            return _unavailable(error)
        wake()
        journaled = []
        for event, result in zip(incoming, appended, strict=True):
            _log.info(
                "event.received", store=store.name, topic=event.topic, event_id=result.id, duplicate=result.duplicate
            )
            journaled.append({"id": result.id, "duplicate": result.duplicate})
        if rejection_of_others:
            return _reject(store, reception, rejection_of_others, sent, journaled)
        return _json(200, journaled[0] if is_single else {"events": journaled})

    seconds = max(0.05, deadline - time.monotonic())
    later: list[Later] | None = request.environ.get(LATER)
    if later is None:
        return _response(answer(seconds))
    # The server runs this request on its event loop. It calls `answer` when the webhooks are journaled.
    later.append(Later(appending, seconds, partial(_answer_or_500, answer)))
    return _ANSWERED_LATER


def _answer_or_500(answer: Callable[[float], Answer]) -> Answer:
    try:
        return answer(0.0)
    except Exception as error:  # noqa: BLE001 - the same answer as for other unexpected errors (connector/web.py)
        _log.error("request.failed", endpoint="intake.receive", exc_info=error)
        return _json(500, {"error": "internal server error"})


def _parse(body: bytes) -> tuple[list[tuple[Json, bytes]], bool]:
    """Return the webhooks in a body, each with its bytes, and True if the body is a single webhook instead of an array.

    Raises WebhookRejected.
    """
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
    if not isinstance(parsed, list) or not parsed or not all(isinstance(item, dict) for item in parsed):
        raise WebhookRejected("not_an_object", "the body is neither a JSON object nor an array of JSON objects")
    if len(parsed) > _WEBHOOKS_LIMIT:
        raise WebhookRejected("too_many", f"the array holds more than {_WEBHOOKS_LIMIT} webhooks")
    return [(webhook, orjson.dumps(webhook)) for webhook in parsed], False


def _check_depth(parsed: Any) -> None:
    try:
        orjson.dumps(parsed)
    except TypeError:
        raise WebhookRejected("too_deep", f"the webhook is nested more than {_DEPTH_LIMIT} levels deep") from None


def _recognise(
    store: Store, path_topic: str | None, webhooks: list[tuple[Json, bytes]], event_id: str
) -> tuple[list[Incoming], WebhookRejected | None]:
    """Return the webhooks that can be journaled, and the error of the first webhook that cannot; None if all can.

    The valid webhooks of an array are journaled even if others are rejected. They are duplicates if the array is sent
    again.
    """
    received_at = datetime.now(UTC)
    incoming: list[Incoming] = []
    rejection: WebhookRejected | None = None
    for position, (webhook, body) in enumerate(webhooks):
        # All webhooks of an array share one header, so the position is added to make the id unique.
        own_id = f"{event_id}#{position}" if event_id and len(webhooks) > 1 else event_id
        try:
            recognised = recognise(webhook, path_topic=path_topic, event_id=own_id or None, received_at=received_at)
        except WebhookRejected as error:
            rejection = rejection or error
            continue
        incoming.append(
            Incoming(
                store_id=store.id,
                topic=recognised.topic,
                key=recognised.key,
                dated=recognised.dated,
                customer=recognised.customer,
                occurred_at=recognised.occurred_at,
                body=body,
            )
        )
    return incoming, rejection


class _Sent(NamedTuple):
    """What is recorded of a request that is rejected."""

    content_type: str
    length: int


def _reject(
    store: Store,
    reception: Reception,
    rejection: WebhookRejected,
    sent: _Sent,
    journaled: list[dict[str, Any]] | None = None,
) -> Answer:
    reception.reject(store, code=rejection.code, message=rejection.message, **sent._asdict())
    _log.warning("webhook.rejected", store=store.name, code=rejection.code, bytes=sent.length)
    content: dict[str, Any] = {"error": rejection.message, "code": rejection.code}
    if journaled:
        content["events"] = journaled
    return _json(413 if rejection.code == "too_large" else 400, content)


def _unavailable(error: JournalUnavailable) -> Answer:
    _log.error("webhook.deferred", error=str(error))
    status, headers, body = _json(503, {"error": "the journal cannot be reached; send the webhook again"})
    return status, [*headers, ("retry-after", "5")], body


def _has_valid_secret(store: Store) -> bool:
    if store.webhook_secret is None:
        return True
    secret = flask.request.headers.get(store.webhook_secret_header, "").strip()
    if secret[: len(_BEARER)].lower() == _BEARER:
        secret = secret[len(_BEARER) :].strip()
    return hmac.compare_digest(secret.encode(), store.webhook_secret.encode())


def _json(status: int, content: dict[str, Any]) -> Answer:
    body = orjson.dumps(content)
    return status, [("content-type", "application/json"), ("content-length", str(len(body)))], body


def _response(answer: Answer) -> flask.Response:
    status, headers, body = answer
    return flask.Response(body, status=status, headers=headers)


class _AnsweredLater(flask.Response):
    """Stands for a response that the server gets later. It is never sent."""

    def __call__(self, _environ: Any, start_response: Any) -> tuple[()]:
        start_response("200 OK", [])
        return ()


_ANSWERED_LATER = _AnsweredLater()
