"""Returns the explanation of a webhook as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.cli.mappings.explaining import path_text
from connector.mapping.checking.explaining import overridden_rules, rule_text
from connector.workshop.dictionary import DATA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.mapping.checking.explaining import Reading
    from connector.mapping.running.compiling import Rule
    from connector.workshop.trying import TrialResult


def as_json(result: TrialResult, name: str | None) -> dict[str, Any]:
    """Return the explanation of a webhook. With `name`, return only the values and notes with this name."""
    trial, explanation = result.trial, result.explanation

    def as_list(readings: Iterable[Reading]) -> list[dict[str, Any]]:
        return [_as_json(reading) for reading in readings if name in {None, reading.rule.name}]

    users = [
        {
            "place": user.mapping.place,
            "person": user.person and ".".join(user.person),
            "fate": user.fate,
            "refusal": user.refusal and user.refusal.reason,
            "identifiers": as_list(user.identifiers),
            "attributes": as_list(user.attributes),
            "events": [
                {"name": event.name, "label": event.label, "params": as_list(params)} for event, params in user.events
            ],
        }
        for user in (explanation.users if explanation else ())
    ]
    notice = explanation.mapping.notice if explanation else None
    return {
        "topic": trial.event.topic,
        "webhook": trial.name,
        "occurred_at": trial.event.occurred_at,
        "overlay": trial.options.overlay,
        "mapped": explanation is not None,
        "users": users,
        "notice": {"text": notice.text, "details": as_list(explanation.details)} if notice and explanation else None,
        "notes": [asdict(note) for note in result.notes if name in {None, note.name}],
    }


def _as_json(reading: Reading) -> dict[str, Any]:
    chain = [_rule(rule) for rule in (reading.rule, *overridden_rules(reading.rule))]
    return {
        "name": reading.rule.name,
        "outcome": reading.outcome,
        "value": reading.value,
        "data_type": DATA_TYPES[reading.rule.source.kind],
        "problem": reading.problem or None,
        "rule": chain[0],
        "overrides": chain[1:],
        "alternatives": [
            {**alternative._asdict(), "path": path_text(alternative)} for alternative in reading.alternatives
        ],
    }


def _rule(rule: Rule) -> dict[str, str | None]:
    return {"written": rule_text(rule), "place": rule.place, "group": rule.group}
