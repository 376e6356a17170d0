"""Explains what a mapping makes of a webhook: of each rule, what it found, what it passed over, what it made of it.

A second reader of the rules beside `compiling`, whose code is fast and remembers nothing; a test holds the two equal.
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

#: In the order of `Source.parts`.
PARTS = ("year", "month", "day")

#: What may stand at a path.
State: TypeAlias = Literal["absent", "null", "empty", "value"]


class Alternative(NamedTuple):
    """One of a rule's paths, and what stands there."""

    #: ``year``, ``month`` or ``day`` of a date of parts; else empty.
    part: str
    #: From the top of the webhook.
    path: Path
    state: State
    #: What stands there.
    raw: object
    #: True of the first with a value.
    counts: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What became of one rule."""

    rule: Rule
    alternatives: tuple[Alternative, ...] = ()
    #: What Insider gets. None: nothing.
    value: Value | None = None
    #: Where what was found is unfit: the sentence that is noted.
    problem: str = ""
    #: True where Insider is to forget the attribute.
    clears: bool = False

    @property
    def outcome(self) -> Literal["filled", "unfit", "cleared", "nothing"]:
        if self.value is not None:
            return "filled"
        return "unfit" if self.problem else "cleared" if self.clears else "nothing"


class EventReading(NamedTuple):
    """What became of one user event."""

    mapping: EventMapping
    params: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UserReading:
    """What became of one user."""

    mapping: UserMapping
    #: Where the person was found; None where there is none.
    person: Path | None
    #: ``sent``; ``refused``; ``skipped``, an optional user without identifiers; ``empty``, nothing is told of the user.
    fate: Literal["sent", "refused", "skipped", "empty"]
    identifiers: tuple[Reading, ...]
    #: Nothing more is read of a user who is skipped.
    attributes: tuple[Reading, ...] = ()
    events: tuple[EventReading, ...] = ()
    refusal: Refusal | None = None

    @property
    def readings(self) -> Iterator[Reading]:
        """Yield all of them, in the order in which they are noted."""
        yield from self.identifiers
        yield from self.attributes
        for event in self.events:
            yield from event.params


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """What became of a webhook."""

    mapping: TopicMapping
    mapped: Mapped
    users: tuple[UserReading, ...]
    #: Of a notice.
    details: tuple[Reading, ...]


def explain(mapping: TopicMapping, body: Json, mapped: Mapped, options: Options) -> Explanation:
    """Say of each rule what it does with a webhook; `mapped` is what the mapping has made of it."""
    refusals = (refusal for _, refusal in mapped.refused)
    details = mapping.notice.details if mapping.notice else ()
    return Explanation(
        mapping=mapping,
        mapped=mapped,
        users=tuple(_user(user, body, options, refusals) for user in mapping.users),
        details=tuple(_read(rule, _Start((), body), options) for rule in details),
    )


def written(rule: Rule) -> str:
    """Write a rule as it may stand in a file: ``{text: [new_tier.name, old_tier.name], absent: clear}``."""
    source = rule.source
    if source.type in IDENTITIES:
        return _list(source.paths)
    if source.parts:
        told = ", ".join(f"{part}: {_list(paths)}" for part, paths in zip(PARTS, source.parts, strict=True))
        told = f"{{{told}}}"
    else:
        told = _list(source.paths) if source.paths else json.dumps(source.constant, ensure_ascii=False)
    clears = f", {source.clears_when}: {CLEAR}" if source.clears_when else ""
    return f"{{{source.type}: {told}{clears}}}"


def overridden(rule: Rule) -> Iterator[Rule]:
    """Yield the rules that a rule overrides, the nearest first."""
    below = rule.overrides
    while below:
        yield below
        below = below.overrides


def omissions(mappings: MappingSet, topic: str, overlay: str | None) -> tuple[Rule, ...]:
    """Return the rules of a topic that take away what a group, or the shared mapping, brings. Reads the files anew."""
    read = layers.read(mappings.files, Problems())
    shared, over = read[layers.SHARED], read.get(overlay) if overlay else None
    groups = over.groups_over(shared) if over else shared.group_rules()
    return omitting_rules([layer.topics[topic] for layer in (shared, over) if layer and topic in layer.topics], groups)


class _Start(NamedTuple):
    """Where a rule's paths start: the way there from the top of the webhook, and the object."""

    path: Path
    holder: Json


def _user(user: UserMapping, body: Json, options: Options, refusals: Iterator[Refusal]) -> UserReading:
    top = _Start((), body)
    places = user.person or ((),)
    person = next((path for path in places if isinstance(at(body, path), dict)), None)
    # Where there is no person, nothing stands at the person's paths.
    at_person = _Start(places[0], {}) if person is None else _Start(person, at(body, person))

    def read_all(rules: Iterable[Rule]) -> tuple[Reading, ...]:
        return tuple(_read(rule, at_person if rule.from_person else top, options) for rule in rules)

    identifiers = read_all(user.identifiers)
    is_known = any(reading.value is not None for reading in identifiers)
    if not is_known and user.optional:
        return UserReading(mapping=user, person=person, fate="skipped", identifiers=identifiers)
    attributes = read_all(user.attributes)
    is_told = bool(user.events) or any(reading.clears or reading.value is not None for reading in attributes)
    return UserReading(
        mapping=user,
        person=person,
        fate="refused" if not is_known else "sent" if is_told else "empty",
        identifiers=identifiers,
        attributes=attributes,
        events=tuple(EventReading(event, read_all(event.params)) for event in user.events),
        refusal=None if is_known else next(refusals, None),
    )


def _read(rule: Rule, start: _Start, options: Options) -> Reading:
    """Follow one rule."""
    type_ = rule.source.type
    if type_ == ALWAYS:
        return Reading(rule=rule, value=rule.source.constant)
    if rule.source.parts:
        named = zip(PARTS, rule.source.parts, strict=True)
        parts = [_alternatives(start, paths, part) for part, paths in named]
        alternatives = [one for part in parts for one in part]
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
    """Look at each path."""
    found: list[Alternative] = []
    for path in paths:
        raw = at(start.holder, path)
        state: State = "value"
        if is_nothing(raw):
            state = "empty" if raw is not None else "null" if has(start.holder, path) else "absent"
        counts = state == "value" and not any(one.counts for one in found)
        found.append(Alternative(part, (*start.path, *path), state, raw, counts))
    return found


def _raw(alternatives: Sequence[Alternative]) -> object:
    """Return what the paths lead to: where none holds anything, the last one's nothing."""
    return next((one.raw for one in alternatives if one.counts), alternatives[-1].raw)


def _nothing(rule: Rule, alternatives: Sequence[Alternative]) -> Reading:
    when = rule.source.clears_when
    clears = when == ABSENT or (when == EMPTY and any(one.state != "absent" for one in alternatives))
    return Reading(rule=rule, alternatives=tuple(alternatives), clears=clears)


def _converted(
    rule: Rule, alternatives: Sequence[Alternative], become: Callable[[Any], Value | None], raw: object
) -> Reading:
    found = tuple(alternatives)
    try:
        value = become(raw)
    except UnfitError as unfit:
        return Reading(rule=rule, alternatives=found, problem=left_out(rule.name, unfit, rule.place).problem)
    return _nothing(rule, found) if value is None else Reading(rule=rule, alternatives=found, value=value)


def _list(paths: Sequence[Path]) -> str:
    told = [".".join(path) for path in paths]
    return told[0] if len(told) == 1 else f"[{', '.join(told)}]"
