"""Checks the JSON Schema of mapping files, as editors use it: it accepts and refuses the same files as the loader."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft7Validator

from connector.cli import main
from connector.errors import MappingError
from connector.mapping import load_files
from connector.mapping.editors import hints
from connector.mapping.editors.json_schema import Names, json_schema
from connector.mapping.types import rules
from connector.mapping.types.rules import RuleType
from connector.model.identifiers import NAMES
from tests import BROKEN_MAPPINGS, ROOT
from tests.mapping.editors import mistakes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.model import Json

MAPPINGS = ROOT / "mappings"
FILES = sorted([*MAPPINGS.glob("*.yaml"), *MAPPINGS.glob("overlays/*/*.yaml")])

#: The codes of mistakes in `broken_mappings` that a schema of one file cannot see. It must refuse all others.
UNSEEN = {
    "what does not fit the other files, or the file's own name": {
        *("file-name", "file-place", "file-suffix", "file-unreadable", "no-topics", "topic-twice", "unused-group"),
        *("group-brings-nothing", "group-clash", "kind-clash", "no-identifiers", "nothing-to-omit", "nothing-told"),
        *("overlay-name", "overlay-person", "overlay-scope", "rule-never-runs", "unknown-group"),
    },
    "what does not fit the examples": {
        *("example-alone", "example-options", "example-place", "example-shape", "example-syntax", "misfit"),
        *("no-examples", "no-expectation", "path-never-counts", "topic-without-example", "unknown-path"),
        "unknown-person",
    },
    "what does not fit Insider": {"budget", "budget-near", "default-kind", "near-default", "required-param"},
    "keys that are right alone, but do not fit the rest of the file": {
        *("dead-path", "event-name", "event-twice", "person-twice"),
    },
    "values that an editor reads differently": {"ambiguous-constant", "constant-as-path", "not-a-text"},
    "YAML features that we do not accept": {"anchor", "duplicate-key", "tag"},
    "limits of length, which no message of an editor explains well": {"name-length", "too-many-paths"},
}
UNSEEN_CODES = set().union(*UNSEEN.values())


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
def test_each_file_names_its_schema_for_editors(file: Path) -> None:
    schema = Path(os.path.relpath(MAPPINGS / "schema.json", file.parent)).as_posix()

    first = file.read_text(encoding="utf-8").partition("\n")[0]

    assert first == f"# yaml-language-server: $schema={schema}"


def test_the_schema_beside_the_files_is_up_to_date() -> None:
    printed = CliRunner().invoke(main, ["mappings", "schema", "--directory", str(MAPPINGS)])

    committed = (MAPPINGS / "schema.json").read_text(encoding="utf-8")
    assert committed == printed.stdout, "bring it up to date: connector mappings schema --write"


def test_the_command_writes_the_schema_even_into_an_empty_directory(tmp_path: Path) -> None:
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


def test_names_in_use_are_offered_and_other_names_are_valid_too() -> None:
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
def test_constants_and_dates_of_parts_are_valid(rule: str) -> None:
    text = topic(rule)

    assert (mistakes(text), loads(text)) == ([], True)


@pytest.mark.parametrize("written", ["true", '"true"'])
def test_an_omission_is_valid(written: str) -> None:
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
def test_a_malformed_rule_is_refused(rule: str) -> None:
    text = topic(rule)

    assert mistakes(text)
    assert not loads(text)


def test_only_an_attribute_can_be_cleared() -> None:
    text = topic("{text: a, absent: clear}", section="params")

    assert mistakes(text)
    assert not loads(text)


@pytest.mark.parametrize("name", NAMES)
def test_an_identifier_is_valid_only_under_identifiers(name: str) -> None:
    assert mistakes(topic(f"{{{name}: [a, b.c]}}", section="identifiers")) == []
    assert mistakes(topic().replace("{x:", f"{{{name}:"))


@pytest.mark.parametrize(
    ("rule", "is_loaded"),
    [
        ("{always: null}", True),  # a text for the loader; no value for an editor, and that is a mistake
        ("{text: ~}", False),
        ("{omit: True}", False),  # not the word true for the loader; the boolean for an editor and so for the schema
        ("{text: +5}", False),  # no path for the loader; the number 5 for an editor, which may be a path
    ],
)
def test_the_schema_and_the_loader_differ_here(rule: str, is_loaded: bool) -> None:  # noqa: FBT001 - a table
    assert loads(topic(rule)) is is_loaded
    assert (mistakes(topic(rule)) == []) is ("null" not in rule and "~" not in rule)


def code(broken: Path) -> str:
    """Return the code of a directory's mistake: ``a.b.yaml:7:20: unknown-path: …``."""
    return (broken / "expected.txt").read_text(encoding="utf-8").split(": ")[1]


def is_refused(broken: Path) -> bool:
    """Return whether an editor sees a mistake in any of the files: by the schema, or because it is not YAML."""
    files = (file for file in broken.rglob("*.y*ml") if file.is_file())
    try:
        return any(mistakes(file.read_text(encoding="utf-8")) for file in files)
    except (UnicodeDecodeError, yaml.YAMLError, TypeError):
        return True


@pytest.mark.parametrize("broken", sorted(BROKEN_MAPPINGS.iterdir()), ids=lambda path: path.name)
def test_each_mistake_of_shape_is_refused(broken: Path) -> None:
    assert is_refused(broken) or code(broken) in UNSEEN_CODES, (
        "let the schema refuse it, or say in UNSEEN why it cannot"
    )


def test_the_list_of_unseen_codes_has_no_superfluous_code() -> None:
    unseen = {code(broken) for broken in BROKEN_MAPPINGS.iterdir() if not is_refused(broken)}

    assert unseen == UNSEEN_CODES


def test_a_new_type_of_rule_is_added_to_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    new = RuleType("text", str, "The name of a colour.", "shirt.colour")
    monkeypatch.setitem(rules.TYPES, "colour", new)

    schema = json_schema()

    rule = schema["definitions"]["rule"]

    assert list(rule["properties"]) == [*rules.TYPES, rules.ALWAYS, rules.OMIT]
    assert rule["properties"]["colour"]["description"] == "The name of a colour. At Insider: text."
    assert rule["properties"]["colour"]["examples"] == ["shirt.colour"]
    assert (mistakes(topic("{colour: a}"), schema), loads(topic("{colour: a}"))) == ([], True)
    assert mistakes(topic("{color: a}"), schema)


def test_every_key_has_a_description_and_no_hint_is_unused() -> None:
    definitions = json_schema()["definitions"]

    for hint in hints.PARTS.values():
        assert definitions[hint.name]["properties"].keys() == hint.keys.keys()
    for where, properties in keys_of(definitions):
        for name, key in properties.items():
            assert key.get("description"), f"{where}: the key {name} has no description"
            assert key["description"].endswith((".", "yaml"))


def keys_of(definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in definitions.items():
        if name not in {"attributes", "params", "details"} and "properties" in definition:
            yield name, definition["properties"]
