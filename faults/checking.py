"""Holds what has arrived at Insider against what was accepted: what is lost, doubled, out of order or wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faults import plan as planning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from faults.plan import Event, Plan


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a scenario asks of the end state."""

    #: True where Insider itself refuses some for good: those are dead letters, and not lost.
    refusals: bool = False
    #: True where one topic is held up, so that order holds within each topic alone.
    order_by_topic: bool = False


@dataclass(kw_only=True)
class Findings:
    """The end state in numbers."""

    planned: int = 0
    sent: int = 0
    accepted: int = 0
    turned_away: int = 0
    at_insider: int = 0
    refused: int = 0
    lost: int = 0
    doubled: int = 0
    sent_again: int = 0
    out_of_order: int = 0
    wrong: int = 0
    #: When Insider stored each event, in seconds since 1970.
    arrived: dict[Event, float] = field(default_factory=dict, repr=False)
    #: The first of whatever is wrong, in words.
    examples: list[str] = field(default_factory=list)


_EXAMPLES = 5
#: From a webhook to Insider; a tenth of it is usual.
_UNUSUAL_SECONDS = 2.0


def check(plan: Plan, users: Iterable[dict[str, Any]], dead: Collection[int], rules: Rules) -> Findings:
    """Compare Insider's profiles with the plan; `dead` are the journal's numbers of events with dead letters."""
    found = Findings()
    profiles = {user["identifiers"].get("email"): user for user in users}
    for customer, events in plan.items():
        profile = profiles.get(customer, {"events": [], "custom": {}})
        _check_customer(found, events, profile, dead, rules)
    return found


def _check_customer(
    found: Findings, events: Sequence[Event], profile: dict[str, Any], dead: Collection[int], rules: Rules
) -> None:
    customer = events[0].customer if events else ""
    by_number = {event.number: event for event in events}
    stored = [planning.number_of(one) for one in profile["events"]]
    arrived = [by_number[number] for number in dict.fromkeys(stored) if number in by_number]
    for one in profile["events"]:
        number = planning.number_of(one)
        if number in by_number:
            found.arrived.setdefault(by_number[number], one["received_at"])
    found.planned += len(events)
    found.sent += sum(event.sent_at is not None for event in events)
    found.turned_away += sum(event.turned_away for event in events)
    found.accepted += sum(event.accepted_at is not None for event in events)
    found.at_insider += len(arrived)
    # What none of our webhooks tells of has been stored once too often, too.
    doubled = len(stored) - len(arrived)
    found.sent_again += sum(one["transmissions"] - 1 for one in profile["events"])
    _note(found, "doubled", doubled, customer, str([number for number, times in Counter(stored).items() if times > 1]))
    there = set(arrived)
    missing = [event for event in events if event.accepted_at is not None and event not in there]
    refused = [event for event in missing if rules.refusals and event.journal_id in dead]
    found.refused += len(refused)
    lost = [f"number {event.number} (event {event.journal_id})" for event in missing if event not in refused]
    _note(found, "lost", len(lost), customer, ", ".join(lost[:3]))
    _note(found, "out_of_order", _inversions(events, arrived, rules), customer, str(stored))
    # Of what is lost the attributes are wrong as well; of what was refused they are not.
    expected = planning.attributes(event for event in events if event.accepted_at is not None and event not in refused)
    shown = {name: profile["custom"].get(name) for name in expected}
    _note(found, "wrong", sum(shown[name] != value for name, value in expected.items()), customer, f"{shown}")


def _inversions(events: Sequence[Event], arrived: Sequence[Event], rules: Rules) -> int:
    """Count the events that were stored after one which had been accepted later."""
    place = {event: position for position, event in enumerate(events)}
    newest: dict[str, int] = {}
    late = 0
    for event in arrived:
        topic = event.topic if rules.order_by_topic else ""
        late += place[event] < newest.get(topic, -1)
        newest[topic] = max(place[event], newest.get(topic, -1))
    return late


def _note(found: Findings, what: str, number: int, customer: str, details: str) -> None:
    if number:
        setattr(found, what, getattr(found, what) + number)
        if len(found.examples) < _EXAMPLES:
            found.examples.append(f"{what.replace('_', ' ')} of {customer}: {details}")


def seconds_to_recover(found: Findings, ended_at: float) -> float:
    """Return how long after the end of a fault the last event arrived that it may have held up.

    Those are all that had been sent by then, and those sent later that took unusually long.
    """
    held_up = [
        at
        for event, at in found.arrived.items()
        if event.sent_at is not None and (event.sent_at <= ended_at or at - event.sent_at > _UNUSUAL_SECONDS)
    ]
    return max([0.0, *(at - ended_at for at in held_up)])
