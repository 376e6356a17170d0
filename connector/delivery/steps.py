"""The steps that bring events from the journal to Insider.

    advance         journal ──received events──▶ mapping ──deliveries──┐
                    journal ──waiting deliveries──────────────────────▶ merging ──users──▶ insider ──▶ journal
    map_replayed    journal ──replayed events──▶ mapping ──deliveries──▶ journal

`advance` works on some partitions of one store and holds them. Each step is one transaction: it records all of its
results, or it changes nothing. So an interrupted step is simply run again. A step needs the same number of statements
for one event as for a thousand. `pipeline` decides which step is next.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.delivery import merging, recording
from connector.delivery.sending import Pause, Sending
from connector.insider import wire
from connector.journal import events, notices, partitions, replays, stores
from connector.journal.results import attempts, customers, deliveries, encoding, outcomes
from connector.journal.sync import refreshes
from connector.mapping.running import mapped_events
from connector.model import Delivery, partition_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from connector.delivery.merging import Destination
    from connector.journal.database import Connection, Database
    from connector.journal.results.deliveries import Waiting
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet
    from connector.mapping.running.mapped_events import MappedEvent
    from connector.model import NewDelivery, Partitions, Store
    from connector.workshop.activation import MappingSets

#: The most low-priority events or deliveries in a step. The number is small, because webhooks wait for the partitions
#: during the step.
LOW_PRIORITY_BATCH = 200
#: The most webhooks in a step.
BATCH = 1000
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


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a step."""

    #: True if another worker holds one of the partitions.
    held: bool = False
    #: How many events were mapped.
    mapped: int = 0
    #: How many waiting deliveries were settled.
    settled: int = 0
    #: True if a new delivery waits for the low-priority workers.
    queued_low_priority: bool = False
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

    def advance(self, wanted: Partitions, mappings: MappingSet, *, low_priority: bool = False) -> StepResult:
        """Map the oldest received events of some partitions, send their oldest deliveries, and record all results.

        Partitions that another worker holds are left out. All events of a step are mapped by the same mapping set. With
        `low_priority`, the step processes only snapshots and the deliveries of replays, and only in partitions without
        waiting webhooks. If the store is paused, the new deliveries wait.
        """
        with self._database.transaction() as connection:
            if low_priority:
                # A partition with webhooks is not even held: its webhooks would have to wait for this step.
                wanted = partitions.without_webhooks(connection, wanted)
            held = partitions.hold(connection, wanted)
            is_held_by_others = len(held.numbers) < len(wanted.numbers)
            if low_priority and held.numbers:
                held = partitions.without_webhooks(connection, held)
            store = stores.by_id(connection, self._vault, held.store_id) if held.numbers else None
            if store is None:
                return StepResult(held=is_held_by_others)
            limit = LOW_PRIORITY_BATCH if low_priority else BATCH
            received = events.take_received(connection, held, low_priority=low_priority, limit=limit, size=_MAP_BYTES)
            mapped = [mapped_events.run(event, mappings, store.options) for event in received.events]
            new = _new_deliveries(mapped)
            limit = min(limit, self._batch_size)
            waiting = deliveries.Waiting()
            if _may_send(connection, store):
                waiting = deliveries.take_waiting(connection, held, low_priority=low_priority, limit=limit)
            batch = _batch(waiting, new, held, low_priority=low_priority, limit=limit)
            sending, refusal = self._send(connection, store, mappings, batch)
            recording.record(connection, store, sending, new)
            _record_mapping(connection, mapped)
            events.remove_from_queue(connection, store.id, received, low_priority=low_priority)
            if not low_priority:
                refreshes.schedule(connection, store.id, _customers_to_look_up(new), **self._refresh_delays._asdict())
        if mapped:
            _log.info("events.mapped", store_id=held.store_id, partitions=len(held.numbers), events=len(mapped))
        return StepResult(
            held=is_held_by_others,
            mapped=len(mapped),
            settled=sum(delivery_id > 0 for delivery_id in sending.settled),
            queued_low_priority=not low_priority and any(delivery.low_priority for delivery in new),
            delivered=sending.delivered,
            refusal=refusal,
        )

    def _send(
        self, connection: Connection, store: Store, mappings: MappingSet, batch: Sequence[Delivery]
    ) -> tuple[Sending, str | None]:
        """Send a batch, which may be empty. `mappings` is needed to name the rule that caused a refusal."""
        wanted = {delivery.customer for delivery in batch}
        sending = Sending(
            store,
            self._insider,
            mappings=mappings,
            profiles=customers.profiles(connection, store.id, wanted) if wanted else {},
            retention=self._retention,
            was_delivered_since=lambda attempt_id, operation: attempts.delivered_since(
                connection, store.id, attempt_id, operation=operation
            ),
            keep_alive=lambda: connection.execute("select 1"),
        )
        return sending, sending.send(batch) if batch else None

    def map_replayed(self, replay_id: int, mappings: MappingSet) -> int:
        """Map the next events of a replay, within its rate; return the number of events.

        `mappings` is the mapping set in force. A replay can also use earlier sets. Such a replay maps each event with
        the set that last mapped the event.
        """
        with self._database.transaction() as connection:
            batch = replays.take(connection, replay_id, limit=BATCH, size=_MAP_BYTES)
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
            deliveries.append(connection, _new_deliveries(mapped, replay_id=replay_id, skip_hook=batch.skip_hook))
            _record_mapping(connection, mapped, replay_id=replay_id)
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
                recording.pause(connection, store, Pause(reason))


def _new_deliveries(
    mapped: Sequence[MappedEvent], *, replay_id: int | None = None, skip_hook: bool = False
) -> list[NewDelivery]:
    return [
        delivery
        for mapped_event in mapped
        for delivery in mapped_event.deliveries(replay_id=replay_id, skip_hook=skip_hook)
    ]


def _batch(
    waiting: Waiting, new: Sequence[NewDelivery], held: Partitions, *, low_priority: bool, limit: int
) -> Sequence[Delivery]:
    """Return the deliveries that this step sends in one request: the oldest that may share it.

    New deliveries follow the waiting ones. They are sent at once only if none waits before them, so that they overtake
    nothing. A new delivery has no id yet: it has the number -1, -2, …, by its position in `new`.
    """
    ready = list(waiting.deliveries)
    if waiting.complete:
        ready += (
            _numbered(-1 - position, delivery)
            for position, delivery in enumerate(new)
            if delivery.low_priority == low_priority
            and delivery.refusal is None
            and partition_number(delivery.customer) in held.numbers
        )
    together = takewhile(lambda delivery: delivery.skip_hook == ready[0].skip_hook, ready[:limit])
    return merging.fitting(list(together), _REQUEST_BYTES)


def _numbered(number: int, new: NewDelivery) -> Delivery:
    return Delivery(
        id=number,
        event_id=new.event_id,
        topic=new.topic,
        customer=new.customer,
        update=new.update,
        occurred_at=new.occurred_at,
        skip_hook=new.skip_hook,
        bytes=len(encoding.encoded(new.update).encode()),
    )


def _record_mapping(connection: Connection, mapped: Sequence[MappedEvent], *, replay_id: int | None = None) -> None:
    """Journal the notices of mapped events, and the events that have no deliveries."""
    for event, _, result, _ in mapped:
        if result.notice:
            notices.post(connection, event, *result.notice)
    without_users = [
        outcomes.WithoutUsers(event, version if mapping else None, result.notes)
        for event, mapping, result, version in mapped
        if mapping is None or not (result.updates or result.refused)
    ]
    outcomes.append_without_users(connection, without_users, replay_id=replay_id)


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
