"""Runs the mapping of an event, and turns its updates into deliveries. It uses no clock, and no I/O except the log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import orjson

from connector import observability
from connector.model import Mapped, NewDelivery, Note, Refusal, UserUpdate
from connector.model.identifiers import customer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping.running.sets import MappingSet
    from connector.mapping.running.topic import TopicMapping
    from connector.model import Event, Options

_log = observability.logger("mapping")


class MappedEvent(NamedTuple):
    """An event with the result of its mapping."""

    event: Event
    #: None if the topic has no mapping.
    mapping: TopicMapping | None
    mapped: Mapped
    #: The version of the mapping set that was used.
    version: str

    def deliveries(self, *, replay_id: int | None = None, skip_hook: bool = False) -> Iterator[NewDelivery]:
        """Yield a delivery for each user. With `skip_hook`, Insider starts no journeys from the deliveries."""
        if self.mapping is None:
            return
        event, mapping = self.event, self.mapping
        users = [(update, None) for update in self.mapped.updates] + list(self.mapped.refused)
        for update, refusal in users:
            # A refused user has no identifier. The event's id keeps these dead letters apart.
            customer = customer_of(update.identifiers) or f"#{event.id}"
            yield NewDelivery(
                event_id=event.id,
                received_at=event.received_at,
                store_id=event.store_id,
                topic=event.topic,
                customer=customer,
                occurred_at=event.occurred_at,
                update=update,
                skip_hook=mapping.skip_hook or skip_hook,
                low_priority=mapping.skip_hook or replay_id is not None,
                mapping=self.version,
                refusal=refusal,
                replay_id=replay_id,
                mapping_notes=self.mapped.notes,
                is_other=customer != event.customer,
            )


def run(event: Event, mappings: MappingSet, options: Options) -> MappedEvent:
    """Run the mapping of an event's topic.

    It never raises an exception, because a fault in one topic must not stop other events.
    """
    mapping = mappings.get(event.topic, options.overlay)
    if mapping is None:
        return MappedEvent(event, None, Mapped(), mappings.version)
    try:
        mapped = mapping.apply(orjson.loads(event.body), event.occurred_at, options)
    except Exception as error:  # noqa: BLE001 - see above
        # Log only the type of the error: its message may quote a value of the webhook.
        _log.error("event.mapping_failed", event_id=event.id, topic=event.topic, error=type(error).__name__)
        reason = f"the mapping of this topic failed ({type(error).__name__}); replay the event once it is mended"
        refusal = Refusal(reason=reason, cause="mapping.failed", rule=mapping.place_of("", ""))
        mapped = Mapped(refused=((UserUpdate(identifiers={}), refusal),))
    if options.overlay and options.overlay not in mappings.overlays:
        mapped = replace(mapped, notes=(*mapped.notes, _missing(options.overlay)))
    return MappedEvent(event, mapping, mapped, mappings.version)


def _missing(overlay: str) -> Note:
    problem = f"There is no overlay {overlay!r} in the mapping set, so the shared rules alone were used."
    return Note(name="overlay", problem=problem, rule=f"overlays/{overlay}")
