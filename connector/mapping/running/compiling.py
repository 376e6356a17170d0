"""Turns the rules of a user into the source of one Python function, and compiles it.

A mapping runs for every webhook, so all that is known beforehand is decided here: which objects of the webhook are
read, once each; which rules have nothing to read where an object is missing; and which values need no conversion. The
rules ``yotpo_event_reward_point: {number: perk.reward_points}`` and ``yotpo_completed_at: {datetime:
perk.completed_at}`` become::

    object_3 = body['perk'] if 'perk' in body and body['perk'].__class__ is dict else NOTHING
    …
    if object_3:
        raw = object_3.get('reward_points')
        if raw is None:
            pass
        elif raw.__class__ is int and …:
            params_0['yotpo_event_reward_point'] = raw
        else:
            try:
                value = become_number(raw)
                if value is not None:
                    params_0['yotpo_event_reward_point'] = value
            except UnfitError as unfit:
                notes.append(left_out('yotpo_event_reward_point', unfit, 'groups.yaml:70'))
        raw = object_3.get('completed_at')
        if raw is None:
            pass
        else:
            try:
                value = become_datetime(raw)
                …

Nothing of a mapping file becomes code: its names, paths and constants stand there as literals.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from connector.mapping.types.identities import IDENTITIES
from connector.mapping.types.lookup import at, has, has_index
from connector.mapping.types.rules import ABSENT, ALWAYS, TYPES
from connector.mapping.types.values import Parts, UnfitError, date_of_parts
from connector.model import Note, UserEvent, UserUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.mapping.grammar.parts import Source
    from connector.mapping.types.lookup import Path
    from connector.model import Json, Options

Lines = list[str]


class Rule(NamedTuple):
    """What fills one name, and where that stands."""

    name: str
    source: Source
    #: True where the paths start at the person, False where they start at the top of the webhook.
    from_person: bool
    #: ``groups.yaml:12``
    place: str
    #: The group that brings it; None where the file of a topic holds it.
    group: str | None = None
    #: The rule of the same name that it overrides: a group's, or one of the layer below.
    overrides: Rule | None = None

    @property
    def root(self) -> str:
        return "person" if self.from_person else "body"


class Fill(Protocol):
    """A compiled user. It returns None where an optional user has no identifiers."""

    def __call__(self, body: Json, timestamp: str, options: Options, notes: list[Note]) -> UserUpdate | None: ...


def fill(
    *,
    person: tuple[Path, ...] = (),
    identifiers: Sequence[Rule] = (),
    attributes: Sequence[Rule],
    events: Sequence[tuple[str, Sequence[Rule]]] = (),
    optional: bool = False,
) -> Fill:
    """Compile the rules of a user: the paths to the person, and what fills the update; events come with their names."""
    text = "\n".join(_function(person, identifiers, attributes, events, optional=optional))
    namespace: dict[str, Any] = dict(_NAMESPACE)
    exec(compile(text, "<mapping>", "exec"), namespace)  # noqa: S102 - nothing of a file becomes code, see the top
    compiled: Fill = namespace["fill"]
    return compiled


def _function(
    person: tuple[Path, ...],
    identifiers: Sequence[Rule],
    attributes: Sequence[Rule],
    events: Sequence[tuple[str, Sequence[Rule]]],
    *,
    optional: bool,
) -> Lines:
    everything = [*identifiers, *attributes, *(rule for _, params in events for rule in params)]
    clears = any(rule.source.clears_when for rule in attributes)
    writer = _Writer()
    body = [*writer.person(person, everything), *writer.objects("person", everything)]
    body += ["identifiers = {}", *writer.rules("identifiers", identifiers)]
    if optional:
        body += _block("if not identifiers:", ["return None"])
    body += ["attributes = {}", *(["cleared = []"] if clears else []), *writer.rules("attributes", attributes)]
    for number, (_, params) in enumerate(events):
        body += [f"params_{number} = {{}}", *writer.rules(f"params_{number}", params)]
    told = "".join(f"UserEvent({name!r}, timestamp, params_{number}), " for number, (name, _) in enumerate(events))
    # By position, which costs a quarter less than by names.
    body.append(f"return UserUpdate(identifiers, attributes, ({told}), {'tuple(cleared)' if clears else '()'})")
    return _block("def fill(body, timestamp, options, notes):", body)


class _Writer:
    """Writes the lines, and remembers what the lines before have read and converted."""

    def __init__(self) -> None:
        #: The variables of the objects on the way to values.
        self._objects: dict[tuple[str, Path], str] = {}
        #: Where a source's value stands, once it has been converted: most params of a perk are attributes too.
        self._converted: dict[tuple[str, Source], tuple[str, str]] = {}

    def person(self, paths: Sequence[Path], rules: Iterable[Rule]) -> Lines:
        """Read the objects that are held by the webhook, of which one is the person."""
        lines = self.objects("body", rules, paths)
        if not paths:
            return [*lines, "person = body"]
        persons = [self._objects.get(("body", path), f"object_at(body, {path!r})") for path in paths]
        lines.append(f"person = {persons[0]}")
        for person in persons[1:]:
            lines += _block("if person is NOTHING:", [f"person = {person}"])
        return lines

    def objects(self, root: str, rules: Iterable[Rule], ways: Iterable[Path] = ()) -> Lines:
        """Read each object that holds values into a variable; it is NOTHING where there is none."""
        paths = [path for rule in rules if rule.root == root for path in rule.source.all_paths]
        holders = {path[:length] for path in paths if not has_index(path) for length in range(1, len(path))}
        holders |= {way[:length] for way in ways if not has_index(way) for length in range(1, len(way) + 1)}
        lines: Lines = []
        for way in sorted(holders, key=lambda way: (len(way), way)):
            found = f"{self._object(root, way)}[{way[-1]!r}]"
            name = self._objects[root, way] = f"object_{len(self._objects)}"
            there = f"{way[-1]!r} in {self._object(root, way)} and {found}.__class__ is dict"
            lines.append(f"{name} = {found} if {there} else NOTHING")
        return lines

    def rules(self, target: str, rules: Iterable[Rule]) -> Lines:
        """Fill what the rules name; those in a row that read the same objects are passed over where there are none."""
        lines: Lines = []
        for holders, row in groupby(rules, self._holders):
            written = [line for rule in row for line in self._rule(target, rule)]
            lines += _block(f"if {' or '.join(holders)}:", written) if holders else written
        return lines

    def _holders(self, rule: Rule) -> Sequence[str]:
        """Return the objects without which a rule does nothing; none where it does something in any case."""
        paths = tuple(rule.source.all_paths)
        holders = {self._object(rule.root, path) for path in paths}
        if "body" in holders or rule.source.clears_when or any(map(has_index, paths)):
            return []
        return sorted(holders)

    def _rule(self, target: str, rule: Rule) -> Lines:
        source, here = rule.source, f"{target}[{rule.name!r}]"
        if source.type == ALWAYS:
            return [f"{here} = {source.constant!r}"]
        unchanged = TYPES[source.type].unchanged if source.type in TYPES else ""
        lines = self._date_of_parts(target, rule) if source.parts else self._single(target, rule, unchanged)
        before = self._converted.setdefault((rule.root, source), (target, rule.name))
        if before == (target, rule.name) or unchanged or source.clears_when:
            return lines
        there, name = before
        taken_over = _block(f"if {name!r} in {there}:", [f"{here} = {there}[{name!r}]"])
        return [*taken_over, *_block("else:", lines)]

    def _single(self, target: str, rule: Rule, unchanged: str) -> Lines:
        lines = self._reading("raw", rule.root, rule.source.paths)
        lines += _block("if raw is None:", self._absent(rule))
        if unchanged:
            lines += _block(f"elif {unchanged}:", [f"{target}[{rule.name!r}] = raw"])
        with_region = rule.source.type == "phone_number"
        return lines + self._convert(
            rule.source.type, "(raw, options.phone_region)" if with_region else "raw", target, rule
        )

    def _date_of_parts(self, target: str, rule: Rule) -> Lines:
        lines: Lines = []
        for name, paths in zip(("year", "month", "day"), rule.source.parts, strict=True):
            lines += self._reading(name, rule.root, paths)
        lines += _block("if month is None and day is None:", self._absent(rule))
        return lines + self._convert("date_of_parts", "Parts(year, month, day, options.standin_year)", target, rule)

    def _reading(self, variable: str, root: str, paths: Sequence[Path]) -> Lines:
        """Read the first path that holds something."""
        first, *others = paths
        lines = [f"{variable} = {self._raw(root, first)}"]
        if others:
            nothing = f"{variable} is None or ({variable}.__class__ is str and not {variable}.strip())"
            lines += _block(f"if {nothing}:", self._reading(variable, root, others))
        return lines

    def _raw(self, root: str, path: Path) -> str:
        if has_index(path):
            return f"at({root}, {path!r})"
        return f"{self._object(root, path)}.get({path[-1]!r})"

    def _object(self, root: str, path: Path) -> str:
        """Return the variable of the object that holds the last step."""
        return self._objects.get((root, path[:-1]), root)

    def _convert(self, become: str, raw: str, target: str, rule: Rule) -> Lines:
        lines = [f"value = become_{become}({raw})"]
        lines += _block("if value is not None:", [f"{target}[{rule.name!r}] = value"])
        if rule.source.clears_when:
            lines += _block("else:", self._absent(rule))
        noted = f"notes.append(left_out({rule.name!r}, unfit, {rule.place!r}))"
        return _block("else:", [*_block("try:", lines), *_block("except UnfitError as unfit:", [noted])])

    def _absent(self, rule: Rule) -> Lines:
        """Say what becomes of a name for which nothing is there."""
        if not rule.source.clears_when:
            return ["pass"]
        clear = f"cleared.append({rule.name!r})"
        if rule.source.clears_when == ABSENT:
            return [clear]
        return _block(f"if {' or '.join(self._has(rule.root, path) for path in rule.source.all_paths)}:", [clear])

    def _has(self, root: str, path: Path) -> str:
        return f"has({root}, {path!r})" if has_index(path) else f"{path[-1]!r} in {self._object(root, path)}"


def _block(head: str, lines: Lines) -> Lines:
    return [head, *("    " + line for line in lines)]


def left_out(name: str, unfit: UnfitError, place: str) -> Note:
    """Note a value that is unfit; it holds nothing else back."""
    return Note(name=name, problem=f"{unfit}, so it was left out.", rule=place)


def _object_at(root: Json, path: Path) -> Json:
    """Return the object at a path that picks from a list; NOTHING where there is none."""
    found = at(root, path)
    return found if isinstance(found, dict) else _NOTHING


_NOTHING: Json = {}
_NAMESPACE = {
    "NOTHING": _NOTHING,
    "UserEvent": UserEvent,
    "UserUpdate": UserUpdate,
    "Parts": Parts,
    "at": at,
    "has": has,
    "object_at": _object_at,
    "UnfitError": UnfitError,
    "left_out": left_out,
    "become_date_of_parts": date_of_parts,
    **{f"become_{name}": type_.convert for name, type_ in TYPES.items()},
    **{f"become_{name}": become for name, become in IDENTITIES.items()},
}
