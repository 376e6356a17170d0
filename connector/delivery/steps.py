"""The steps that workers run, partition by partition: map what was received or is replayed, deliver what waits.

Each step is one transaction that holds the partition. It ends with everything recorded or with nothing changed, so
that a step that was cut short is simply taken again.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.delivery import merging, sending
from connector.delivery.sending import Sending
from connector.errors import ConnectorError, JournalUnavailable
from connector.insider import wire
from connector.journal import deliveries, events, notices, partitions, replays, stores
from connector.journal.sync import refreshes
from connector.mapping.running import mapped_events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from connector.delivery.merging import Destination
    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet
    from connector.mapping.running.mapped_events import MappedEvent
    from connector.model import NewDelivery, Partition, Store
    from connector.workshop.activation import MappingSets

_MAP_LIMIT = 500
#: While a batch is on its way nobody else works in its partition, so those that give way are small.
_LOW_PRIORITY_BATCH = 200
#: How soon a partition that another worker holds is looked at again.
_HELD_SECONDS = 0.01
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
        mappings: MappingSets,
        insider: Destination,
        batch_size: int,
        retention: timedelta,
        quiet: RefreshDelays,
        rest_seconds: float = 0.0,
    ) -> None:
        """`rest_seconds` lie after each step of what gives way to webhooks, unless there is as much as a step takes."""
        self._database = database
        self._vault = vault
        self._mappings = mappings
        self._insider = insider
        self._batch_size = batch_size
        self._retention = retention
        self._quiet = quiet
        self._rest_seconds = rest_seconds

    def advance(self, *, seconds: float, low_priority: bool = False) -> Advanced:
        """Map and deliver until nothing is left to do or the time is over.

        With `bulk`, only what gives way to webhooks: replays and snapshots. Without, a partition that another worker
        holds is waited for: it may be one that has just sent such a batch.
        """
        ends_at = time.monotonic() + seconds
        queued_low_priority = False
        while True:
            with self._database.connection() as connection:
                busy = partitions.busy(connection, low_priority=low_priority)
                mappings = self._mappings.in_force(connection)
            done = _Pass()
            for partition in busy:
                if time.monotonic() > ends_at:
                    break
                if partition.store_id not in done.closed:
                    self._advance(partition, mappings, done, low_priority=low_priority)
                    if low_priority and not done.full:
                        # Snapshots come page by page. A batch costs nearly the same for one as for a hundred, and while
                        # it is on its way a webhook may wait for the partition, and all of them for the machine.
                        time.sleep(self._rest_seconds)
            for store_id in done.refusals.keys() - done.delivered:
                self._pause(store_id, done.refusals[store_id])
            queued_low_priority |= done.queued_low_priority
            if time.monotonic() > ends_at:
                return Advanced(unfinished=True, queued_low_priority=queued_low_priority)
            if done.progress.total():
                continue
            if low_priority or not done.held:
                return Advanced(unfinished=False, queued_low_priority=queued_low_priority)
            time.sleep(_HELD_SECONDS)

    def busy(self) -> int:
        """Return how many partitions have something to do."""
        with self._database.connection() as connection:
            return len(partitions.busy(connection))

    def is_low_priority_waiting(self) -> bool:
        """Whether a replay is running, or anything that gives way to webhooks is to be delivered."""
        with self._database.connection() as connection:
            return bool(replays.running(connection) or partitions.busy(connection, low_priority=True))

    def _advance(self, partition: Partition, mappings: MappingSet, done: _Pass, *, low_priority: bool) -> None:
        store_id = partition.store_id
        try:
            received, queued_low_priority = self.map_received(partition, mappings, low_priority=low_priority)
            done.progress[store_id] += received
            done.full = received >= _LOW_PRIORITY_BATCH
            done.queued_low_priority |= queued_low_priority
            sent = self.deliver_waiting(partition, mappings, low_priority=low_priority)
            done.held |= sent.held
        except JournalUnavailable:
            raise
        except ConnectorError as error:
            # It concerns all partitions of the store; its events wait in the journal for the operator.
            done.closed.add(store_id)
            _log.error("store.failed", store_id=store_id, error=str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other partitions' work goes on
            _log.error("partition.failed", store_id=store_id, partition=partition.number, exc_info=error)
        else:
            done.progress[store_id] += sent.settled
            done.full |= sent.settled >= _LOW_PRIORITY_BATCH
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

    def map_received(
        self, partition: Partition, mappings: MappingSet, *, low_priority: bool = False
    ) -> tuple[int, bool]:
        """Map the oldest received events of a partition, and journal a delivery for each user that they yield.

        All by the one set. Return of how many, and whether any of it gives way to webhooks.
        """
        with self._database.transaction() as connection:
            if not partitions.hold(connection, partition) or (
                low_priority and partitions.is_live(connection, partition)
            ):
                return 0, False
            limit = _LOW_PRIORITY_BATCH if low_priority else _MAP_LIMIT
            received = events.take_received(
                connection, partition, low_priority=low_priority, limit=limit, size=_MAP_BYTES
            )
            if not received:
                return 0, False
            options = stores.options(connection, partition.store_id)
            if options is None:
                return 0, False
            owed = _record(connection, [mapped_events.run(event, mappings, options) for event in received])
            if not low_priority:
                refreshes.schedule(connection, partition.store_id, _touched(owed), **self._quiet._asdict())
        _log.info("events.mapped", store_id=partition.store_id, partition=partition.number, events=len(received))
        return len(received), any(one.low_priority for one in owed)

    def map_replayed(self) -> int:
        """Map the next events of all replays again, as many as their rates allow by now; return how many."""
        with self._database.connection() as connection:
            running = replays.running(connection)
            if not running:
                return 0
            mappings = self._mappings.in_force(connection)
        mapped = 0
        for replay_id in running:
            try:
                mapped += self._map_replayed(replay_id, mappings)
            except JournalUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the other replays go on
                _log.error("replay.failed", replay_id=replay_id, exc_info=error)
        return mapped

    def _map_replayed(self, replay_id: int, in_force: MappingSet) -> int:
        with self._database.transaction() as connection:
            taken = replays.take(connection, replay_id, limit=_MAP_LIMIT, size=_MAP_BYTES)
            if not taken.events:
                return 0
            ids = [event.id for event in taken.events]
            sets = dict.fromkeys(ids, in_force) if taken.versions is None else self._sets_of(connection, taken.versions)
            store_ids = {event.store_id for event in taken.events}
            # No partition is held here; so nobody removes the store in the meantime.
            options = {store_id: stores.options(connection, store_id, lock=True) for store_id in sorted(store_ids)}
            yields = [
                mapped_events.run(event, mappings, of_store)
                for event in taken.events
                if (mappings := sets.get(event.id)) and (of_store := options[event.store_id]) is not None
            ]
            _record(connection, yields, replay_id=replay_id, skip_hook=taken.skip_hook)
            without_set = [event_id for event_id in ids if event_id not in sets]
            replays.mark_processed(connection, replay_id, ids, without_set=without_set)
            replays.resolve(connection, replay_id, [one.event.id for one in yields if one.mapping])
        _log.info("events.replayed", replay_id=replay_id, events=len(ids), without_set=len(without_set))
        return len(ids)

    def _sets_of(self, connection: Connection, then: Mapping[int, str | None]) -> dict[int, MappingSet]:
        """Return by event the set that mapped it then; nothing where that is not to be had."""
        found, _ = self._mappings.of_versions(connection, set(then.values()))
        return {event_id: found[version] for event_id, version in then.items() if version in found}

    # ------------------------------------------------------------------------------------------------ deliver

    def deliver_waiting(self, partition: Partition, mappings: MappingSet, *, low_priority: bool = False) -> _Sent:
        """Send the oldest waiting deliveries of a partition, and record what became of each.

        With `bulk`, of those that give way to what webhooks owe. `mappings` tell which rule is to blame for a refusal.
        """
        with self._database.transaction() as connection:
            if not partitions.hold(connection, partition):
                return _Sent(held=True)
            if low_priority and partitions.is_live(connection, partition):
                return _Sent()
            store = stores.by_id(connection, self._vault, partition.store_id)
            if store is None or not _may_send(connection, store):
                return _Sent()
            limit = min(self._batch_size, _LOW_PRIORITY_BATCH) if low_priority else self._batch_size
            waiting = merging.fitting(
                deliveries.take_waiting(connection, partition, low_priority=low_priority, limit=limit), _BYTES
            )
            if not waiting:
                return _Sent()
            batch = Sending(
                connection,
                store,
                self._insider,
                mappings=mappings,
                known=deliveries.attribute_times(connection, store.id, {one.customer for one in waiting}),
                retention=self._retention,
            )
            refusal = batch.send(waiting)
        return _Sent(settled=batch.settled, delivered=batch.delivered, refusal=refusal)


class RefreshDelays(NamedTuple):
    """When a customer whom webhooks have touched is looked up."""

    #: After the last of them.
    quiet_seconds: float
    #: After the first of them at the latest.
    longest_seconds: float


class Advanced(NamedTuple):
    """How it stands when a worker has done what it could."""

    #: True where the time was over before it had seen that nothing is left.
    unfinished: bool
    #: True where it has journaled deliveries for the workers whose deliveries give way.
    queued_low_priority: bool


@dataclass(frozen=True, slots=True)
class _Sent:
    """What came of sending the deliveries of a partition."""

    #: True where another worker holds it.
    held: bool = False
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
    #: True where another worker holds a partition in which there is something to do.
    held: bool = False
    #: True where something was journaled that gives way to webhooks.
    queued_low_priority: bool = False
    #: True where there was as much to do in the last partition as a step takes of what gives way.
    full: bool = False
    #: Stores that cannot be worked on at all.
    closed: set[int] = field(default_factory=set)


def _record(
    connection: Connection, yields: Sequence[MappedEvent], *, replay_id: int | None = None, skip_hook: bool = False
) -> list[NewDelivery]:
    """Journal what the mapping of events has yielded, and return what is owed for it."""
    owed = [owed for one in yields for owed in one.deliveries(replay_id=replay_id, skip_hook=skip_hook)]
    deliveries.append(connection, owed)
    for event, _, mapped, _ in yields:
        if mapped.notice:
            notices.post(connection, event, *mapped.notice)
    events.mark_mapped(
        connection,
        [(event.id, version if mapping else None, mapped.notes) for event, mapping, mapped, version in yields],
    )
    return owed


def _touched(owed: Sequence[NewDelivery]) -> Iterator[str]:
    """Yield the customers of whom a webhook has told, by what Yotpo can look them up by."""
    return (one.customer for one in owed if {"email", "phone_number"} & one.update.identifiers.keys())


def _may_send(connection: Connection, store: Store) -> bool:
    if store.held or store.paused:
        return False
    # A store that has failed is tried by one batch at a time, until one of them succeeds.
    return not store.failures or partitions.hold_probe(connection, store.id)
