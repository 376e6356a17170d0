"""The steps that bring events from the journal to Insider.

    map_received       journal ──received events──────▶ mapping ──deliveries──▶ journal
    map_replayed       journal ──replayed events──────▶ mapping ──deliveries──▶ journal
    deliver_waiting    journal ──waiting deliveries──▶ merging ──users──▶ insider ──▶ journal

`map_received` and `deliver_waiting` work on one partition and hold it. Each step is one transaction: it records all of
its results, or it changes nothing. So an interrupted step is simply run again. `pipeline` decides which step is next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.delivery import merging, sending
from connector.delivery.sending import Sending
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

#: The most low-priority events or deliveries in a step. The number is small, because webhooks wait for the partition
#: during the step.
LOW_PRIORITY_BATCH = 200
_MAP_LIMIT = 500
#: The most bytes of webhooks in a step, so that large webhooks do not fill a worker's memory.
_MAP_BYTES = 8_000_000
#: The most bytes of stored updates in a request. An update is a little larger in the request than in the journal, so
#: this is less than Insider's limit.
_REQUEST_BYTES = wire.BYTES_LIMIT * 9 // 10

_log = observability.logger("pipeline")


class RefreshDelays(NamedTuple):
    """How long to wait after a customer's webhooks before the customer is looked up at Yotpo."""

    #: The wait after the customer's last webhook.
    quiet_seconds: float
    #: The longest wait after the customer's first webhook, even if more webhooks arrive.
    longest_seconds: float


class MapResult(NamedTuple):
    """The result of mapping the received events of a partition."""

    #: How many events were mapped.
    events: int = 0
    #: True if at least one of their deliveries has low priority.
    queued_low_priority: bool = False


@dataclass(frozen=True, slots=True)
class DeliverResult:
    """The result of sending the waiting deliveries of a partition."""

    #: True if nothing was sent because another worker holds the partition.
    held: bool = False
    #: How many deliveries were settled.
    settled: int = 0
    #: True if Insider accepted at least one delivery.
    delivered: bool = False
    #: Why Insider accepted nothing. Set only if it is unclear whether the deliveries are wrong or Insider accepts
    #: nothing at all from the store.
    refusal: str | None = None


class Steps:
    """Runs the steps, each in a transaction of its own."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        mappings: MappingSets,
        insider: Destination,
        batch_size: int,
        retention: timedelta,
        refresh_delays: RefreshDelays,
    ) -> None:
        self._database = database
        self._vault = vault
        self._mappings = mappings
        self._insider = insider
        self._batch_size = batch_size
        self._retention = retention
        self._refresh_delays = refresh_delays

    def map_received(self, partition: Partition, mappings: MappingSet, *, low_priority: bool = False) -> MapResult:
        """Map the oldest received events of a partition, and journal a delivery for each user.

        All events of a step are mapped by the same mapping set. With `low_priority`, the step maps only snapshots, and
        only if no webhook waits in the partition.
        """
        with self._database.transaction() as connection:
            if not partitions.hold(connection, partition):
                return MapResult()
            if low_priority and partitions.is_live(connection, partition):
                return MapResult()
            limit = LOW_PRIORITY_BATCH if low_priority else _MAP_LIMIT
            received = events.take_received(
                connection, partition, low_priority=low_priority, limit=limit, size=_MAP_BYTES
            )
            if not received:
                return MapResult()
            options = stores.options(connection, partition.store_id)
            if options is None:
                return MapResult()
            mapped = [mapped_events.run(event, mappings, options) for event in received]
            new_deliveries = _journal(connection, mapped)
            if not low_priority:
                customers = _customers_to_look_up(new_deliveries)
                refreshes.schedule(connection, partition.store_id, customers, **self._refresh_delays._asdict())
        _log.info("events.mapped", store_id=partition.store_id, partition=partition.number, events=len(received))
        return MapResult(len(received), any(delivery.low_priority for delivery in new_deliveries))

    def deliver_waiting(
        self, partition: Partition, mappings: MappingSet, *, low_priority: bool = False
    ) -> DeliverResult:
        """Send the oldest waiting deliveries of a partition, and record the outcome of each.

        With `low_priority`, the step sends only deliveries of replays and snapshots, and only if no webhook waits in
        the partition. `mappings` is needed to name the rule that caused a refusal.
        """
        with self._database.transaction() as connection:
            if not partitions.hold(connection, partition):
                return DeliverResult(held=True)
            if low_priority and partitions.is_live(connection, partition):
                return DeliverResult()
            store = stores.by_id(connection, self._vault, partition.store_id)
            if store is None or not _may_send(connection, store):
                return DeliverResult()
            limit = min(self._batch_size, LOW_PRIORITY_BATCH) if low_priority else self._batch_size
            oldest = deliveries.take_waiting(connection, partition, low_priority=low_priority, limit=limit)
            waiting = merging.fitting(oldest, _REQUEST_BYTES)
            if not waiting:
                return DeliverResult()
            customers = {delivery.customer for delivery in waiting}
            batch = Sending(
                connection,
                store,
                self._insider,
                mappings=mappings,
                known_times=deliveries.attribute_times(connection, store.id, customers),
                retention=self._retention,
            )
            refusal = batch.send(waiting)
        return DeliverResult(settled=batch.settled, delivered=batch.delivered, refusal=refusal)

    def map_replayed(self, replay_id: int, mappings: MappingSet) -> int:
        """Map the next events of a replay, within its rate; return the number of events.

        `mappings` is the mapping set in force. If the replay uses earlier sets instead, each event is mapped by the set
        that last mapped it.
        """
        with self._database.transaction() as connection:
            batch = replays.take(connection, replay_id, limit=_MAP_LIMIT, size=_MAP_BYTES)
            if not batch.events:
                return 0
            ids = [event.id for event in batch.events]
            versions = batch.versions
            sets = dict.fromkeys(ids, mappings) if versions is None else self._sets_of_then(connection, versions)
            # This step holds no partition. So it locks the stores, and no store can be removed during the step.
            store_ids = sorted({event.store_id for event in batch.events})
            options = {store_id: stores.options(connection, store_id, lock=True) for store_id in store_ids}
            mapped = [
                mapped_events.run(event, set_of_event, store_options)
                for event in batch.events
                if (set_of_event := sets.get(event.id)) and (store_options := options[event.store_id]) is not None
            ]
            _journal(connection, mapped, replay_id=replay_id, skip_hook=batch.skip_hook)
            without_set = [event_id for event_id in ids if event_id not in sets]
            replays.mark_processed(connection, replay_id, ids, without_set=without_set)
            with_mapping = [mapped_event.event.id for mapped_event in mapped if mapped_event.mapping]
            replays.resolve(connection, replay_id, with_mapping)
        _log.info("events.replayed", replay_id=replay_id, events=len(ids), without_set=len(without_set))
        return len(ids)

    def _sets_of_then(self, connection: Connection, versions: Mapping[int, str | None]) -> dict[int, MappingSet]:
        """Return, by event id, the set that last mapped the event. Leave out events whose set cannot be loaded."""
        sets, _ = self._mappings.of_versions(connection, set(versions.values()))
        return {event_id: sets[version] for event_id, version in versions.items() if version in sets}

    def pause_store(self, store_id: int, *, reason: str) -> None:
        """Pause a store if it may send now.

        The pipeline calls this method if Insider accepted nothing from the store. A pause is safer than dead letters,
        because the deliveries may be correct.
        """
        with self._database.transaction() as connection:
            store = stores.by_id(connection, self._vault, store_id)
            if store and _may_send(connection, store):
                sending.pause(connection, store, reason=reason)


def _journal(
    connection: Connection, mapped: Sequence[MappedEvent], *, replay_id: int | None = None, skip_hook: bool = False
) -> list[NewDelivery]:
    """Journal the deliveries, notices and notes of mapped events, and return the deliveries."""
    new_deliveries = [
        delivery
        for mapped_event in mapped
        for delivery in mapped_event.deliveries(replay_id=replay_id, skip_hook=skip_hook)
    ]
    deliveries.append(connection, new_deliveries)
    for event, _, result, _ in mapped:
        if result.notice:
            notices.post(connection, event, *result.notice)
    events.mark_mapped(
        connection,
        [(event.id, version if mapping else None, result.notes) for event, mapping, result, version in mapped],
    )
    return new_deliveries


def _customers_to_look_up(new_deliveries: Sequence[NewDelivery]) -> Iterator[str]:
    """Yield the customers of deliveries that have an e-mail address or a phone number. Yotpo can look up only these."""
    for delivery in new_deliveries:
        if {"email", "phone_number"} & delivery.update.identifiers.keys():
            yield delivery.customer


def _may_send(connection: Connection, store: Store) -> bool:
    if store.held or store.paused:
        return False
    # After a failure, only one batch at a time is sent for the store, until a batch succeeds.
    return not store.failures or partitions.hold_probe(connection, store.id)
