"""The two steps that workers run, partition by partition: map what was received, deliver what waits.

Each step is one transaction that holds the partition. It ends with everything recorded or with nothing changed, so
that a step that was cut short is simply taken again.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from connector import delivery, observability, sending
from connector.errors import ConnectorError, JournalUnavailable
from connector.identifiers import customer_of
from connector.insider import wire
from connector.journal import deliveries, events, notices, stores
from connector.model import Mapped, Owed, UserUpdate
from connector.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from connector.delivery import Destination
    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet, TopicMapping
    from connector.model import Event, Options, Partition, Store

_MAP_LIMIT = 500
#: Of webhooks in one step, so that large ones do not fill a worker's memory.
_MAP_BYTES = 8_000_000
#: Of the request's 5,000,000 bytes: what a stored update lacks against its wire form fits into the rest.
_BYTES = wire.BYTES_LIMIT * 9 // 10

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
                busy = deliveries.busy(connection)
            done = _Pass()
            for partition in busy:
                if time.monotonic() > ends_at:
                    break
                if partition.store_id not in done.closed:
                    self._advance(partition, done)
            for store_id in done.refusals.keys() - done.delivered:
                self._pause(store_id, done.refusals[store_id])
            if time.monotonic() > ends_at:
                return True
            if not done.progress.total():
                return False

    def busy(self) -> int:
        """Return how many partitions have something to do."""
        with self._database.connection() as connection:
            return len(deliveries.busy(connection))

    def _advance(self, partition: Partition, done: _Pass) -> None:
        store_id = partition.store_id
        try:
            done.progress[store_id] += self.map_received(partition)
            sent = self.deliver_waiting(partition)
        except JournalUnavailable:
            raise
        except ConnectorError as error:
            # It concerns all lanes of the store; its events wait in the journal for the operator.
            done.closed.add(store_id)
            _log.error("store.failed", store_id=store_id, error=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other lanes' work goes on
            _log.error("partition.failed", store_id=store_id, partition=partition.number, exc_info=error)
        else:
            done.progress[store_id] += sent.settled
            if sent.delivered:
                done.delivered.add(store_id)
            if sent.refusal:
                done.refusals[store_id] = sent.refusal

    def _pause(self, store_id: int, reason: str) -> None:
        """Pause a store of which this pass saw nothing taken: rather that than to bury what is not to blame."""
        with self._database.transaction() as connection:
            store = stores.by_id(connection, self._vault, store_id)
            if store and _may_send(connection, store):
                sending.pause(connection, store, reason=reason)

    # ------------------------------------------------------------------------------------------------ map

    def map_received(self, partition: Partition) -> int:
        """Map the oldest received events of a partition, and journal a delivery for each user that they yield."""
        with self._database.transaction() as connection:
            if not deliveries.hold(connection, partition):
                return 0
            received = events.take_received(connection, partition, limit=_MAP_LIMIT, size=_MAP_BYTES)
            if not received:
                return 0
            options = stores.options(connection, partition.store_id)
            mapped = [(event, *self._map(event, options)) for event in received]
            deliveries.append(
                connection,
                [owed for event, mapping, yielded in mapped if mapping for owed in _owed(event, mapping, yielded)],
            )
            for event, _, yielded in mapped:
                if yielded.notice:
                    text, details = yielded.notice
                    notices.post(
                        connection,
                        store_id=event.store_id,
                        event_id=event.id,
                        topic=event.topic,
                        text=text,
                        details=details,
                    )
            events.mark_mapped(
                connection,
                [(event.id, mapping.hash if mapping else None, yielded.notes) for event, mapping, yielded in mapped],
            )
        _log.info("events.mapped", store_id=partition.store_id, partition=partition.number, events=len(received))
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

    def deliver_waiting(self, partition: Partition) -> _Sent:
        """Send the oldest waiting deliveries of a partition, and record what became of each."""
        with self._database.transaction() as connection:
            if not deliveries.hold(connection, partition):
                return _Sent()
            store = stores.by_id(connection, self._vault, partition.store_id)
            if store is None or not _may_send(connection, store):
                return _Sent()
            waiting = delivery.fitting(deliveries.take_waiting(connection, partition, self._batch_size), _BYTES)
            if not waiting:
                return _Sent()
            batch = Sending(
                connection,
                store,
                self._insider,
                skip_hook=waiting[0].skip_hook,
                known=deliveries.attribute_times(connection, store.id, {one.customer for one in waiting}),
                retention=self._retention,
            )
            refusal = batch.send(waiting)
        return _Sent(batch.settled, batch.delivered, refusal)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came of sending the deliveries of a partition."""

    settled: int = 0
    #: True where Insider has taken anything.
    delivered: bool = False
    #: Why nothing was taken, where this partition alone cannot tell who is to blame.
    refusal: str | None = None


@dataclass(slots=True)
class _Pass:
    """What one pass over the busy partitions has come to, by store."""

    #: How many events were mapped and deliveries settled.
    progress: Counter[int] = field(default_factory=Counter)
    #: Of whom Insider has taken anything.
    delivered: set[int] = field(default_factory=set)
    #: Why nothing was taken of a partition, where it alone could not tell who is to blame.
    refusals: dict[int, str] = field(default_factory=dict)
    #: Stores that cannot be worked on at all.
    closed: set[int] = field(default_factory=set)


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
