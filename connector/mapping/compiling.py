"""Turns the rules of a user into the source of one Python function, and compiles it.

A mapping runs for every webhook, so all that is known beforehand is decided here: which objects of the webhook are
read, once each, and which values need no conversion. A rule such as ``yotpo_point_balance: {number: points_balance}``
becomes::

    raw = person.get('points_balance')
    if raw is not None:
        if raw.__class__ is int and …:
            attributes['yotpo_point_balance'] = raw
        else:
            convert(become_number, raw, attributes, 'yotpo_point_balance', 'groups.yaml:13', notes)

Nothing of a mapping file becomes code: its names, paths and constants stand there as literals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from connector.mapping.identities import IDENTITIES
from connector.mapping.reading import at, has, has_index
from connector.mapping.rules import ABSENT, ALWAYS, TYPES
from connector.mapping.values import Parts, UnfitError, date_of_parts
from connector.model import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.mapping.parts import Path, Source
    from connector.model import Json, Options, Value

Lines = list[str]


class Rule(NamedTuple):
    """What fills one name, and where that stands."""

    name: str
    source: Source
    #: True where the paths start at the person, False where they start at the top of the webhook.
    from_person: bool
    #: ``groups.yaml:12``
    place: str

    @property
    def root(self) -> str:
        return "person" if self.from_person else "body"


class Filled(NamedTuple):
    """What the rules of one user yield."""

    identifiers: dict[str, str]
    attributes: dict[str, Value]
    #: Attributes whose absence means that they are over.
    cleared: tuple[str, ...]
    #: Of each user event.
    params: tuple[dict[str, Value], ...]


class Fill(Protocol):
    """A compiled user. It returns None where an optional user has no identifiers."""

    def __call__(self, body: Json, person: Json, options: Options, notes: list[Note]) -> Filled | None: ...


def fill(
    *, identifiers: Sequence[Rule], attributes: Sequence[Rule], params: Sequence[Sequence[Rule]], optional: bool
) -> Fill:
    """Compile the rules of a user."""
    text = "\n".join(_function(identifiers, attributes, params, optional=optional))
    namespace: dict[str, Any] = dict(_NAMESPACE)
    exec(compile(text, "<mapping>", "exec"), namespace)  # noqa: S102 - nothing of a file becomes code, see the top
    compiled: Fill = namespace["fill"]
    return compiled


def _function(
    identifiers: Sequence[Rule], attributes: Sequence[Rule], params: Sequence[Sequence[Rule]], *, optional: bool
) -> Lines:
    everything = [*identifiers, *attributes, *(rule for of_event in params for rule in of_event)]
    writer = _Writer()
    body = writer.objects(everything)
    body += ["identifiers = {}", *writer.rules("identifiers", identifiers)]
    if optional:
        body += _block("if not identifiers:", ["return None"])
    body += ["attributes = {}", "cleared = []", *writer.rules("attributes", attributes)]
    for number, of_event in enumerate(params):
        body += [f"params_{number} = {{}}", *writer.rules(f"params_{number}", of_event)]
    events = "".join(f"params_{number}, " for number in range(len(params)))
    body.append(f"return Filled(identifiers, attributes, tuple(cleared), ({events}))")
    return _block("def fill(body, person, options, notes):", body)


class _Writer:
    """Writes the lines, and remembers what the lines before have read and converted."""

    def __init__(self) -> None:
        #: The variables of the objects on the way to values.
        self._objects: dict[tuple[str, Path], str] = {}
        #: Where a source's value stands, once it has been converted: most params of a perk are attributes too.
        self._converted: dict[tuple[str, Source], tuple[str, str]] = {}

    def objects(self, rules: Iterable[Rule]) -> Lines:
        """Read each object that holds values into a variable; it is empty where there is none."""
        ways = {
            (rule.root, path[:length])
            for rule in rules
            for path in rule.source.all_paths
            if not has_index(path)
            for length in range(1, len(path))
        }
        lines: Lines = []
        for root, way in sorted(ways, key=lambda found: (len(found[1]), found)):
            name = self._objects[root, way] = f"object_{len(self._objects)}"
            lines.append(f"{name} = {self._raw(root, way)}")
            lines += _block(f"if {name}.__class__ is not dict:", [f"{name} = NOTHING"])
        return lines

    def rules(self, target: str, rules: Iterable[Rule]) -> Lines:
        return [line for rule in rules for line in self._rule(target, rule)]

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
        call = f"convert(become_{become}, {raw}, {target}, {rule.name!r}, {rule.place!r}, notes)"
        return _block(f"elif not {call}:", self._absent(rule))

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


def _put(  # noqa: PLR0917 - called a dozen times for every webhook, where keywords would cost more than they tell
    become: Callable[[Any], Value | None], raw: object, into: dict[str, Value], name: str, place: str, notes: list[Note]
) -> bool:
    """Put what a raw value becomes under a name; False where nothing is there.

    One that is unfit is left out and noted; it holds nothing else back.
    """
    try:
        value = become(raw)
    except UnfitError as unfit:
        notes.append(Note(name=name, problem=f"{unfit}, so it was left out.", rule=place))
        return True
    if value is None:
        return False
    into[name] = value
    return True


_NAMESPACE = {
    "NOTHING": {},
    "Filled": Filled,
    "Parts": Parts,
    "at": at,
    "has": has,
    "convert": _put,
    "become_date_of_parts": date_of_parts,
    **{f"become_{name}": type_.become for name, type_ in TYPES.items()},
    **{f"become_{name}": become for name, become in IDENTITIES.items()},
}
