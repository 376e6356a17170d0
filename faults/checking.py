"""Compares the profiles at Insider with the accepted events. Counts what is lost, doubled, out of order or wrong."""

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
    """The rules by which the end state of a scenario is checked."""

    #: True if Insider refuses some users for good. Their events become dead letters and do not count as lost.
    refusals: bool = False
    #: True if one topic is delayed. Then the order is checked only within each topic.
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
    #: Descriptions of the first few problems.
    examples: list[str] = field(default_factory=list)


_MAX_EXAMPLES = 5
#: An event that takes longer than this from the webhook to Insider counts as delayed. A tenth of this is usual.
_UNUSUAL_SECONDS = 2.0


def check(plan: Plan, users: Iterable[dict[str, Any]], dead: Collection[int], rules: Rules) -> Findings:
    """Compare Insider's profiles with the plan; `dead` holds the journal's ids of the events with dead letters."""
    findings = Findings()
    profiles = {user["identifiers"].get("email"): user for user in users}
    for customer, events in plan.items():
        profile = profiles.get(customer, {"events": [], "custom": {}})
        _check_customer(findings, events, profile, dead, rules)
    return findings


def _check_customer(
    findings: Findings, events: Sequence[Event], profile: dict[str, Any], dead: Collection[int], rules: Rules
) -> None:
    customer = events[0].customer if events else ""
    by_number = {event.number: event for event in events}
    stored = [planning.number_of(user_event) for user_event in profile["events"]]
    arrived = [by_number[number] for number in dict.fromkeys(stored) if number in by_number]
    for user_event in profile["events"]:
        number = planning.number_of(user_event)
        if number in by_number:
            findings.arrived.setdefault(by_number[number], user_event["received_at"])
    findings.planned += len(events)
    findings.sent += sum(event.sent_at is not None for event in events)
    findings.turned_away += sum(event.turned_away for event in events)
    findings.accepted += sum(event.accepted_at is not None for event in events)
    findings.at_insider += len(arrived)
    # A user event that belongs to none of our webhooks counts as doubled, too.
    doubled = len(stored) - len(arrived)
    findings.sent_again += sum(user_event["transmissions"] - 1 for user_event in profile["events"])
    repeated = [number for number, times in Counter(stored).items() if times > 1]
    _note(findings, "doubled", doubled, customer, str(repeated))
    at_insider = set(arrived)
    missing = [event for event in events if event.accepted_at is not None and event not in at_insider]
    refused = [event for event in missing if rules.refusals and event.journal_id in dead]
    findings.refused += len(refused)
    lost = [f"number {event.number} (event {event.journal_id})" for event in missing if event not in refused]
    _note(findings, "lost", len(lost), customer, ", ".join(lost[:3]))
    _note(findings, "out_of_order", _inversions(events, arrived, rules), customer, str(stored))
    # A lost event also makes its attributes wrong. A refused event does not.
    expected = planning.attributes(event for event in events if event.accepted_at is not None and event not in refused)
    actual = {name: profile["custom"].get(name) for name in expected}
    _note(findings, "wrong", sum(actual[name] != value for name, value in expected.items()), customer, f"{actual}")


def _inversions(events: Sequence[Event], arrived: Sequence[Event], rules: Rules) -> int:
    """Count the events that were stored after an event that was accepted later."""
    positions = {event: position for position, event in enumerate(events)}
    newest: dict[str, int] = {}
    late = 0
    for event in arrived:
        topic = event.topic if rules.order_by_topic else ""
        late += positions[event] < newest.get(topic, -1)
        newest[topic] = max(positions[event], newest.get(topic, -1))
    return late


def _note(findings: Findings, kind: str, number: int, customer: str, details: str) -> None:
    if number:
        setattr(findings, kind, getattr(findings, kind) + number)
        if len(findings.examples) < _MAX_EXAMPLES:
            findings.examples.append(f"{kind.replace('_', ' ')} of {customer}: {details}")


def seconds_to_recover(findings: Findings, ended_at: float) -> float:
    """Return the seconds from the end of a fault to the arrival of the last event that it may have delayed.

    The fault may have delayed all events that were sent before its end, and later events that took unusually long.
    """
    delayed = [
        arrived_at
        for event, arrived_at in findings.arrived.items()
        if event.sent_at is not None and (event.sent_at <= ended_at or arrived_at - event.sent_at > _UNUSUAL_SECONDS)
    ]
    return max([0.0, *(arrived_at - ended_at for arrived_at in delayed)])
