"""Holds the rules of mapping files against the examples: paths that lead nowhere, never count, or do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.checking import alternatives
from connector.mapping.checking.alternatives import Alternatives
from connector.mapping.checking.evidence import evidence, first_value
from connector.mapping.grammar.paths import closest
from connector.mapping.reading.problems import suggestion
from connector.mapping.types.identities import IDENTITIES
from connector.mapping.types.lookup import at, has, is_nothing
from connector.mapping.types.rules import TYPES
from connector.mapping.types.values import Parts, UnfitError, date_of_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from connector.mapping.checking.evidence import Evidence, Held, Taker, Use
    from connector.mapping.grammar.parts import Source, TopicPart
    from connector.mapping.loading.layers import Layer
    from connector.mapping.loading.loader import Checked
    from connector.mapping.reading.documents import Document, Steps
    from connector.mapping.types.lookup import Path
    from connector.model import Json

#: By section of a group.
_TAKERS: dict[str, Taker] = {"identifiers": "users", "attributes": "users", "params": "events"}
#: The types that a value may fit instead, the most telling first.
_TELLING = ("number", "boolean", "link", "money", "date", "datetime", "list", "text")
#: A date is written with so many characters, a moment with more.
_DATE_LENGTH = 10


class _Roots(NamedTuple):
    """Where the paths of a rule start."""

    held: Sequence[Held]
    #: Whose examples these are, as a part of a sentence: ``of swell/tier/earned``.
    whose: str

    @property
    def objects(self) -> Iterator[Json]:
        return (root for held in self.held for root in held.objects)


def check(found: Checked, webhooks: Mapping[str | None, Mapping[str, Sequence[Json]]]) -> None:
    """Check the shared files and each overlay; `webhooks` are the examples by overlay, None for none, and topic."""
    shared = webhooks.get(None, {})
    everything = [found.shared, *found.overlays.values()]
    _check_layer(found.shared, [found.shared], everything, evidence(shared))
    for name, overlay in found.overlays.items():
        stack = [found.shared, overlay]
        _check_layer(overlay, stack, stack, evidence(shared, webhooks.get(name, {})))


def _check_layer(layer: Layer, stack: Sequence[Layer], users: Sequence[Layer], examples: Evidence) -> None:
    """Check what stands in the files of one layer; `users` are the layers that may include its groups."""
    for topic, (document, part) in layer.topics.items():
        if not examples.of(topic).objects:
            sentence = f"there is no example of {topic}; add examples/{topic.replace('/', '.')}/documented.json"
            document.problem(("topic",), "topic-without-example", sentence, of_value=True)
            continue
        _check_topic(document, topic, part, examples)
    if layer.groups_document:
        uses, running = examples.uses(stack), examples.uses(users)
        for name, group in layer.groups.items():
            for section, taker in _TAKERS.items():
                roots = _roots_of(uses.get((name, taker), ()), name, from_person=group.from_person)
                for rule, source in getattr(group, section).items():
                    steps = (name, section, rule)
                    if not _never_runs(layer.groups_document, steps, running.get((name, taker), ())):
                        _check_rule(layer.groups_document, steps, source, roots)


def _check_topic(document: Document, topic: str, part: TopicPart, examples: Evidence) -> None:
    roots = _Roots([examples.of(topic)], f"of {topic}")
    for index, user in enumerate(part.users):
        here: Steps = ("users", index)
        _check_person(Alternatives(document, (*here, "person"), user.person), roots)
        sections: list[tuple[Steps, Mapping[str, Source]]] = [
            ((*here, "identifiers"), user.identifiers),
            ((*here, "attributes"), user.attributes),
            *(((*here, "events", number, "params"), event.params) for number, event in enumerate(user.events)),
        ]
        for steps, rules in sections:
            for name, source in rules.items():
                _check_rule(document, (*steps, name), source, roots)
    if part.notice:
        for name, source in part.notice.details.items():
            _check_rule(document, ("notice", "details", name), source, roots)


def _roots_of(uses: Sequence[Use], group: str, *, from_person: bool) -> _Roots:
    held = {use.topic: use.persons if from_person else use.webhooks for use in uses}
    topics = [topic for topic, each in held.items() if each.objects]
    whose = f"of {topics[0]}" if len(topics) == 1 else f"of the {len(topics)} topics that include {group!r}"
    # A topic may include a group for several persons.
    return _Roots([use.persons if from_person else use.webhooks for use in uses], whose)


def _never_runs(document: Document, steps: Steps, uses: Sequence[Use]) -> bool:
    group, _, name = steps
    if not uses or any(name not in use.own for use in uses):
        return False
    sentence = f"every mapping that includes {group!r} has a rule of its own for {name!r}; take this one away"
    document.problem(steps, "rule-never-runs", sentence)
    return True


def _check_person(person: Alternatives, roots: _Roots) -> None:
    known = {path for held in roots.held for path in held.paths if held.holds_object(path)}
    for index, path in enumerate(person.paths):
        if path not in known and not person.is_told(index):
            sentence = f"no example {roots.whose} holds a person under {'.'.join(path)!r}{closest(path, known)}"
            person.problem(index, "unknown-person", f"{sentence}; correct it, or add one that does")
    _check_order(person, roots, lambda root, path: isinstance(at(root, path), dict))


def _check_rule(document: Document, steps: Steps, source: Source, roots: _Roots) -> None:
    lists = list(alternatives.of_rule(document, steps, source))
    if not lists or not any(roots.objects):
        return
    unknown = [_check_known(each, roots) for each in lists]
    if any(unknown):
        return
    for each in lists:
        _check_order(each, roots, lambda root, path: not is_nothing(at(root, path)))
    _check_fit(lists[0], source, roots)


def _check_known(tried: Alternatives, roots: _Roots) -> bool:
    """Tell each path that no example holds; return whether there was one."""
    known = [held.paths for held in roots.held]
    unknown = [index for index, path in enumerate(tried.paths) if not any(path in paths for paths in known)]
    for index in unknown:
        path = tried.paths[index]
        if tried.is_told(index):
            continue
        sentence = f"no example {roots.whose} holds {'.'.join(path)!r}{closest(path, set().union(*known))}"
        tried.problem(index, "unknown-path", f"{sentence}; correct it, or add one that does")
    return bool(unknown)


def _check_order(tried: Alternatives, roots: _Roots, counts: Callable[[Json, Path], bool]) -> None:
    """Tell each path before which, wherever an example holds it, another one counts."""
    paths = tried.paths
    for index in range(1, len(paths)):
        if tried.is_told(index):
            continue
        holding = [root for root in roots.objects if has(root, paths[index])]
        if holding and all(any(counts(root, before) for before in paths[:index]) for root in holding):
            sentence = f"in each example {roots.whose} that holds {'.'.join(paths[index])!r}, a path before it counts"
            remedy = "take it away, or add the example for which it is meant"
            tried.problem(index, "path-never-counts", f"{sentence}; {remedy}")


def _check_fit(first: Alternatives, source: Source, roots: _Roots) -> None:
    """Tell a rule for which no value of the examples is fit."""
    become = _become(source)
    raws = [raw for root in roots.objects if (raw := _raw(source, root)) is not None]
    problems = [_unfit(become, raw) for raw in raws]
    if not problems or not all(problems) or any(map(first.is_told, range(len(first.paths)))):
        return
    shown = ", ".join(repr(".".join(path)) for path in first.paths)
    sentence = f"{shown} is never fit for {source.type!r} in the examples {roots.whose}: {problems[0].lower()}"
    fitting = (type_ for type_ in _telling(raws) if not any(_unfit(TYPES[type_].convert, raw) for raw in raws))
    instead = next(fitting, "") if source.type in TYPES else ""
    first.document.problem(
        first.steps, "misfit", sentence + (suggestion(instead) if instead else "; name another path")
    )


def _become(source: Source) -> Callable[[Any], object]:
    if source.parts:
        return date_of_parts
    if source.type == "phone_number":  # fit with one region or another
        return lambda _: None
    return TYPES[source.type].convert if source.type in TYPES else IDENTITIES[source.type]


def _raw(source: Source, root: Json) -> object:
    if not source.parts:
        return first_value(root, source.paths)
    year, month, day = (first_value(root, paths) for paths in source.parts)
    return None if month is None and day is None else Parts(year, month, day, None)


def _unfit(become: Callable[[Any], object], raw: object) -> str:
    """Return why a value is unfit; nothing where it is fit."""
    try:
        become(raw)
    except UnfitError as unfit:
        return str(unfit)
    return ""


def _telling(raws: Sequence[object]) -> Sequence[str]:
    if any(isinstance(raw, Parts) for raw in raws):
        return ()
    types = [type_ for type_ in _TELLING if type_ != "list" or all(isinstance(raw, list) for raw in raws)]
    if any(len(str(raw)) > _DATE_LENGTH for raw in raws):
        types.remove("date")
    return types
