"""Explains how a mapping maps a webhook. For each rule, the module returns the paths, the raw value and the result.

This module evaluates the rules a second time, because the fast functions of `compiling` do not record what they read. A
test checks that both modules give the same results.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from connector.mapping.loading import layers
from connector.mapping.reading.problems import Problems
from connector.mapping.running.assembling import omitting_rules
from connector.mapping.running.compiling import left_out
from connector.mapping.types.identities import IDENTITIES
from connector.mapping.types.lookup import at, has, is_nothing
from connector.mapping.types.rules import ABSENT, ALWAYS, CLEAR, EMPTY, TYPES
from connector.mapping.types.values import Parts, UnfitError, date_of_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from connector.mapping.running.compiling import Rule
    from connector.mapping.running.sets import MappingSet
    from connector.mapping.running.topic import EventMapping, TopicMapping, UserMapping
    from connector.mapping.types.lookup import Path
    from connector.model import Json, Mapped, Options, Refusal, Value

#: The parts of a date, in the order of `Source.parts`.
PARTS = ("year", "month", "day")

#: The state of the value at a path. A blank text is ``empty``.
State: TypeAlias = Literal["absent", "null", "empty", "value"]


class Alternative(NamedTuple):
    """One path of a rule, and the value at this path."""

    #: ``year``, ``month`` or ``day`` if the rule is a date of parts; otherwise "".
    part: str
    #: The path from the top of the webhook.
    path: Path
    state: State
    #: The raw value at the path; None if there is none.
    raw: object
    #: True for the first path with a value. The rule uses this value.
    counts: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The result of one rule."""

    rule: Rule
    alternatives: tuple[Alternative, ...] = ()
    #: The value that Insider gets; None if Insider gets no value.
    value: Value | None = None
    #: The sentence of the note if the raw value does not fit; otherwise "".
    problem: str = ""
    #: True if Insider must forget the attribute.
    clears: bool = False

    @property
    def outcome(self) -> Literal["filled", "unfit", "cleared", "nothing"]:
        if self.value is not None:
            return "filled"
        return "unfit" if self.problem else "cleared" if self.clears else "nothing"


class EventReading(NamedTuple):
    """The results of the rules of one user event."""

    mapping: EventMapping
    params: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UserReading:
    """The results of the rules of one user."""

    mapping: UserMapping
    #: The path to the person; None if the webhook has no person.
    person: Path | None
    #: ``refused``: no valid identifier; ``skipped``: the same, but optional; ``empty``: nothing to send; else ``sent``.
    fate: Literal["sent", "refused", "skipped", "empty"]
    identifiers: tuple[Reading, ...]
    #: If a user is skipped, `attributes` and `events` are empty.
    attributes: tuple[Reading, ...] = ()
    events: tuple[EventReading, ...] = ()
    refusal: Refusal | None = None

    @property
    def readings(self) -> Iterator[Reading]:
        """Yield all readings of the user, in the same order as the notes of the mapping."""
        yield from self.identifiers
        yield from self.attributes
        for event in self.events:
            yield from event.params


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """The results of all rules on one webhook."""

    mapping: TopicMapping
    mapped: Mapped
    users: tuple[UserReading, ...]
    #: The results of the notice's rules; empty if the topic has no notice.
    details: tuple[Reading, ...]


def explain(mapping: TopicMapping, body: Json, mapped: Mapped, options: Options) -> Explanation:
    """Return the result of each rule on a webhook; `mapped` is what the mapping returned for the same webhook."""
    refusals = (refusal for _, refusal in mapped.refused)
    details = mapping.notice.details if mapping.notice else ()
    return Explanation(
        mapping=mapping,
        mapped=mapped,
        users=tuple(_user(user, body, options, refusals) for user in mapping.users),
        details=tuple(_evaluate(rule, _Start((), body), options) for rule in details),
    )


def rule_text(rule: Rule) -> str:
    """Return a rule in the syntax of mapping files: ``{text: [new_tier.name, old_tier.name], absent: clear}``."""
    source = rule.source
    if source.type in IDENTITIES:
        return _paths_text(source.paths)
    if source.parts:
        parts = ", ".join(f"{part}: {_paths_text(paths)}" for part, paths in zip(PARTS, source.parts, strict=True))
        value = f"{{{parts}}}"
    else:
        value = _paths_text(source.paths) if source.paths else json.dumps(source.constant, ensure_ascii=False)
    clears = f", {source.clears_when}: {CLEAR}" if source.clears_when else ""
    return f"{{{source.type}: {value}{clears}}}"


def overridden_rules(rule: Rule) -> Iterator[Rule]:
    """Yield the rules that a rule overrides, starting with the one that it overrides directly."""
    below = rule.overrides
    while below:
        yield below
        below = below.overrides


def omissions(mappings: MappingSet, topic: str, overlay: str | None) -> tuple[Rule, ...]:
    """Return the ``omit`` rules of a topic. These rules remove rules of a group or of the shared mapping.

    Compiled mappings do not contain these rules, so this function parses the files again.
    """
    by_overlay = layers.read(mappings.files, Problems())
    shared, upper = by_overlay[layers.SHARED], by_overlay.get(overlay) if overlay else None
    groups = upper.groups_over(shared) if upper else shared.group_rules()
    return omitting_rules([layer.topics[topic] for layer in (shared, upper) if layer and topic in layer.topics], groups)


class _Start(NamedTuple):
    """The object where a rule's paths start, and the path from the top of the webhook to this object."""

    path: Path
    root: Json


def _user(user: UserMapping, body: Json, options: Options, refusals: Iterator[Refusal]) -> UserReading:
    top = _Start((), body)
    person_paths = user.person or ((),)
    person = next((path for path in person_paths if isinstance(at(body, path), dict)), None)
    # If there is no person, all paths that start at the person are absent.
    at_person = _Start(person_paths[0], {}) if person is None else _Start(person, at(body, person))

    def evaluate_all(rules: Iterable[Rule]) -> tuple[Reading, ...]:
        return tuple(_evaluate(rule, at_person if rule.from_person else top, options) for rule in rules)

    identifiers = evaluate_all(user.identifiers)
    is_identified = any(reading.value is not None for reading in identifiers)
    if not is_identified and user.optional:
        return UserReading(mapping=user, person=person, fate="skipped", identifiers=identifiers)
    attributes = evaluate_all(user.attributes)
    has_content = bool(user.events) or any(reading.clears or reading.value is not None for reading in attributes)
    return UserReading(
        mapping=user,
        person=person,
        fate="refused" if not is_identified else "sent" if has_content else "empty",
        identifiers=identifiers,
        attributes=attributes,
        events=tuple(EventReading(event, evaluate_all(event.params)) for event in user.events),
        refusal=None if is_identified else next(refusals, None),
    )


def _evaluate(rule: Rule, start: _Start, options: Options) -> Reading:
    """Return the result of one rule."""
    type_ = rule.source.type
    if type_ == ALWAYS:
        return Reading(rule=rule, value=rule.source.constant)
    if rule.source.parts:
        paths_of_parts = zip(PARTS, rule.source.parts, strict=True)
        parts = [_alternatives(start, paths, part) for part, paths in paths_of_parts]
        alternatives = [alternative for part in parts for alternative in part]
        year, month, day = map(_raw, parts)
        if month is None and day is None:
            return _nothing(rule, alternatives)
        return _converted(rule, alternatives, date_of_parts, Parts(year, month, day, options.standin_year))
    alternatives = _alternatives(start, rule.source.paths)
    raw = _raw(alternatives)
    if raw is None:
        return _nothing(rule, alternatives)
    if type_ in IDENTITIES:
        with_region = (raw, options.phone_region)
        return _converted(rule, alternatives, IDENTITIES[type_], with_region if type_ == "phone_number" else raw)
    return _converted(rule, alternatives, TYPES[type_].convert, raw)


def _alternatives(start: _Start, paths: Sequence[Path], part: str = "") -> list[Alternative]:
    """Return each path with the state and the raw value at this path."""
    alternatives: list[Alternative] = []
    for path in paths:
        raw = at(start.root, path)
        state: State = "value"
        if is_nothing(raw):
            state = "empty" if raw is not None else "null" if has(start.root, path) else "absent"
        counts = state == "value" and not any(earlier.counts for earlier in alternatives)
        alternatives.append(Alternative(part, (*start.path, *path), state, raw, counts))
    return alternatives


def _raw(alternatives: Sequence[Alternative]) -> object:
    """Return the raw value that counts. If no value counts, return the one of the last path: None or a blank text."""
    return next((alternative.raw for alternative in alternatives if alternative.counts), alternatives[-1].raw)


def _nothing(rule: Rule, alternatives: Sequence[Alternative]) -> Reading:
    """Return the result of a rule without a value: the rule clears the attribute or leaves the attribute out."""
    when = rule.source.clears_when
    clears = when == ABSENT or (when == EMPTY and any(alternative.state != "absent" for alternative in alternatives))
    return Reading(rule=rule, alternatives=tuple(alternatives), clears=clears)


def _converted(
    rule: Rule, alternatives: Sequence[Alternative], convert: Callable[[Any], Value | None], raw: object
) -> Reading:
    tried = tuple(alternatives)
    try:
        value = convert(raw)
    except UnfitError as unfit:
        return Reading(rule=rule, alternatives=tried, problem=left_out(rule.name, unfit, rule.place).problem)
    return _nothing(rule, tried) if value is None else Reading(rule=rule, alternatives=tried, value=value)


def _paths_text(paths: Sequence[Path]) -> str:
    texts = [".".join(path) for path in paths]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
