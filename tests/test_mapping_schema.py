"""The JSON Schema of mapping files, as editors use it: it takes what the loader takes, and refuses what it refuses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from editors import mistakes
from jsonschema import Draft7Validator

from connector.cli import main
from connector.errors import MappingError
from connector.identifiers import NAMES
from connector.mapping import hints, load_files, rules
from connector.mapping.json_schema import Names, json_schema
from connector.mapping.rules import RuleType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.model import Json

ROOT = Path(__file__).resolve().parent.parent
MAPPINGS = ROOT / "mappings"
BROKEN = ROOT / "tests/broken_mappings"
FILES = sorted([*MAPPINGS.glob("*.yaml"), *MAPPINGS.glob("overlays/*/*.yaml")])

BETWEEN = "one file says something that does not fit another, or its own name"
MEANING = "each key is as it should be, but not with what stands elsewhere in the file"
SYNTAX = "it is no YAML, or more of YAML than we take: the loader's business, and mostly the editor's too"

#: The directories of `broken_mappings` whose mistake no schema can see. Every other has to be refused by it.
UNSEEN = {
    "anchor_and_alias": SYNTAX,
    "duplicate_key": SYNTAX,
    "event_name_unlike_its_label": MEANING,
    "event_twice": MEANING,
    "group_that_brings_nothing": BETWEEN,
    "neither_attributes_nor_events": BETWEEN,
    "no_identifiers": BETWEEN,
    "not_utf8": SYNTAX,
    "not_yaml": SYNTAX,
    "second_document": SYNTAX,
    "tab": SYNTAX,
    "tag": SYNTAX,
    "topic_twice": BETWEEN,
    "two_groups_write_one_name": BETWEEN,
    "two_kinds": BETWEEN,
    "unknown_group": BETWEEN,
    "unused_group": BETWEEN,
    "wrong_file_name": BETWEEN,
    "wrong_suffix": BETWEEN,
}


def topic(rule: str = "{text: customer.name}", *, section: str = "attributes") -> str:
    sections = {"attributes": f"attributes: {{x: {rule}}}", "identifiers": f"identifiers: {rule}"}
    sections["params"] = f"events: [{{label: It Happened, name: it_happened, params: {{x: {rule}}}}}]"
    user = "identifiers: {email: customer.email}\n    attributes: {y: {text: name}}"
    if section == "identifiers":
        user = "attributes: {y: {text: name}}"
    if section == "attributes":
        user = "identifiers: {email: customer.email}"
    return f"topic: a/b\ndescription: It happened.\nusers:\n  - {user}\n    {sections[section]}\n"


def loads(text: str) -> bool:
    try:
        load_files({"a.b.yaml": text.encode()})
    except MappingError:
        return False
    return True


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_our_own_files_are_valid(file: Path) -> None:
    assert mistakes(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_file_tells_editors_where_its_schema_is(file: Path) -> None:
    schema = Path(os.path.relpath(MAPPINGS / "schema.json", file.parent)).as_posix()

    first = file.read_text(encoding="utf-8").partition("\n")[0]

    assert first == f"# yaml-language-server: $schema={schema}"


def test_the_schema_beside_the_files_is_what_the_command_prints() -> None:
    printed = CliRunner().invoke(main, ["mappings", "schema", "--directory", str(MAPPINGS)])

    committed = (MAPPINGS / "schema.json").read_text(encoding="utf-8")
    assert committed == printed.stdout, "bring it up to date: connector mappings schema --write"


def test_the_command_writes_it_beside_the_files_also_where_there_are_none_yet(tmp_path: Path) -> None:
    command = ["mappings", "schema", "--directory", str(tmp_path)]
    printed = CliRunner().invoke(main, command)

    written = CliRunner().invoke(main, [*command, "--write"])

    assert written.exit_code == 0
    assert str(tmp_path / "schema.json") in written.stdout
    assert (tmp_path / "schema.json").read_text(encoding="utf-8") == printed.stdout


def test_it_is_a_schema_with_and_without_names() -> None:
    names = Names(topics=("a/b",), groups=("tier",), kinds={"attributes": {"x": "number"}, "params": {"y": "text"}})

    for schema in (json_schema(), json_schema(names)):
        Draft7Validator.check_schema(schema)


def test_names_that_are_in_use_are_offered_and_others_are_as_good() -> None:
    names = Names(topics=("c/d", "a/b"), groups=("tier",), kinds={"attributes": {"x": "number"}})

    schema = json_schema(names)

    definitions = schema["definitions"]
    assert definitions["topic_name"]["examples"] == ["a/b", "c/d"]
    assert "examples" not in definitions["topic"]["properties"]["topic"], "an editor would see these alone"
    assert definitions["group_name"]["examples"] == ["tier"]
    assert definitions["attributes"]["properties"]["x"]["description"] == "At Insider: number."
    other: Json = {"identifiers": {"email": "email"}, "include": ["other"], "attributes": {"z": {"text": "name"}}}
    assert Draft7Validator(schema).is_valid({"topic": "e/f", "description": "It happened.", "users": [other]})


@pytest.mark.parametrize("name", rules.TYPES)
@pytest.mark.parametrize("section", ["attributes", "params"])
def test_a_rule_of_each_type_is_valid(name: str, section: str) -> None:
    for source in (rules.TYPES[name].example, "[a.b, c.0.d]", "5", "true", "012", '"0"', "on", "-"):
        text = topic(f"{{{name}: {source}}}", section=section)
        assert (mistakes(text), loads(text)) == ([], True), text


@pytest.mark.parametrize("name", rules.TYPES)
def test_a_rule_of_each_type_may_clear_an_attribute(name: str) -> None:
    for more in ("absent: clear", 'empty: "clear"'):
        text = topic(f"{{{name}: customer.x, {more}}}")
        assert (mistakes(text), loads(text)) == ([], True), text


@pytest.mark.parametrize(
    "rule",
    [
        *("{always: true}", "{always: 5}", "{always: 1.50}", "{always: gold}", '{always: "5"}', "{always: 2020-01-01}"),
        "{date: {year: [a, b], month: c.d, day: 0}}",
        "{date: {year: a, month: b, day: c}, empty: clear}",
    ],
)
def test_what_else_a_rule_may_be_is_valid(rule: str) -> None:
    text = topic(rule)

    assert (mistakes(text), loads(text)) == ([], True)


@pytest.mark.parametrize("written", ["true", '"true"'])
def test_what_is_omitted_is_valid(written: str) -> None:
    assert mistakes(topic(f"{{omit: {written}}}")) == []


@pytest.mark.parametrize(
    "rule",
    [
        *("{}", "[]", "x", "5", "", "{text: a, number: b}", "{absent: clear}", "{empty: clear}", "{omit: false}"),
        *("{text: []}", "{text: }", "{text: [[a]]}", "{text: {a: b}}", "{text: a b}", "{text: a..b}", '{text: ""}'),
        *("{text: a, absent: keep}", "{text: a, absent: true}", "{text: a, absent: clear, empty: clear}"),
        *("{always: 5, absent: clear}", "{omit: true, empty: clear}", "{text: a, number: b, absent: clear}"),
        *("{always: }", '{always: " "}', "{always: [1]}", "{always: {}}", "{date: {}}", "{date: {year: a, month: b}}"),
        "{date: {year: a, month: b, day: c, hour: d}}",
    ],
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    text = topic(rule)

    assert mistakes(text)
    assert not loads(text)


def test_only_an_attribute_is_cleared() -> None:
    text = topic("{text: a, absent: clear}", section="params")

    assert mistakes(text)
    assert not loads(text)


@pytest.mark.parametrize("name", NAMES)
def test_each_identifier_is_valid_under_identifiers_alone(name: str) -> None:
    assert mistakes(topic(f"{{{name}: [a, b.c]}}", section="identifiers")) == []
    assert mistakes(topic().replace("{x:", f"{{{name}:"))


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ("{always: null}", True),  # a text to the loader; nothing at all to an editor, and that is a mistake
        ("{text: ~}", False),
        ("{omit: True}", False),  # a text that is not true; an editor takes it for the boolean, and the schema with it
        ("{text: +5}", False),  # no path; an editor takes it for the number 5, which may be one
    ],
)
def test_where_the_schema_and_the_loader_differ(rule: str, taken: bool) -> None:  # noqa: FBT001 - a table
    assert loads(topic(rule)) is taken
    assert (mistakes(topic(rule)) == []) is ("null" not in rule and "~" not in rule)


def refused(broken: Path) -> list[str]:
    found = []
    for file in sorted(broken.glob("*.y*ml")):
        try:
            found += [f"{file.name} {mistake}" for mistake in mistakes(file.read_text(encoding="utf-8"))]
        except (UnicodeDecodeError, yaml.YAMLError):
            assert UNSEEN.get(broken.name) == SYNTAX, f"{broken.name} is no YAML: say so in UNSEEN"
    return found


@pytest.mark.parametrize("broken", sorted(BROKEN.iterdir()), ids=lambda path: path.name)
def test_each_mistake_of_shape_is_refused(broken: Path) -> None:
    found = refused(broken)

    if broken.name in UNSEEN:
        assert found == [], f"the schema sees this mistake: take {broken.name} out of UNSEEN"
    else:
        assert found, f"let the schema refuse {broken.name}, or say in UNSEEN why no schema could"


def test_only_what_is_there_is_excused() -> None:
    assert UNSEEN.keys() <= {path.name for path in BROKEN.iterdir()}


def test_a_new_type_of_rule_is_in_the_schema_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    new = RuleType("text", str, "The name of a colour.", "shirt.colour")
    monkeypatch.setitem(rules.TYPES, "colour", new)

    schema = json_schema()

    rule = schema["definitions"]["rule"]

    assert list(rule["properties"]) == [*rules.TYPES, rules.ALWAYS, rules.OMIT]
    assert rule["properties"]["colour"]["description"] == "The name of a colour. At Insider: text."
    assert rule["properties"]["colour"]["examples"] == ["shirt.colour"]
    assert (mistakes(topic("{colour: a}"), schema), loads(topic("{colour: a}"))) == ([], True)
    assert mistakes(topic("{color: a}"), schema)


def test_every_key_is_explained_and_no_other() -> None:
    definitions = json_schema()["definitions"]

    for hint in hints.PARTS.values():
        assert definitions[hint.name]["properties"].keys() == hint.keys.keys()
    for where, properties in keys_of(definitions):
        for name, key in properties.items():
            assert key.get("description"), f"{where}: nothing tells what {name} is"
            assert key["description"].endswith((".", "yaml"))


def keys_of(definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in definitions.items():
        if name not in {"attributes", "params", "details"} and "properties" in definition:
            yield name, definition["properties"]
