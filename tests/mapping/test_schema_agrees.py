"""Checks that the schema and the loader agree on generated files: valid ones, and valid ones with one or two mistakes.

Here a file is a tree of its YAML: objects, lists, and scalars as they are typed, including quotes.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import MappingError
from connector.mapping import load_files
from connector.mapping.loading import layers
from connector.mapping.reading.problems import Problems
from connector.mapping.types.rules import ABSENT, ALWAYS, EMPTY, OMIT, TYPES
from connector.model.identifiers import NAMES
from tests.mapping.editors import mistakes

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# Words that an editor reads as null, and numbers that the loader does not accept as a path (`+5`), are left out: there
# the two differ, as test_schema.py shows.
WORDS = ["a", "customer.email", "a.0.b", "a..b", "x/y", "no", "true", "false", "clear", "webhook", "2020-01-01"]
NUMBERS = ["5", "012", "0x1f", "1.5", "1e3", "-7"]
QUOTED = ['"true"', '"7"', '"a b"', '""', '" "', '"clear"', "'a'"]
KNOWN = [*NAMES, *TYPES, ALWAYS, OMIT, ABSENT, EMPTY, "year", "day", "users", "notice", "label"]
#: No word is here both with and without quotes, because that would be the same key twice.
KEYS = [*WORDS, *NUMBERS, *KNOWN, "x", "X", "a-b", "_a", '""']
SWITCHED_ON = ["true", '"true"']

scalars = st.sampled_from([*WORDS, *NUMBERS, *QUOTED])
keys = st.sampled_from(KEYS)
lists = st.lists(scalars, max_size=2, unique_by=lambda typed: typed.strip("\"'"))
leaves: SearchStrategy[Any] = scalars | lists | st.builds(dict)
anything: SearchStrategy[Any] = (
    leaves | st.dictionaries(keys, leaves, max_size=2) | st.lists(st.builds(dict) | lists, max_size=1)
)

paths = st.sampled_from(["a", "customer.email", "a.0.b", "5", "012", "true", "-7", '"5"'])
sources = paths | st.lists(paths, min_size=1, max_size=2)
parts = st.fixed_dictionaries({"year": sources, "month": sources, "day": sources})
constants = st.fixed_dictionaries({ALWAYS: st.sampled_from(["true", "5", "1.5", "gold", '"5"', "2020-01-01"])})


def reading(name: str) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: sources | parts if name == "date" else sources})


reads = st.one_of(list(map(reading, TYPES)))
clears = st.builds(lambda rule, when: rule | {when: "clear"}, reads, st.sampled_from([ABSENT, EMPTY]))
omitted = st.fixed_dictionaries({OMIT: st.sampled_from(SWITCHED_ON)})
identifiers = st.dictionaries(st.sampled_from(NAMES), sources, min_size=1, max_size=2)
texts = st.sampled_from(["It happened.", "5", "true", '"#"', "no"])
labels = st.sampled_from([("It Happened", "it_happened"), ("5", "5"), ("true", '"true"')])


def rules(*names: str, clearable: bool = False) -> SearchStrategy[dict[str, Any]]:
    """Rules with these names. A name has one kind everywhere, so each file uses different names."""
    rule = reads | constants | clears if clearable else reads | constants
    return st.dictionaries(st.sampled_from(names), rule, min_size=1, max_size=2)


@st.composite
def groups_files(draw: st.DrawFn) -> dict[str, Any]:
    shared = {"identifiers": identifiers, "attributes": rules("z", "5", clearable=True), "params": rules("z", "true")}
    return {
        "g": draw(st.fixed_dictionaries(shared)),
        "h": draw(st.fixed_dictionaries({}, optional={"paths": st.just("webhook")}))
        | {"attributes": {"h": {"text": "a"}}},
        "k": {"params": {"other": {"text": "a"}}},
    }


@st.composite
def topic_files(draw: st.DrawFn) -> dict[str, Any]:
    """Files of a topic that are valid with any file of `groups_files`. They include all of its groups."""
    label, name = draw(labels)
    event: dict[str, Any] = {"label": label, "name": name, "include": ["g", "k"]}
    event |= draw(st.fixed_dictionaries({}, optional={"params": rules("x", "012")}))
    own: dict[str, SearchStrategy[Any]] = {
        "person": sources,
        "optional": st.sampled_from(SWITCHED_ON),
        "identifiers": identifiers,
    }
    own["attributes"] = st.builds(lambda more, omit: more | {"h": omit}, rules("x", "y_1", clearable=True), omitted)
    user: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=own))
    user |= {"include": ["g", "h"], "events": [event]}
    more = st.fixed_dictionaries({}, optional={"skip_hook": st.just("true")})
    return {"topic": "a/b", "description": draw(texts), "users": [user]} | draw(more)


def notice_files() -> SearchStrategy[dict[str, Any]]:
    notice = st.fixed_dictionaries({"text": texts}, optional={"details": rules("x", "5")})
    head = {"topic": st.just("a/b"), "description": texts, "notice": notice}
    return st.fixed_dictionaries(head, optional={"users": st.builds(list)})


@st.composite
def spoilt(draw: st.DrawFn, sound: SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    file = deepcopy(draw(sound))
    for _ in range(draw(st.integers(1, 2))):
        spoil(draw, file)
    return file


def spoil(draw: st.DrawFn, file: dict[str, Any]) -> None:
    """Delete, add or replace one entry of a file."""
    inside = draw(st.sampled_from(list(containers(file))))
    places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
    change = draw(st.sampled_from(["delete", "replace", "add"])) if places else "add"
    if change == "add" and isinstance(inside, dict):
        inside[draw(keys)] = draw(anything)
    elif change == "add":
        inside.append(draw(anything))
    elif change == "delete":
        del inside[draw(st.sampled_from(places))]
    else:
        inside[draw(st.sampled_from(places))] = draw(anything)


def containers(tree: Any) -> Any:
    if isinstance(tree, dict | list):
        yield tree
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from containers(inner)


def written(tree: Any) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {written(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(written, tree)) + "]"
    return str(tree)


SOUND_GROUPS = {
    "g": {"identifiers": {"email": "a"}, "params": {"q": {"text": "a"}}},
    "h": {"attributes": {"h": {"text": "a"}}},
}
SOUND_GROUPS["k"] = {"params": {"other": {"text": "a"}}}
SOUND_TOPIC = {
    "topic": "a/b",
    "description": "x",
    "users": [{"include": ["g", "h"], "events": [{"label": "A", "name": "a", "include": ["g", "k"]}]}],
}


def load(topic: Any, groups: Any) -> None:
    files = {"a.b.yaml": topic, "groups.yaml": groups}
    load_files({name: written(tree).encode() for name, tree in files.items() if tree is not None})


@given(topic=topic_files(), groups=groups_files())
def test_sound_files_are_valid_and_load(topic: dict[str, Any], groups: dict[str, Any]) -> None:
    assert mistakes(written(topic)) == mistakes(written(groups)) == []
    load(topic, groups)


@given(topic=notice_files())
def test_sound_notices_are_valid_and_load(topic: dict[str, Any]) -> None:
    assert mistakes(written(topic)) == []
    load(topic, None)


def agree(name: str, file: dict[str, Any], *, topic: Any, groups: Any) -> None:
    """Check that the schema refuses what the fields refuse, and the loader what the schema refuses, for any reason."""
    errors = mistakes(written(file))
    problems = Problems()
    layers.read({name: written(file).encode()}, problems)
    if problems:
        assert errors, f"only the loader refuses {written(file)}: {problems}"
    if errors:
        with pytest.raises(MappingError):
            load(topic, groups)


@given(topic=spoilt(topic_files()))
def test_a_spoilt_file_of_a_topic_is_refused_by_both_or_neither(topic: dict[str, Any]) -> None:
    agree("a.b.yaml", topic, topic=topic, groups=SOUND_GROUPS)


@given(topic=spoilt(notice_files()))
def test_a_spoilt_notice_is_refused_by_both_or_neither(topic: dict[str, Any]) -> None:
    agree("a.b.yaml", topic, topic=topic, groups=None)


@given(groups=spoilt(groups_files()))
def test_a_spoilt_groups_file_is_refused_by_both_or_neither(groups: dict[str, Any]) -> None:
    agree("groups.yaml", groups, topic=SOUND_TOPIC, groups=groups)
