"""The usual way to build a webhook gateway: the Flask route puts each webhook on a Celery queue as a task.

BASELINE is ``single`` (a task and a request for each webhook) or ``batches`` (celery-batches: a request for up to 1,000
webhooks that wait at the same time). CDP_URL names the customer data platform.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import celery_batches  # type: ignore[import-not-found] # it is installed apart (Makefile)
import flask
import orjson
import requests
from celery import Celery

from bench import by_hand
from bench.baselines import BATCHES
from connector.insider import wire
from connector.model import Options

if TYPE_CHECKING:
    from collections.abc import Sequence


_QUEUE = "baseline"
#: celery-batches sends a batch when it is full, and at the latest after this time.
_FLUSH_SECONDS = 0.5
_FLUSH_EVERY = 1000
_KIND = os.environ["BASELINE"]
_URL = os.environ["CDP_URL"] + "/api/user/v1/upsert"
_OPTIONS = Options()

queue = Celery("baseline", broker=os.environ["REDIS_URL"])
queue.conf.update(
    task_default_queue=_QUEUE,
    task_ignore_result=True,
    task_acks_late=True,
    # celery-batches needs as many unacknowledged messages as a batch has; 0 is no limit.
    worker_prefetch_multiplier=0 if _KIND == BATCHES else 4,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)
_session = requests.Session()


def _send(webhooks: Sequence[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    mapped = [by_hand.apply(lambda *_: "", webhook, now, _OPTIONS) for webhook in webhooks]
    users = [wire.encode_user(update) for result in mapped for update in result.updates]
    response = _session.post(
        _URL,
        data=wire.encode_request(users, skip_hook=False),
        headers={"X-PARTNER-NAME": "bench", "X-REQUEST-TOKEN": "t", "Content-Type": "application/json"},
        timeout=20,
    )
    response.raise_for_status()


@queue.task(name="baseline.single")
def deliver(webhook: dict[str, Any]) -> None:
    """Send one webhook's customer."""
    _send([webhook])


@queue.task(
    name="baseline.batches", base=celery_batches.Batches, flush_every=_FLUSH_EVERY, flush_interval=_FLUSH_SECONDS
)
def deliver_batch(tasks: Sequence[Any]) -> None:
    """Send the customers of all webhooks that wait."""
    _send([task.args[0] for task in tasks])


def create_app() -> flask.Flask:
    """Return the intake."""
    app = flask.Flask(__name__)
    task = deliver_batch if _KIND == BATCHES else deliver

    @app.post("/webhooks/<token>")
    def receive(token: str) -> flask.Response:  # noqa: ARG001 - the comparison's webhooks have it in their path
        task.delay(orjson.loads(flask.request.get_data()))
        return flask.Response(b'{"queued":true}', content_type="application/json")

    return app
