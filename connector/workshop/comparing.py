"""Compares two mapping sets over events: what Insider would be told by the one and by the other. Sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.mapping.running import mapped_events
from connector.model import UserUpdate
from connector.workshop import changes, differences
from connector.workshop.differences import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connector.mapping import MappingSet
    from connector.mapping.running.mapped_events import MappedEvent
    from connector.workshop.changes import Change
    from connector.workshop.trying import Trial


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How two sets differ over events."""

    #: Events that were mapped by both.
    compared: int
    #: Of these, those of which anything differs.
    differing: int
    #: What differs, the most frequent first.
    changes: list[Change]


def compare(old: MappingSet, new: MappingSet, trials: Iterable[Trial], *, examples: int = 1) -> Comparison:
    """Map events by both sets, and count what differs, with so many examples of each change.

    Beside the parts of a `differences.Difference` there are: ``topic``, ``mapped`` or ``unmapped`` from now on;
    ``refusal``, by its reason; ``journeys``, which Insider starts or no longer starts; ``identifier``; and ``detail``
    of a notice.
    """
    found = [(trial, list(_between(*_both(old, new, trial)))) for trial in trials]
    return Comparison(
        compared=len(found),
        differing=sum(bool(different) for _, different in found),
        changes=changes.count(
            ((trial.event.topic, trial.name, different) for trial, different in found), examples=examples
        ),
    )


def _both(old: MappingSet, new: MappingSet, trial: Trial) -> tuple[MappedEvent, MappedEvent]:
    return mapped_events.run(trial.event, old, trial.options), mapped_events.run(trial.event, new, trial.options)


def _between(before: MappedEvent, after: MappedEvent) -> Iterator[Difference]:
    if before.mapping is None or after.mapping is None:
        if before.mapping is not after.mapping:
            yield Difference("topic", "", "mapped" if after.mapping else "unmapped", None, None)
        return
    if before.mapping.skip_hook != after.mapping.skip_hook:
        change = "removed" if after.mapping.skip_hook else "added"
        yield Difference("journeys", "", change, None, None)
    yield from _refusals(before, after)
    yield from _identifiers(before.mapped.updates, after.mapped.updates)
    yield from differences.between(before.mapped.updates, after.mapped.updates)
    yield from _details(before, after)


def _refusals(before: MappedEvent, after: MappedEvent) -> Iterator[Difference]:
    """Tell of users who are refused by the one and not by the other."""
    olds, news = ([refusal.reason for _, refusal in one.mapped.refused] for one in (before, after))
    for reason in dict.fromkeys([*olds, *news]):
        if olds.count(reason) != news.count(reason):
            change = "added" if news.count(reason) > olds.count(reason) else "removed"
            yield Difference("refusal", reason, change, None, None)


def _identifiers(before: Sequence[UserUpdate], after: Sequence[UserUpdate]) -> Iterator[Difference]:
    """Tell of identifiers of the same customer, as if they were attributes."""
    olds, news = (
        [UserUpdate(identifiers=one.identifiers, attributes=one.identifiers) for one in side]
        for side in (before, after)
    )
    for one in differences.between(olds, news):
        if one.part == "attribute":
            yield one._replace(part="identifier")


def _details(before: MappedEvent, after: MappedEvent) -> Iterator[Difference]:
    """Tell of a notice's text and details, as if they were attributes."""
    olds, news = (
        UserUpdate(
            identifiers={},
            attributes={"text": one.mapped.notice[0], **one.mapped.notice[1]} if one.mapped.notice else {},
        )
        for one in (before, after)
    )
    for one in differences.between([olds], [news]):
        yield one._replace(part="detail")
