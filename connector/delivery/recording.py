"""Records what a step has done, in the transaction that holds the partitions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connector import observability
from connector.http import backoff
from connector.journal import stores
from connector.journal.results import attempts, customers, deliveries
from connector.model import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.delivery.sending import Pause, Sending
    from connector.journal.database import Connection
    from connector.model import NewDelivery, Store

_log = observability.logger("delivery")


def record(connection: Connection, store: Store, sending: Sending, new: Sequence[NewDelivery]) -> None:
    """Record the attempts of a batch, what became of its deliveries, and the state of the store.

    `new` contains the deliveries that are not in the journal yet. In the batch, they have the ids -1, -2, ….
    """
    attempt_ids = attempts.append(connection, store.id, sending.attempts)
    progress = {delivery_id: _progress(sending, delivery_id, attempt_ids) for delivery_id in _touched(sending)}
    deliveries.append(connection, new, {-1 - number: done for number, done in progress.items() if number < 0})
    old = {delivery_id: done for delivery_id, done in progress.items() if delivery_id > 0}
    deliveries.settle(
        connection,
        [replace(done.settled, attempt_ids=done.attempt_ids) for done in old.values() if done.settled],
    )
    deliveries.remember_attempts(
        connection,
        {delivery_id: done.attempt_ids for delivery_id, done in old.items() if not done.settled},
    )
    for delivery_id, done in old.items():
        if done.refused_attempt_id:
            deliveries.remember_refusal(connection, delivery_id, done.refused_attempt_id)
    customers.write(connection, store.id, sending.changed_profiles)
    if sending.pause:
        pause(connection, store, sending.pause)
    elif sending.delivered and store.failures:
        stores.end_pause(connection, store)


def _touched(sending: Sending) -> set[int]:
    return sending.settled.keys() | sending.tried.keys()


def _progress(sending: Sending, delivery_id: int, attempt_ids: Sequence[int]) -> Progress:
    refused = sending.refused_alone.get(delivery_id)
    return Progress(
        settled=sending.settled.get(delivery_id),
        attempt_ids=[attempt_ids[number] for number in sending.tried.get(delivery_id, ())],
        refused_attempt_id=None if refused is None else attempt_ids[refused],
    )


def pause(connection: Connection, store: Store, wanted: Pause) -> None:
    """Pause a store's deliveries.

    The pause has the length that its reason asks for, or else the length that Insider asks for. If neither is known,
    the pause is longer after each failure in a row.
    """
    seconds = backoff.pause_seconds(wanted.seconds, wanted.retry_after, failures=store.failures)
    stores.pause(connection, store, seconds=seconds, reason=wanted.reason)
    _log.warning("store.paused", store=store.name, seconds=round(seconds, 1), reason=wanted.reason)
