"""The two steps that workers run, partition by partition: map what was received, deliver what waits.

Each step is one transaction that holds the partition. It ends with everything recorded or with nothing changed, so
that a step that was cut short is simply taken again.
"""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from connector import delivery, observability
from connector.errors import ConnectorError, JournalUnavailable
from connector.identifiers import customer_of
from connector.insider import wire
from connector.journal import deliveries, events, notices, stores
from connector.journal.deliveries import Owed
from connector.model import Mapped, Options, UserUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.delivery import Destination, User
    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet, TopicMapping
    from connector.model import Event, Partition, Store

_MAP_LIMIT = 500
#: Of the request's 5,000,000 bytes: what a stored update lacks against its wire form fits into the rest.
_BYTES = wire.BYTES_LIMIT * 9 // 10
#: A step that bisects stops sending after this, and leaves the rest to the next one.
_SEND_SECONDS = 15.0

_log = observability.logger("pipeline")


class Pipeline:
    """Takes events from the journal to Insider."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        mappings: MappingSet,
        insider: Destination,
        batch_size: int,
        retention: timedelta,
    ) -> None:
        self._database = database
        self._vault = vault
        self._mappings = mappings
        self._insider = insider
        self._batch_size = batch_size
        self._retention = retention

    def advance(self, *, seconds: float) -> bool:
        """Map and deliver until nothing is left to do or the time is over; True where something may be left."""
        ends_at = time.monotonic() + seconds
        while True:
            with self._database.connection() as connection:
                busy = deliveries.busy(connection, limit=64)
            progress = 0
            for partition in busy:
                if time.monotonic() > ends_at:
                    return True
                progress += self._advance(partition)
            if not progress:
                return False

    def busy(self, *, limit: int) -> int:
        """Return how many partitions have something to do, counted up to the limit."""
        with self._database.connection() as connection:
            return len(deliveries.busy(connection, limit=limit))

    def _advance(self, partition: Partition) -> int:
        try:
            return self.map_received(partition) + self.deliver_waiting(partition)
        except JournalUnavailable:
            raise
        except ConnectorError as error:
            # Another store's work goes on; this one's waits in the journal for the operator.
            _log.error("partition.failed", store_id=partition.store_id, error=str(error))
            return 0

    # ------------------------------------------------------------------------------------------------ map

    def map_received(self, partition: Partition) -> int:
        """Map the oldest received events of a partition, and journal a delivery for each user that they yield."""
        with self._database.transaction() as connection:
            if not deliveries.hold(connection, partition):
                return 0
            received = events.take_received(connection, partition, _MAP_LIMIT)
            store = stores.by_id(connection, self._vault, partition.store_id) if received else None
            if store is None:
                return 0
            mapped = [(event, *self._map(event, store.options)) for event in received]
            deliveries.append(
                connection,
                [owed for event, mapping, yielded in mapped if mapping for owed in _owed(event, mapping, yielded)],
            )
            for event, _, yielded in mapped:
                if yielded.notice:
                    text, details = yielded.notice
                    notices.post(
                        connection, store_id=store.id, event_id=event.id, topic=event.topic, text=text, details=details
                    )
            events.mark_mapped(
                connection,
                [(event.id, mapping.hash if mapping else None, yielded.notes) for event, mapping, yielded in mapped],
            )
        _log.info("events.mapped", store=store.name, partition=partition.number, events=len(received))
        return len(received)

    def _map(self, event: Event, options: Options) -> tuple[TopicMapping | None, Mapped]:
        mapping = self._mappings.get(event.topic)
        if mapping is None:
            return None, Mapped()
        try:
            return mapping, mapping.apply(orjson.loads(event.body), event.occurred_at, options)
        except Exception as error:  # noqa: BLE001 - a fault in one topic must not hold up a customer's other events
            # Without the traceback's message, which may quote a value of the webhook.
            _log.error("event.mapping_failed", event_id=event.id, topic=event.topic, error=type(error).__name__)
            reason = f"the mapping of this topic failed ({type(error).__name__}); replay the event once it is mended"
            return mapping, Mapped(refused=((UserUpdate(identifiers={}), reason),))

    # ------------------------------------------------------------------------------------------------ deliver

    def deliver_waiting(self, partition: Partition) -> int:
        """Send the oldest waiting deliveries of a partition as one upsert, and record what became of each."""
        with self._database.transaction() as connection:
            if not deliveries.hold(connection, partition):
                return 0
            store = stores.by_id(connection, self._vault, partition.store_id)
            if store is None or not _may_send(connection, store):
                return 0
            waiting = delivery.fitting(deliveries.take_waiting(connection, partition, self._batch_size), _BYTES)
            if not waiting:
                return 0
            known = deliveries.attribute_times(connection, store.id, {one.customer for one in waiting})
            users = delivery.merge(waiting, known, now=datetime.now(UTC), retention=self._retention)
            nothing_new = [one for user in users if not user.sendable for one in user.settled("delivered")]
            deliveries.settle(connection, nothing_new, None)
            sending = _Sending(connection, store, self._insider, skip_hook=waiting[0].skip_hook)
            sending.send([user for user in users if user.sendable])
        return len(nothing_new) + sending.settled


class _Sending:
    """One batch on its way: sent, bisected where Insider does not say who is meant, recorded piece by piece."""

    def __init__(self, connection: Connection, store: Store, insider: Destination, *, skip_hook: bool) -> None:
        self._connection = connection
        self._store = store
        self._insider = insider
        self._skip_hook = skip_hook
        self._ends_at = time.monotonic() + _SEND_SECONDS
        self._stopped = False
        self.settled = 0

    def send(self, users: Sequence[User]) -> None:
        """Send users, and halves of them where it must be; what is not settled stays waiting."""
        if not users or self._stopped or time.monotonic() > self._ends_at:
            return
        started_at = datetime.now(UTC)
        encoded = [wire.encode_user(user.update) for user in users]
        answer = self._insider.upsert(self._store, encoded, skip_hook=self._skip_hook)
        ruling = delivery.rule(answer, len(users))
        attempt_id = deliveries.attempted(
            self._connection,
            self._store.id,
            started_at,
            delivery.attempt(answer, ruling, users=len(users), size=sum(map(len, encoded))),
        )
        _log.info(
            "delivery.attempted",
            store=self._store.name,
            users=len(users),
            status=answer.status,
            outcome=ruling.outcome,
            duration_ms=answer.duration_ms,
        )
        if ruling.pause:
            self._pause(*ruling.pause, answer.retry_after)
        elif ruling.split and len(users) > 1:
            middle = len(users) // 2
            self.send(users[:middle])
            self.send(users[middle:])
        else:
            refused = {0: ruling.split} if ruling.split else ruling.refused
            self._record(users, refused, attempt_id)

    def _record(self, users: Sequence[User], refused: Mapping[int, str], attempt_id: int) -> None:
        settled = [
            one
            for index, user in enumerate(users)
            for one in (user.settled("dead", refused[index]) if index in refused else user.settled("delivered"))
        ]
        deliveries.settle(self._connection, settled, attempt_id)
        taken = {user.customer: user.times for index, user in enumerate(users) if index not in refused}
        deliveries.remember_times(self._connection, self._store.id, taken)
        if self._store.failures:
            stores.end_pause(self._connection, self._store.id)
        self.settled += len(settled)

    def _pause(self, asked: float, reason: str, retry_after: float | None) -> None:
        self._stopped = True
        seconds = delivery.pause_seconds(
            asked,
            retry_after,
            failures=self._store.failures,
            jitter=random.random(),  # noqa: S311 - no secret
        )
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        stores.pause(self._connection, self._store.id, until=until, reason=reason)
        _log.warning("store.paused", store=self._store.name, seconds=round(seconds, 1), reason=reason)


def _may_send(connection: Connection, store: Store) -> bool:
    if store.held or (store.paused_until and store.paused_until > datetime.now(UTC)):
        return False
    # A store that has failed is tried by one batch at a time, until one of them succeeds.
    return not store.failures or deliveries.hold_probe(connection, store.id)


def _owed(event: Event, mapping: TopicMapping, mapped: Mapped) -> Iterable[Owed]:
    users = [(update, None) for update in mapped.updates] + list(mapped.refused)
    for update, reason in users:
        yield Owed(
            event_id=event.id,
            store_id=event.store_id,
            # A refused user has no name; the event's number keeps such dead letters apart.
            customer=customer_of(update.identifiers) or f"#{event.id}",
            occurred_at=event.occurred_at,
            update=update,
            skip_hook=mapping.skip_hook or event.replayed,
            mapping=mapping.hash,
            reason=reason,
        )
