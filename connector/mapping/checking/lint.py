"""Compares the rules of mapping files with the values of the examples.

The module finds paths that no example has, paths that never count, values that never fit the type of their rule, and
rules that never run.
"""

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

    from connector.mapping.checking.evidence import Evidence, ExampleObjects, Includer, Use
    from connector.mapping.grammar.parts import Source, TopicPart
    from connector.mapping.loading.layers import Layer
    from connector.mapping.loading.loader import Checked
    from connector.mapping.reading.documents import Document, Steps
    from connector.mapping.types.lookup import Path
    from connector.model import Json

#: The kind of part that includes each section of a group.
_INCLUDERS: dict[str, Includer] = {"identifiers": "users", "attributes": "users", "params": "events"}
#: The types that the check can propose if a value does not fit its rule. The most specific type is first.
_PROPOSED_TYPES = ("number", "boolean", "link", "money", "date", "datetime", "list", "text")
#: The length of a date such as 2026-05-01. A date with a time is longer.
_DATE_LENGTH = 10


class _Roots(NamedTuple):
    """The objects of the examples where the paths of a rule start."""

    groups: Sequence[ExampleObjects]
    #: The topics of the examples, as a part of a sentence: ``of swell/tier/earned``.
    of_topics: str

    @property
    def objects(self) -> Iterator[Json]:
        return (root for group in self.groups for root in group.objects)


def check(checked: Checked, webhooks: Mapping[str | None, Mapping[str, Sequence[Json]]]) -> None:
    """Check the rules of the shared files and of each overlay.

    `webhooks` contains the examples by overlay and topic. The overlay None stands for the shared files.
    """
    shared = webhooks.get(None, {})
    everything = [checked.shared, *checked.overlays.values()]
    _check_layer(checked.shared, [checked.shared], everything, evidence(shared))
    for name, overlay in checked.overlays.items():
        stack = [checked.shared, overlay]
        _check_layer(overlay, stack, stack, evidence(shared, webhooks.get(name, {})))


def _check_layer(layer: Layer, stack: Sequence[Layer], users: Sequence[Layer], examples: Evidence) -> None:
    """Check the rules in the files of one layer.

    `stack` contains the layer and the layer below. `users` contains all layers that may include the layer's groups.
    """
    for topic, (document, part) in layer.topics.items():
        if not examples.of(topic).objects:
            sentence = f"there is no example of {topic}; add examples/{topic.replace('/', '.')}/documented.json"
            document.problem(("topic",), "topic-without-example", sentence, of_value=True)
            continue
        _check_topic(document, topic, part, examples)
    if layer.groups_document:
        uses, running = examples.uses(stack), examples.uses(users)
        for name, group in layer.groups.items():
            for section, includer in _INCLUDERS.items():
                roots = _roots_of(uses.get((name, includer), ()), name, from_person=group.from_person)
                for rule, source in getattr(group, section).items():
                    steps = (name, section, rule)
                    if not _check_overridden(layer.groups_document, steps, running.get((name, includer), ())):
                        _check_rule(layer.groups_document, steps, source, roots)


def _check_topic(document: Document, topic: str, part: TopicPart, examples: Evidence) -> None:
    roots = _Roots([examples.of(topic)], f"of {topic}")
    for index, user in enumerate(part.users):
        user_steps: Steps = ("users", index)
        _check_person(Alternatives(document, (*user_steps, "person"), user.person), roots)
        sections: list[tuple[Steps, Mapping[str, Source]]] = [
            ((*user_steps, "identifiers"), user.identifiers),
            ((*user_steps, "attributes"), user.attributes),
            *(((*user_steps, "events", number, "params"), event.params) for number, event in enumerate(user.events)),
        ]
        for steps, rules in sections:
            for name, source in rules.items():
                _check_rule(document, (*steps, name), source, roots)
    if part.notice:
        for name, source in part.notice.details.items():
            _check_rule(document, ("notice", "details", name), source, roots)


def _roots_of(uses: Sequence[Use], group: str, *, from_person: bool) -> _Roots:
    """Return the objects where the paths of a group start, for all places that include the group."""
    examples = {use.topic: use.persons if from_person else use.webhooks for use in uses}
    topics = [topic for topic, objects in examples.items() if objects.objects]
    of_topics = f"of {topics[0]}" if len(topics) == 1 else f"of the {len(topics)} topics that include {group!r}"
    # `examples` has only one entry for each topic, but a topic may include a group for several persons.
    return _Roots([use.persons if from_person else use.webhooks for use in uses], of_topics)


def _check_overridden(document: Document, steps: Steps, uses: Sequence[Use]) -> bool:
    """Add a problem if each place that includes the group overrides this rule; return whether it was added."""
    group, _, name = steps
    if not uses or any(name not in use.own for use in uses):
        return False
    sentence = f"every mapping that includes {group!r} has its own rule for {name!r}; remove this rule"
    document.problem(steps, "rule-never-runs", sentence)
    return True


def _check_person(person: Alternatives, roots: _Roots) -> None:
    object_paths = {path for group in roots.groups for path in group.paths if group.holds_object(path)}
    for index, path in enumerate(person.paths):
        if path not in object_paths and not person.has_problem(index):
            near = closest(path, object_paths)
            sentence = f"no example {roots.of_topics} has a person under {'.'.join(path)!r}{near}"
            person.problem(index, "unknown-person", f"{sentence}; correct the path, or add an example that has it")
    _check_order(person, roots, lambda root, path: isinstance(at(root, path), dict))


def _check_rule(document: Document, steps: Steps, source: Source, roots: _Roots) -> None:
    lists = list(alternatives.of_rule(document, steps, source))
    if not lists or not any(roots.objects):
        return
    unknown = [_check_known(paths, roots) for paths in lists]
    if any(unknown):
        return
    for paths in lists:
        _check_order(paths, roots, lambda root, path: not is_nothing(at(root, path)))
    _check_fit(lists[0], source, roots)


def _check_known(rule_paths: Alternatives, roots: _Roots) -> bool:
    """Add a problem for each path that no example has; return whether there is such a path."""
    known: set[Path] = set().union(*(group.paths for group in roots.groups))
    unknown = [index for index, path in enumerate(rule_paths.paths) if path not in known]
    for index in unknown:
        path = rule_paths.paths[index]
        if rule_paths.has_problem(index):
            continue
        sentence = f"no example {roots.of_topics} has {'.'.join(path)!r}{closest(path, known)}"
        rule_paths.problem(index, "unknown-path", f"{sentence}; correct the path, or add an example that has it")
    return bool(unknown)


def _check_order(rule_paths: Alternatives, roots: _Roots, counts: Callable[[Json, Path], bool]) -> None:
    """Add a problem for each path that never counts, because an earlier path counts in all examples that have it."""
    paths = rule_paths.paths
    for index in range(1, len(paths)):
        if rule_paths.has_problem(index):
            continue
        holders = [root for root in roots.objects if has(root, paths[index])]
        if holders and all(any(counts(root, earlier) for earlier in paths[:index]) for root in holders):
            path = ".".join(paths[index])
            sentence = f"in each example {roots.of_topics} that has {path!r}, an earlier path of the list is used"
            remedy = "remove the path, or add an example that needs it"
            rule_paths.problem(index, "path-never-counts", f"{sentence}; {remedy}")


def _check_fit(first: Alternatives, source: Source, roots: _Roots) -> None:
    """Add a problem if a rule's type fits none of the values in the examples; propose a type that fits all of them."""
    convert = _conversion(source)
    raws = [raw for root in roots.objects if (raw := _raw(source, root)) is not None]
    problems = [_unfit(convert, raw) for raw in raws]
    if not problems or not all(problems) or any(map(first.has_problem, range(len(first.paths)))):
        return
    names = ", ".join(repr(".".join(path)) for path in first.paths)
    sentence = f"{names} never fits {source.type!r} in the examples {roots.of_topics}: {problems[0].lower()}"
    fitting = (type_ for type_ in _types_to_propose(raws) if not any(_unfit(TYPES[type_].convert, raw) for raw in raws))
    proposed = next(fitting, "") if source.type in TYPES else ""
    first.document.problem(
        first.steps, "misfit", sentence + (suggestion(proposed) if proposed else "; name another path")
    )


def _conversion(source: Source) -> Callable[[Any], object]:
    """Return the function that converts a raw value to the rule's type. That function can raise UnfitError."""
    if source.parts:
        return date_of_parts
    if source.type == "phone_number":  # the result depends on the store's region, so every value fits here
        return lambda _: None
    return TYPES[source.type].convert if source.type in TYPES else IDENTITIES[source.type]


def _raw(source: Source, root: Json) -> object:
    """Return the raw value that a rule reads from an object; None if there is none."""
    if not source.parts:
        return first_value(root, source.paths)
    year, month, day = (first_value(root, paths) for paths in source.parts)
    return None if month is None and day is None else Parts(year, month, day, None)


def _unfit(convert: Callable[[Any], object], raw: object) -> str:
    """Return the reason why a value does not fit; "" if the value fits."""
    try:
        convert(raw)
    except UnfitError as unfit:
        return str(unfit)
    return ""


def _types_to_propose(raws: Sequence[object]) -> Sequence[str]:
    if any(isinstance(raw, Parts) for raw in raws):
        return ()
    types = [type_ for type_ in _PROPOSED_TYPES if type_ != "list" or all(isinstance(raw, list) for raw in raws)]
    if any(len(str(raw)) > _DATE_LENGTH for raw in raws):
        types.remove("date")
    return types
