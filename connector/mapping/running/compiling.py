"""Turns the rules of a user into the source of one Python function, and compiles it.

A mapping runs for every webhook, so everything that does not depend on the webhook is decided here: which objects of
the webhook are read (each once), which rules can be skipped if an object is missing, and which values need no
conversion. The rules ``yotpo_event_reward_point: {number: perk.reward_points}`` and ``yotpo_completed_at: {datetime:
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
                value = convert_number(raw)
                if value is not None:
                    params_0['yotpo_event_reward_point'] = value
            except UnfitError as unfit:
                notes.append(left_out('yotpo_event_reward_point', unfit, 'groups.yaml:70'))
        raw = object_3.get('completed_at')
        if raw is None:
            pass
        else:
            try:
                value = convert_datetime(raw)
                …

No text of a mapping file becomes code: its names, paths and constants are literals in the source.
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
    """The rule that fills one name, and its place in a file."""

    name: str
    source: Source
    #: True if the paths start at the person, False if they start at the top of the webhook.
    from_person: bool
    #: ``groups.yaml:12``
    place: str
    #: The group that the rule comes from; None if it is in the file of a topic.
    group: str | None = None
    #: The rule with the same name that this rule overrides: a group's rule, or a rule of the layer below.
    overrides: Rule | None = None

    @property
    def root(self) -> str:
        """The variable of the compiled function where the paths start."""
        return "person" if self.from_person else "body"


class Fill(Protocol):
    """The compiled function of a user. It adds to `notes`, and returns None if an optional user has no identifiers."""

    def __call__(self, body: Json, timestamp: str, options: Options, notes: list[Note]) -> UserUpdate | None: ...


def fill(
    *,
    person: tuple[Path, ...] = (),
    identifiers: Sequence[Rule] = (),
    attributes: Sequence[Rule],
    events: Sequence[tuple[str, Sequence[Rule]]] = (),
    optional: bool = False,
) -> Fill:
    """Compile the rules of a user.

    `person` has the paths to the person; `events` has the name of each user event with the rules of its params.
    """
    text = "\n".join(_function(person, identifiers, attributes, events, optional=optional))
    namespace: dict[str, Any] = dict(_NAMESPACE)
    exec(compile(text, "<mapping>", "exec"), namespace)  # noqa: S102 - no text of a file becomes code, see the top
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
    rules = [*identifiers, *attributes, *(rule for _, params in events for rule in params)]
    clears = any(rule.source.clears_when for rule in attributes)
    writer = _Writer()
    body = [*writer.person(person, rules), *writer.objects("person", rules)]
    body += ["identifiers = {}", *writer.rules("identifiers", identifiers)]
    if optional:
        body += _block("if not identifiers:", ["return None"])
    body += ["attributes = {}", *(["cleared = []"] if clears else []), *writer.rules("attributes", attributes)]
    for number, (_, params) in enumerate(events):
        body += [f"params_{number} = {{}}", *writer.rules(f"params_{number}", params)]
    user_events = "".join(
        f"UserEvent({name!r}, timestamp, params_{number}), " for number, (name, _) in enumerate(events)
    )
    # Positional arguments cost a quarter less than keyword arguments.
    body.append(f"return UserUpdate(identifiers, attributes, ({user_events}), {'tuple(cleared)' if clears else '()'})")
    return _block("def fill(body, timestamp, options, notes):", body)


class _Writer:
    """Writes the lines of the function, and remembers which values the earlier lines have read and converted."""

    def __init__(self) -> None:
        #: For the root and path of each object that contains values: the variable that has the object.
        self._objects: dict[tuple[str, Path], str] = {}
        #: For each root and source: the target and name to which the function first writes the converted value. Most
        #: params of a perk are also attributes, so such a value is converted only once.
        self._converted: dict[tuple[str, Source], tuple[str, str]] = {}

    def person(self, paths: Sequence[Path], rules: Iterable[Rule]) -> Lines:
        """Read the objects of the webhook, and the person, which is one of them."""
        lines = self.objects("body", rules, paths)
        if not paths:
            return [*lines, "person = body"]
        persons = [self._objects.get(("body", path), f"object_at(body, {path!r})") for path in paths]
        lines.append(f"person = {persons[0]}")
        for person in persons[1:]:
            lines += _block("if person is NOTHING:", [f"person = {person}"])
        return lines

    def objects(self, root: str, rules: Iterable[Rule], persons: Iterable[Path] = ()) -> Lines:
        """Read each object that contains values into a variable. The variable is NOTHING if there is no such object."""
        paths = [path for rule in rules if rule.root == root for path in rule.source.all_paths]
        holders = {path[:length] for path in paths if not has_index(path) for length in range(1, len(path))}
        holders |= {path[:length] for path in persons if not has_index(path) for length in range(1, len(path) + 1)}
        lines: Lines = []
        for path in sorted(holders, key=lambda path: (len(path), path)):
            value = f"{self._object(root, path)}[{path[-1]!r}]"
            name = self._objects[root, path] = f"object_{len(self._objects)}"
            condition = f"{path[-1]!r} in {self._object(root, path)} and {value}.__class__ is dict"
            lines.append(f"{name} = {value} if {condition} else NOTHING")
        return lines

    def rules(self, target: str, rules: Iterable[Rule]) -> Lines:
        """Fill the names of the rules.

        Neighbouring rules that read the same objects are skipped together if none of these objects exists.
        """
        lines: Lines = []
        for holders, neighbours in groupby(rules, self._holders):
            inner = [line for rule in neighbours for line in self._rule(target, rule)]
            lines += _block(f"if {' or '.join(holders)}:", inner) if holders else inner
        return lines

    def _holders(self, rule: Rule) -> Sequence[str]:
        """Return the objects that a rule reads. The rule is skipped if all of them are missing.

        An empty list means that the rule must always run.
        """
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
        first = self._converted.setdefault((rule.root, source), (target, rule.name))
        if first == (target, rule.name) or unchanged or source.clears_when:
            return lines
        first_target, name = first
        copied = _block(f"if {name!r} in {first_target}:", [f"{here} = {first_target}[{name!r}]"])
        return [*copied, *_block("else:", lines)]

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
        """Read the first path that has a value into a variable."""
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
        """Return the variable of the object that contains the path's last step."""
        return self._objects.get((root, path[:-1]), root)

    def _convert(self, type_: str, raw: str, target: str, rule: Rule) -> Lines:
        lines = [f"value = convert_{type_}({raw})"]
        lines += _block("if value is not None:", [f"{target}[{rule.name!r}] = value"])
        if rule.source.clears_when:
            lines += _block("else:", self._absent(rule))
        noted = f"notes.append(left_out({rule.name!r}, unfit, {rule.place!r}))"
        return _block("else:", [*_block("try:", lines), *_block("except UnfitError as unfit:", [noted])])

    def _absent(self, rule: Rule) -> Lines:
        """Handle a name that has no value: clear it at Insider, or do nothing."""
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
    """Return the note for a value that could not be converted. Only this value is left out."""
    return Note(name=name, problem=f"{unfit}, so it was left out.", rule=place)


def _object_at(root: Json, path: Path) -> Json:
    """Return the object at a path that goes through a list; NOTHING if there is no object."""
    value = at(root, path)
    return value if isinstance(value, dict) else _NOTHING


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
    "convert_date_of_parts": date_of_parts,
    **{f"convert_{name}": type_.convert for name, type_ in TYPES.items()},
    **{f"convert_{name}": convert for name, convert in IDENTITIES.items()},
}
