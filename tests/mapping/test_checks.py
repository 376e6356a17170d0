"""The check: each directory of `broken_mappings` has one mistake, and the exact line that reports it."""

from __future__ import annotations

import ast
import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import connector.mapping
from connector.errors import MappingError
from connector.insider import wire
from connector.mapping.checking import reports
from connector.mapping.checking.defaults import KINDS, REQUIRED_PARAMS
from connector.mapping.grammar.paths import closest
from connector.mapping.reading.codes import CODES
from connector.model import Options
from connector.model.identifiers import NAMES
from tests import BROKEN_MAPPINGS, MAPPINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    ProblemsOf = Callable[..., list[str]]

SOURCES = Path(connector.mapping.__file__).parent

GROUPS = "customer:\n  identifiers: {email: email}\n  attributes:\n    surname: {text: last_name}\n"
TOPIC = """\
topic: a/b
description: Something has happened.
users:
  - person: customer
    include: [customer]
    attributes:
      nickname: {text: customer.nickname}
"""
WEBHOOK = (
    '{"customer": {"email": "ann@example.com", "last_name": null, "nickname": "Annie", "level": "2"}, "tags": ["x"]}'
)
EXPECTED = '{"users": []}'


@pytest.fixture
def problems_of(tmp_path: Path) -> ProblemsOf:
    """Write files over a valid set of mapping files and examples, and return its problems; None leaves a file out."""

    def check(files: dict[str, str | None] | None = None, **rules: str) -> list[str]:
        attributes = "".join(f"      {name}: {rule}\n" for name, rule in rules.items())
        everything: dict[str, str | None] = {
            "groups.yaml": GROUPS,
            "a.b.yaml": TOPIC + attributes,
            "examples/a.b/documented.json": WEBHOOK,
            "examples/a.b/documented.expected.json": EXPECTED,
            **(files or {}),
        }
        for name, text in everything.items():
            if text is not None:
                (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name).write_text(text)
        return [str(problem) for problem in reports.check(tmp_path).problems]

    return check


@pytest.mark.parametrize("broken", sorted(BROKEN_MAPPINGS.iterdir()), ids=lambda path: path.name)
def test_each_mistake_is_reported_in_one_line_with_its_place_and_its_code(broken: Path) -> None:
    lines = [f"{problem}\n" for problem in reports.check(broken).problems]

    assert (broken / "expected.txt").read_text() == "".join(lines)
    assert len(lines) == 1 or broken.name.startswith("several_")


def test_each_code_of_the_table_has_a_broken_example() -> None:
    codes = {problem.code for broken in BROKEN_MAPPINGS.iterdir() for problem in reports.check(broken).problems}

    assert codes == CODES.keys()


def test_each_code_that_is_used_is_in_the_table() -> None:
    used = {code for path in SOURCES.rglob("*.py") for code in codes_in(ast.parse(path.read_text()))}

    assert len(used) > 70
    assert used <= CODES.keys()


def codes_in(tree: ast.AST) -> Iterator[str]:
    positions = {"problem": 1, "add": 2, "wrong": 0, "Mistake": 0, "Slip": 1, "_slip": 1}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            position = positions.get(called, 99)
            if len(node.args) > position and isinstance(code := node.args[position], ast.Constant):
                yield str(code.value)


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_explained_by_what_it_means_and_what_to_do(code: str) -> None:
    severity, meaning, remedy = CODES[code]

    assert severity in {"error", "warning"}
    assert meaning.endswith(".")
    assert remedy.endswith(".")


def test_our_own_mappings_are_clean() -> None:
    report = reports.check(MAPPINGS)

    assert report.problems == ()
    assert report.sound(strict=True).version == connector.mapping.load(MAPPINGS).version


def test_valid_files_have_no_problems(problems_of: ProblemsOf) -> None:
    assert problems_of() == []


def test_a_report_is_sound_with_warnings_unless_it_is_taken_strictly(tmp_path: Path) -> None:
    (tmp_path / "a.b.yaml").write_text(TOPIC.replace("include: [customer]", "identifiers: {email: email}"))
    report = reports.check(tmp_path)

    assert (report.errors, report.warnings) == (0, 1)
    assert report.sound().topics == ("a/b",)
    with pytest.raises(MappingError, match="no-examples"):
        report.sound(strict=True)


def test_a_report_with_errors_is_refused_with_a_line_for_each(problems_of: ProblemsOf, tmp_path: Path) -> None:
    lines = problems_of(level="{number: customer.lvl}", age="{number: customer.years}")
    report = reports.check(tmp_path)

    assert len(lines) == report.errors == 2
    assert report.mappings is not None
    with pytest.raises(MappingError) as caught:
        report.sound()
    assert str(caught.value).splitlines() == lines


@pytest.mark.parametrize("word", ["NO", "on", "Yes", "y", "012", "0x1F", "0o7", "1_000", "+5", "1e3", ".5", "12:30:45"])
def test_a_constant_that_yaml_may_read_as_more_than_text_is_reported_unless_it_is_in_quotes(
    problems_of: ProblemsOf, word: str
) -> None:
    (line,) = problems_of(level=f"{{always: {word}}}")

    assert line.startswith(f"a.b.yaml:8:23: ambiguous-constant: {word} is ")
    assert problems_of(level=f'{{always: "{word}"}}') == []


@pytest.mark.parametrize("word", ["true", "false", "0", "-5", "10.5", "gold", "Not known", "v2", "2020"])
def test_a_constant_that_yaml_reads_as_we_do_is_not_reported(problems_of: ProblemsOf, word: str) -> None:
    assert problems_of(level=f"{{always: {word}}}") == []


@pytest.mark.parametrize("word", ["null", "~", "NULL"])
def test_null_is_reported_wherever_a_text_could_be_meant(problems_of: ProblemsOf, word: str) -> None:
    (line,) = problems_of({"a.b.yaml": TOPIC.replace("Something has happened.", word)})

    assert line.startswith(f"a.b.yaml:2:14: empty-value: {word} is nothing; fill it, remove it, or put it in quotes")


def test_a_path_is_held_by_a_key_that_is_null_and_by_an_item_of_a_list(problems_of: ProblemsOf) -> None:
    assert problems_of(level="{number: customer.level}", tag="{text: tags.0}") == []
    (line,) = problems_of(tag="{text: tags.1}")
    assert "unknown-path: no example of a/b has 'tags.1' (did you mean 'tags.0'?)" in line


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("points_balnace", "customer.points_balance"),
        ("customer.pointsBalance", "customer.points_balance"),
        ("custmer.points_balance", "customer.points_balance"),
        ("customer.name", "customer.first_name"),
        ("email", "customer.email"),
        ("expired", "perk.expired"),
        ("birth_year", None),
    ],
)
def test_the_path_most_similar_to_a_misspelt_one_is_suggested(path: str, meant: str | None) -> None:
    known = {
        ("customer",),
        ("customer", "points_balance"),
        ("customer", "first_name"),
        ("customer", "email"),
        ("perk", "expired"),
        ("redemption_option", "name"),
    }

    assert closest(tuple(path.split(".")), known) == (f" (did you mean {meant!r}?)" if meant else "")


def test_a_path_of_a_group_is_looked_for_in_all_topics_that_include_it(problems_of: ProblemsOf) -> None:
    groups = GROUPS + "    score: {number: score}\n"
    second = TOPIC.replace("a/b", "c/d").replace("customer.nickname", "customer.name")
    example = '{"customer": {"email": "ann@example.com", "last_name": "Lee", "name": "Annie", "score": 3}}'
    files = {"groups.yaml": groups, "c.d.yaml": second}

    more = {"examples/c.d/documented.json": example, "examples/c.d/documented.expected.json": EXPECTED}
    assert problems_of({**files, **more}) == []
    (line,) = problems_of({**files, **more, "examples/c.d/documented.json": example.replace('"score"', '"scor"')})
    assert line.startswith(
        "groups.yaml:5:21: unknown-path: no example of the 2 topics that include 'customer' has 'score'"
    )


def test_a_later_path_counts_if_one_example_lacks_the_paths_before_it(problems_of: ProblemsOf) -> None:
    rule = "{text: [customer.nickname, customer.level]}"
    (line,) = problems_of(title=rule)
    assert line.startswith("a.b.yaml:8:41: path-never-counts: in each example of a/b that has 'customer.level'")

    blank = {"examples/a.b/blank.json": WEBHOOK.replace("Annie", " "), "examples/a.b/blank.expected.json": EXPECTED}
    assert problems_of(blank, title=rule) == []


def test_the_paths_of_a_part_of_a_date_are_checked_separately(problems_of: ProblemsOf) -> None:
    (line,) = problems_of(birthday="{date: {year: customer.yaer, month: customer.level, day: customer.level}}")

    assert line.startswith("a.b.yaml:8:31: unknown-path: no example of a/b has 'customer.yaer'")


def test_the_params_of_a_group_are_checked_in_the_topics_whose_events_include_it(problems_of: ProblemsOf) -> None:
    groups = GROUPS + "perk:\n  paths: webhook\n  params: {points: {number: perk.points}}\n"
    event = "    events:\n      - {label: Happened, name: happened, include: [perk]}\n"
    (line,) = problems_of({"groups.yaml": groups, "a.b.yaml": TOPIC + event})

    assert line.startswith("groups.yaml:7:29: unknown-path: no example of a/b has 'perk.points'")


def test_the_details_of_a_notice_are_checked_too(problems_of: ProblemsOf) -> None:
    notice = "topic: c/d\ndescription: x\nnotice: {text: It happened., details: {code: {text: coed}}}\n"
    example = {"examples/c.d/documented.json": '{"code": "x"}', "examples/c.d/documented.expected.json": EXPECTED}

    (line,) = problems_of({"c.d.yaml": notice, **example})

    assert line.startswith("c.d.yaml:3:53: unknown-path: no example of c/d has 'coed' (did you mean 'code'?); ")


def test_a_group_is_overridden_by_all_only_if_no_overlay_runs_it(problems_of: ProblemsOf) -> None:
    own = {"a.b.yaml": TOPIC + "      surname: {text: customer.last_name}\n"}
    (line,) = problems_of(own)
    assert line.startswith("groups.yaml:4:5: rule-never-runs: every mapping that includes 'customer'")

    other = TOPIC.replace("person: customer", "person: buyer").replace("customer.nickname", "buyer.nickname")
    webhook = '{"buyer": {"email": "ann@example.com", "last_name": "Lee", "nickname": "Annie"}}'
    overlay = {
        "overlays/outlet/a.b.yaml": other,
        "overlays/outlet/examples/a.b/buyer.json": webhook,
        "overlays/outlet/examples/a.b/buyer.expected.json": EXPECTED,
    }
    assert problems_of({**own, **overlay}) == []


def test_an_overlay_is_checked_with_its_own_examples_and_the_shared_ones(problems_of: ProblemsOf) -> None:
    overlay = TOPIC.replace("    include: [customer]\n", "").replace(
        "customer.nickname", "[customer.name, customer.level]"
    )
    files = {"overlays/outlet/a.b.yaml": overlay}
    (line,) = problems_of(files)
    assert line.startswith("overlays/outlet/a.b.yaml:6:25: unknown-path: no example of a/b has 'customer.name'")

    example = WEBHOOK.replace("nickname", "name")
    at = "overlays/outlet/examples/a.b/outlet"
    assert problems_of({**files, f"{at}.json": example, f"{at}.expected.json": EXPECTED}) == []


def test_an_example_of_an_overlay_does_not_count_for_the_shared_files(problems_of: ProblemsOf) -> None:
    at = "overlays/outlet/examples/a.b/outlet"
    overlay = TOPIC.replace("    include: [customer]\n", "").replace("nickname", "level")
    example = WEBHOOK.replace("nickname", "score")

    (line,) = problems_of(
        {f"{at}.json": example, f"{at}.expected.json": EXPECTED, "overlays/outlet/a.b.yaml": overlay},
        score="{text: customer.score}",
    )

    assert line.startswith("a.b.yaml:8:21: unknown-path")


def test_examples_of_an_overlay_without_files_are_reported(problems_of: ProblemsOf) -> None:
    overlay = {"overlays/outlet/a.b.yaml": TOPIC.replace("    include: [customer]\n", "")}
    at = "overlays/outlte/examples/a.b/outlet"

    lines = problems_of({**overlay, f"{at}.json": WEBHOOK, f"{at}.expected.json": EXPECTED})

    (line,) = lines
    assert line.startswith(
        "overlays/outlte/examples:1:1: example-place: there is no overlay 'outlte' with mapping files"
    )


def test_an_example_may_have_each_option_of_a_store(problems_of: ProblemsOf) -> None:
    names = [field.name for field in fields(Options)]
    options = dict.fromkeys(names)

    assert problems_of({"examples/a.b/documented.options.json": json.dumps(options)}) == []
    for name in names:
        (line,) = problems_of({"examples/a.b/documented.options.json": json.dumps({name: []})})
        assert f"example-options: the option {name!r} must be a " in line


def test_the_kinds_of_insiders_default_names_are_those_of_the_wire_format() -> None:
    assert KINDS["attributes"].keys() == wire.DEFAULT_ATTRIBUTES
    assert KINDS["params"].keys() == wire.DEFAULT_PARAMS
    assert not KINDS["attributes"].keys() & set(NAMES)
    assert all(params <= wire.DEFAULT_PARAMS for params in REQUIRED_PARAMS.values())


@pytest.mark.parametrize("section", ["attributes", "params"])
def test_insiders_own_names_do_not_count_towards_the_budget(problems_of: ProblemsOf, section: str) -> None:
    written = "".join(f"      custom_{number}: {{text: customer.nickname}}\n" for number in range(68))
    written += "      name: {text: customer.nickname}\n" + (
        "      url: {text: customer.nickname}\n" * (section == "params")
    )
    if section == "params":
        written = "    events:\n      - label: Happened\n        name: happened\n        params:\n" + written.replace(
            "      ", "          "
        )

    assert problems_of({"a.b.yaml": TOPIC + written}) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("sur_name", "surname"),
        ("surename", "surname"),
        ("first_name", "name"),
        ("email_opt_in", "email_optin"),
        ("e_mail", "email"),
        ("phone", "phone_number"),
        ("c_level", "level"),
        ("yotpo_birthday_day", None),
        ("yotpo_name", None),
    ],
)
def test_a_name_that_only_looks_like_one_of_insiders_is_reported(
    problems_of: ProblemsOf, name: str, meant: str | None
) -> None:
    lines = problems_of(**{name: "{text: customer.nickname}"})

    assert [line for line in lines if "near-default" in line] == lines
    assert bool(lines) == bool(meant)
    assert not meant or f"(did you mean {meant!r}?)" in lines[0]
