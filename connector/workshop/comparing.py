"""Compares two mapping sets: maps the same events with both, and counts the differences. Sends nothing."""

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
    """How the results of two sets differ."""

    #: How many events were mapped with both sets.
    compared: int
    #: How many of these events have a difference.
    differing: int
    #: The changes, the most frequent first.
    changes: list[Change]


def compare(old: MappingSet, new: MappingSet, trials: Iterable[Trial], *, examples: int = 1) -> Comparison:
    """Map events with both sets, and count the changes. Each change has at most `examples` examples.

    The `part` of a change is a part of `differences.Difference`, or one of these: ``topic`` (the topic is now
    ``mapped`` or ``unmapped``); ``refusal`` (the name is the reason); ``journeys`` (Insider now starts journeys, or no
    longer starts them); ``identifier``; ``detail`` (of a notice).
    """
    compared = [(trial, list(_between(*_both(old, new, trial)))) for trial in trials]
    return Comparison(
        compared=len(compared),
        differing=sum(bool(of_trial) for _, of_trial in compared),
        changes=changes.count(
            ((trial.event.topic, trial.name, of_trial) for trial, of_trial in compared), examples=examples
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
    """Yield each reason for which one set refuses more users than the other set."""
    olds, news = ([refusal.reason for _, refusal in result.mapped.refused] for result in (before, after))
    for reason in dict.fromkeys([*olds, *news]):
        if olds.count(reason) != news.count(reason):
            change = "added" if news.count(reason) > olds.count(reason) else "removed"
            yield Difference("refusal", reason, change, None, None)


def _identifiers(before: Sequence[UserUpdate], after: Sequence[UserUpdate]) -> Iterator[Difference]:
    """Yield the differences between the identifiers of each customer. Identifiers are compared like attributes."""
    olds, news = (
        [UserUpdate(identifiers=update.identifiers, attributes=update.identifiers) for update in updates]
        for updates in (before, after)
    )
    for difference in differences.between(olds, news):
        if difference.part == "attribute":
            yield difference._replace(part="identifier")


def _details(before: MappedEvent, after: MappedEvent) -> Iterator[Difference]:
    """Yield the differences between the texts and details of the notices. Both are compared like attributes."""
    old, new = (
        UserUpdate(
            identifiers={},
            attributes={"text": result.mapped.notice[0], **result.mapped.notice[1]} if result.mapped.notice else {},
        )
        for result in (before, after)
    )
    for difference in differences.between([old], [new]):
        yield difference._replace(part="detail")
