"""Prints the story of one value as text: its rule, the overridden rules, the paths that were tried, and the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.cli.mappings.explaining import as_json_text, fate_of_user, is_converted, path_text, place_of_person
from connector.mapping.checking.explaining import omissions, overridden_rules, rule_text
from connector.mapping.reading.problems import did_you_mean
from connector.workshop.dictionary import DATA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping import MappingSet
    from connector.mapping.checking.explaining import Explanation, Reading, UserReading
    from connector.mapping.running.compiling import Rule
    from connector.workshop.trying import TrialResult

#: Values with more characters are cut off. Only long texts and lists have more.
_CELL = 500


def lines(result: TrialResult, name: str, mappings: MappingSet) -> Iterator[str]:
    """Yield the story of an attribute, param, identifier or detail: one for each place where the mapping fills it."""
    if not result.explanation:
        yield "No mapping: the event is kept, and nothing is sent."
        return
    matches = list(_named(result.explanation, name))
    for role, reading, user in matches:
        yield f"{name}, {role}"
        previous_label = ""
        for label, text in _story(reading, user):
            yield f"  {label if label != previous_label else '':9}  {text}"
            previous_label = label
    others = [*_skipped(result.explanation, name), *_omitted(result, name, mappings)]
    yield from others
    if not matches and not others:
        names = {*mappings.attributes, *mappings.params}
        suggestion = "" if name in names else did_you_mean(name, names)
        yield f"No rule of {result.trial.event.topic} fills {name}{suggestion}."


def _skipped(explanation: Explanation, name: str) -> Iterator[str]:
    """Yield one line for each skipped user that has a rule for the name."""
    for number, user in enumerate(explanation.users, start=1):
        rules = [*user.mapping.rules("attributes"), *user.mapping.rules("params")]
        if user.fate == "skipped" and any(rule.name == name for rule in rules):
            yield fate_of_user(number, user)


def _omitted(result: TrialResult, name: str, mappings: MappingSet) -> Iterator[str]:
    """Yield lines with the ``omit`` rules for the name, each with the rules that it removes."""
    trial = result.trial
    for rule in dict.fromkeys(omissions(mappings, trial.event.topic, trial.options.overlay)):
        if rule.name == name:
            yield f"{name}, omitted"
            yield f"  {'rule':9}  {_rule(rule)}"
            yield from (f"  {'omits':9}  {_rule(below)}" for below in overridden_rules(rule))


def _named(explanation: Explanation, name: str) -> Iterator[tuple[str, Reading, UserReading | None]]:
    """Yield the readings of a name, each with its role: ``an attribute of user 1 at customer``."""
    for number, user in enumerate(explanation.users, start=1):
        of_user = f"of user {number} at {place_of_person(user)}"
        sections = [("an identifier", user.identifiers), ("an attribute", user.attributes)]
        sections += [(f"a param of {event.name}", params) for event, params in user.events]
        for role, readings in sections:
            yield from ((f"{role} {of_user}", reading, user) for reading in readings if reading.rule.name == name)
    details = [reading for reading in explanation.details if reading.rule.name == name]
    yield from (("a detail of the notice", reading, None) for reading in details)


def _story(reading: Reading, user: UserReading | None) -> Iterator[tuple[str, str]]:
    """Yield the lines of a story, each with its label."""
    yield "rule", _rule(reading.rule)
    yield from (("overrides", _rule(below)) for below in overridden_rules(reading.rule))
    width = max((len(path_text(alternative)) for alternative in reading.alternatives), default=0)
    found_parts: set[str] = set()
    for alternative in reading.alternatives:
        text = as_json_text(alternative.raw, _CELL) if alternative.state == "value" else alternative.state
        not_needed = "  (not needed)" if alternative.part in found_parts else ""
        yield alternative.part or "looked at", f"{path_text(alternative).ljust(width)}  {text}{not_needed}"
        found_parts |= {alternative.part} if alternative.counts else set()
    sources = [alternative for alternative in reading.alternatives if alternative.counts]
    if reading.value is not None and any(is_converted(reading, alternative) for alternative in sources):
        yield "becomes", as_json_text(reading.value, _CELL)
    yield ("Insider" if user else "operator"), _outcome(reading, user)


def _outcome(reading: Reading, user: UserReading | None) -> str:
    if user and user.refusal:
        return f"gets nothing of this user: {user.refusal.reason}"
    reason, when = _why_no_value(reading), reading.rule.source.clears_when
    return {
        "filled": f"gets {as_json_text(reading.value, _CELL)}, as {DATA_TYPES[reading.rule.source.kind]}",
        "unfit": f"gets nothing: {reading.problem}",
        "cleared": f"forgets the value: {reason}, and the rule says {when}: clear",
        "nothing": f"gets nothing, and keeps its value: {reason}",
    }[reading.outcome]


def _why_no_value(reading: Reading) -> str:
    """Return the reason why a rule has no value. If the rule has a value, this reason means nothing."""
    if not any(alternative.counts for alternative in reading.alternatives):
        return "no path has a value"
    if reading.rule.source.parts:
        return "the date has no year, and the store has no stand-in year"
    return "the list is empty" if reading.rule.source.type == "list" else "the year 0001 means no time"


def _rule(rule: Rule) -> str:
    group = f", group {rule.group}" if rule.group else ""
    return f"{rule_text(rule)}  {rule.place}{group}"
