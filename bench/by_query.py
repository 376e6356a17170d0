"""The rules of `bench/rules` with a library: jmespath or glom reads the paths, our own functions convert the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import glom  # type: ignore[import-untyped]  # it has no types
import jmespath

from connector.mapping.types.identities import IDENTITIES
from connector.mapping.types.lookup import is_nothing
from connector.mapping.types.rules import TYPES
from connector.mapping.types.values import Parts, UnfitError, date_of_parts
from connector.model import Mapped, Note, UserEvent, UserUpdate, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from connector.mapping.running.compiling import Rule
    from connector.mapping.running.topic import TopicMapping
    from connector.mapping.types.lookup import Path
    from connector.model import Json, Options, Value

    #: Returns the values of several sources of an object. For each source, the first path with a value counts.
    Read = Callable[[Json], Iterable[Any]]
    #: Compiles several sources into a function that reads them.
    Reader = Callable[[Sequence[tuple[Path, ...]]], Read]

_CONVERSIONS: dict[str, Callable[[Any], Value | None]] = {
    **{name: type_.convert for name, type_ in TYPES.items()},
    **IDENTITIES,
}


def with_jmespath(sources: Sequence[tuple[Path, ...]]) -> Read:
    """Return a function that reads with one compiled expression for each source.

    ``redemption_option.name || perk.redemption_option.name`` is such an expression.
    """
    compiled = [jmespath.compile(" || ".join(".".join(path) for path in paths)) for paths in sources]
    return lambda root: [expression.search(root) for expression in compiled]


def with_glom(sources: Sequence[tuple[Path, ...]]) -> Read:
    """Return a function that reads with one spec for all sources.

    The spec is ``{0: Coalesce(Path('perk', 'expired'), skip=…, default=None), …}``.
    """
    spec = {
        number: glom.Coalesce(*(glom.Path(*path) for path in paths), skip=is_nothing, default=None)
        for number, paths in enumerate(sources)
    }
    return lambda root: glom.glom(root, spec).values()


class ByQuery:
    """The mapping of a topic that has one user with one event; a library reads its paths."""

    def __init__(self, topic: TopicMapping, reader: Reader) -> None:
        (self._user,) = topic.users
        (event,) = self._user.events
        self._event = event.name
        self._identifiers = _Section(self._user.identifiers, reader)
        self._attributes = _Section(self._user.attributes, reader)
        self._params = _Section(event.params, reader)

    def __call__(self, body: Json, occurred_at: datetime, options: Options) -> Mapped:
        notes: list[Note] = []
        person = self._user.person_of(body) or {}
        identifiers = self._identifiers.fill(body, person, options, notes)
        if not identifiers:
            return Mapped(notes=tuple(notes))
        attributes = self._attributes.fill(body, person, options, notes)
        params = self._params.fill(body, person, options, notes)
        event = UserEvent(name=self._event, timestamp=times.rfc3339(occurred_at), params=params)
        update = UserUpdate(identifiers=identifiers, attributes=attributes, events=(event,))
        return Mapped(updates=(update,), notes=tuple(notes))


class _Section:
    """The rules for identifiers, attributes or params."""

    def __init__(self, rules: Sequence[Rule], reader: Reader) -> None:
        self._rules = rules
        self._read_body, self._read_person = (
            reader([paths for rule in rules if rule.from_person is from_person for paths in _sources(rule)])
            for from_person in (False, True)
        )

    def fill(self, body: Json, person: Json, options: Options, notes: list[Note]) -> dict[str, Any]:
        """Return the values by name; add a note for each value that does not fit."""
        raws_of_body, raws_of_person = iter(self._read_body(body)), iter(self._read_person(person))
        filled: dict[str, Any] = {}
        for rule in self._rules:
            raws = raws_of_person if rule.from_person else raws_of_body
            try:
                value = _value(rule, next(raws), raws, options)
            except UnfitError as unfit:
                notes.append(Note(name=rule.name, problem=f"{unfit}, so it was left out.", rule=rule.place))
            else:
                if value is not None:
                    filled[rule.name] = value
        return filled


def _sources(rule: Rule) -> tuple[tuple[Path, ...], ...]:
    return rule.source.parts or (rule.source.paths,)


def _value(rule: Rule, raw: Any, next_raws: Iterable[Any], options: Options) -> Value | None:
    """Return the converted value.

    If the source is a date in three parts, `raw` is the year, and `next_raws` yields the month and the day.
    """
    if rule.source.parts:
        month, day = next(iter(next_raws)), next(iter(next_raws))
        return date_of_parts(Parts(raw, month, day, options.standin_year))
    return None if raw is None else _CONVERSIONS[rule.source.type](raw)
