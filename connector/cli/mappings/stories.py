"""How the whole story of one value is printed: its rule, what that overrides, what it found, what Insider gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.cli.mappings.explaining import differs, fate, path, place, shown
from connector.mapping.checking.explaining import omissions, overridden_rules, rule_text
from connector.mapping.reading.problems import did_you_mean
from connector.workshop.dictionary import DATA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping import MappingSet
    from connector.mapping.checking.explaining import Explanation, Reading, UserReading
    from connector.mapping.running.compiling import Rule
    from connector.workshop.trying import TrialResult

#: Enough for anything but a text that nobody reads to its end.
_CELL = 500


def lines(tried: TrialResult, name: str, mappings: MappingSet) -> Iterator[str]:
    """Tell the story of an attribute, param, identifier or detail, for each place where the mapping fills it."""
    if not tried.explanation:
        yield "No mapping: the event is kept, and nothing is sent."
        return
    found = list(_named(tried.explanation, name))
    for what, reading, user in found:
        yield f"{name}, {what}"
        before = ""
        for label, told in _story(reading, user):
            yield f"  {label if label != before else '':9}  {told}"
            before = label
    others = [*_skipped(tried.explanation, name), *_omitted(tried, name, mappings)]
    yield from others
    if not found and not others:
        known = {*mappings.attributes, *mappings.params}
        meant = "" if name in known else did_you_mean(name, known)
        yield f"No rule of {tried.trial.event.topic} fills {name}{meant}."


def _skipped(explanation: Explanation, name: str) -> Iterator[str]:
    """Tell of users of whom nothing was read, although a rule would have filled the name."""
    for number, user in enumerate(explanation.users, start=1):
        rules = [*user.mapping.rules("attributes"), *user.mapping.rules("params")]
        if user.fate == "skipped" and any(rule.name == name for rule in rules):
            yield fate(number, user)


def _omitted(tried: TrialResult, name: str, mappings: MappingSet) -> Iterator[str]:
    """Tell of rules that take away others, which would have filled the name."""
    trial = tried.trial
    for rule in dict.fromkeys(omissions(mappings, trial.event.topic, trial.options.overlay)):
        if rule.name == name:
            yield f"{name}, omitted"
            yield f"  {'rule':9}  {_rule(rule)}"
            yield from (f"  {'omits':9}  {_rule(below)}" for below in overridden_rules(rule))


def _named(explanation: Explanation, name: str) -> Iterator[tuple[str, Reading, UserReading | None]]:
    """Yield the readings of a name, each with what it is."""
    for number, user in enumerate(explanation.users, start=1):
        whose = f"of user {number} at {place(user)}"
        sections = [("an identifier", user.identifiers), ("an attribute", user.attributes)]
        sections += [(f"a param of {event.name}", params) for event, params in user.events]
        for what, readings in sections:
            yield from ((f"{what} {whose}", one, user) for one in readings if one.rule.name == name)
    yield from (("a detail of the notice", one, None) for one in explanation.details if one.rule.name == name)


def _story(reading: Reading, user: UserReading | None) -> Iterator[tuple[str, str]]:
    yield "rule", _rule(reading.rule)
    yield from (("overrides", _rule(below)) for below in overridden_rules(reading.rule))
    width = max((len(path(one)) for one in reading.alternatives), default=0)
    counted: set[str] = set()
    for one in reading.alternatives:
        told = shown(one.raw, _CELL) if one.state == "value" else one.state
        needed = "" if one.part not in counted else "  (not needed)"
        yield one.part or "looked at", f"{path(one).ljust(width)}  {told}{needed}"
        counted |= {one.part} if one.counts else set()
    if reading.value is not None and any(one.counts and differs(reading, one) for one in reading.alternatives):
        yield "becomes", shown(reading.value, _CELL)
    yield ("Insider" if user else "operator"), _outcome(reading, user)


def _outcome(reading: Reading, user: UserReading | None) -> str:
    if user and user.refusal:
        return f"gets nothing of this user: {user.refusal.reason}"
    nothing, when = _nothing(reading), reading.rule.source.clears_when
    return {
        "filled": f"gets {shown(reading.value, _CELL)}, as {DATA_TYPES[reading.rule.source.kind]}",
        "unfit": f"gets nothing: {reading.problem}",
        "cleared": f"is told to forget it: {nothing}, and the rule says {when}: clear",
        "nothing": f"gets nothing, and keeps what it has: {nothing}",
    }[reading.outcome]


def _nothing(reading: Reading) -> str:
    """Say why nothing comes of what was found, if anything was."""
    if not any(one.counts for one in reading.alternatives):
        return "nothing is there"
    if reading.rule.source.parts:
        return "the date has no year, and the store no stand-in year"
    return "the list is empty" if reading.rule.source.type == "list" else "the year 0001 stands for none"


def _rule(rule: Rule) -> str:
    group = f", group {rule.group}" if rule.group else ""
    return f"{rule_text(rule)}  {rule.place}{group}"
