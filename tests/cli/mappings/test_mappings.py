"""`connector mappings check` and `test`: their output for people, scripts and GitHub, and their exit status."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.mappings.problems import lines
from connector.mapping.checking.reports import Report
from connector.mapping.reading.problems import Problem
from tests import BROKEN_MAPPINGS, ROOT
from tests.measuring import quickest

if TYPE_CHECKING:
    from click.testing import Result

MAPPINGS = ROOT / "mappings"

TOPIC = """\
topic: a/b
description: Something has happened.
users:
  - person: customer
    identifiers: {email: customer.email}
    attributes:
      level: {text: customer.level}
      score: {number: customer.score}
"""
OVERLAY = TOPIC.replace("{text: customer.level}", "{text: customer.grade}").replace(
    "{number: customer.score}", "{omit: true}"
)


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("MAPPINGS_DIR", raising=False)


def mappings(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["mappings", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def check(name: str, *arguments: str) -> Result:
    return mappings("check", "--directory", BROKEN_MAPPINGS.relative_to(ROOT) / name, *arguments)


def test_our_own_mappings_are_clean_and_the_version_is_shown() -> None:
    done = mappings("check", "--strict")

    assert done.exit_code == 0
    assert done.stdout.startswith("32 topics, version ")
    assert len(done.stdout.splitlines()) == 1


def test_an_error_is_one_line_with_a_relative_path_and_fails() -> None:
    done = check("unknown_key")

    assert done.exit_code == 1
    assert done.stdout == (
        "tests/mapping/broken_mappings/unknown_key/a.b.yaml:6:5: unknown-key: no key 'atributes' here "
        "(did you mean 'attributes'?)\n1 error\n"
    )


def test_the_path_is_absolute_outside_of_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    done = mappings("check", "--directory", BROKEN_MAPPINGS / "unknown_key")

    assert done.stdout.startswith(f"{BROKEN_MAPPINGS / 'unknown_key'}/a.b.yaml:6:5: ")


def test_a_warning_is_shown_and_fails_only_if_strict() -> None:
    done = check("path_that_never_counts")

    assert done.exit_code == 0
    assert "path-never-counts" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 topic, version ")
    assert done.stdout.endswith(", 1 warning\n")
    assert check("path_that_never_counts", "--strict").exit_code == 1


def test_json_has_the_parts_of_each_problem() -> None:
    done = check("misspelt_path", "--format", "json")

    result = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (result["errors"], result["warnings"], result["topics"]) == (1, 0, ["a/b"])
    (problem,) = result["problems"]
    assert problem == {
        "file": "tests/mapping/broken_mappings/misspelt_path/a.b.yaml",
        "line": 7,
        "column": 24,
        "code": "unknown-path",
        "severity": "error",
        "sentence": "no example of a/b has 'customer.points_balnace' (did you mean 'customer.points_balance'?); "
        "correct the path, or add an example that has it",
    }


def test_json_has_no_version_if_the_files_cannot_be_loaded() -> None:
    result = json.loads(check("unknown_key", "--format", "json").stdout)

    assert (result["version"], result["topics"], result["errors"]) == (None, [], 1)


def test_github_gets_an_annotation_for_each_problem_and_nothing_else() -> None:
    done = check("misspelt_path", "--format", "github")

    assert done.exit_code == 1
    assert done.stdout == (
        "::error file=tests/mapping/broken_mappings/misspelt_path/a.b.yaml,line=7,col=24,title=unknown-path::"
        "no example of a/b has 'customer.points_balnace' (did you mean 'customer.points_balance'?); "
        "correct the path, or add an example that has it\n"
    )
    assert check("path_that_never_counts", "--format", "github").stdout.startswith("::warning file=")
    assert mappings("check", "--format", "github").stdout == ""


def test_annotations_for_github_are_escaped() -> None:
    problem = Problem("a,b: c%.yaml", 1, 2, "misfit", "100% of\nthe values, say: all\r")

    (line,) = lines(Report(problems=(problem,), mappings=None), Path(), "github")

    assert line == ("::error file=a%2Cb%3A c%25.yaml,line=1,col=2,title=misfit::100%25 of%0Athe values, say: all%0D")


def test_a_code_is_explained() -> None:
    done = mappings("check", "--explain", "unknown-path")

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "unknown-path (error)",
        "No example of the topics that use this path has it; most often the path is misspelt.",
        "Correct the path, or add an example that has it.",
    ]
    assert json.loads(mappings("check", "--explain", "misfit", "--format", "json").stdout)["severity"] == "error"


def test_an_unknown_code_is_reported_with_the_closest_code() -> None:
    done = mappings("check", "--explain", "unknown-paths")

    assert done.exit_code == 1
    assert "there is no code 'unknown-paths' (did you mean 'unknown-path'?)" in done.stderr


def test_our_own_files_are_checked_in_about_a_second() -> None:
    def measure() -> float:
        started = time.process_time()
        mappings("check")
        return time.process_time() - started

    measure()
    assert quickest(measure, below=2) < 2


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Mapping files, one overlay, and an example for each."""
    (tmp_path / "a.b.yaml").write_text(TOPIC)
    example(tmp_path / "examples/a.b/documented", {"customer": {"email": "ann@example.com", "level": "2", "score": 1}})
    (tmp_path / "overlays/outlet").mkdir(parents=True)
    (tmp_path / "overlays/outlet/a.b.yaml").write_text(OVERLAY)
    example(
        tmp_path / "overlays/outlet/examples/a.b/graded",
        {"customer": {"email": "ann@example.com", "grade": "B", "score": 1}},
    )
    assert mappings("test", "--directory", tmp_path, "--accept").exit_code == 0
    return tmp_path


def example(path: Path, webhook: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(webhook))


def attributes(directory: Path, case: str) -> Any:
    return json.loads((directory / f"{case}.expected.json").read_text())["users"][0]["attributes"]


def test_the_examples_of_an_overlay_run_by_its_rules(directory: Path) -> None:
    assert attributes(directory, "examples/a.b/documented") == {"level": "2", "score": 1}
    assert attributes(directory, "overlays/outlet/examples/a.b/graded") == {"level": "B"}
    done = mappings("test", "--directory", directory)
    assert (done.exit_code, done.stdout) == (0, "2 pairs, 0 differ\n")
    assert mappings("check", "--directory", directory, "--strict").exit_code == 0


def test_differences_are_shown_value_by_value(directory: Path) -> None:
    expected = directory / "overlays/outlet/examples/a.b/graded.expected.json"
    expected.write_text(expected.read_text().replace('"B"', '"A"').replace('"level"', '"name": true,\n"level"'))

    done = mappings("test", "--directory", directory)

    assert done.exit_code == 1
    assert done.stdout == (
        "a.b/graded (outlet)\n"
        "  users.0.attributes.name: nothing, expected: true\n"
        '  users.0.attributes.level: "B", expected: "A"\n'
        "2 pairs, 1 differs\n"
    )


def test_a_pair_that_cannot_run_differs_and_the_others_still_run(directory: Path) -> None:
    (directory / "examples/a.b/another.json").write_text('{"topic": "c/d"}')
    (directory / "examples/a.b/broken.json").write_text("{")

    done = mappings("test", "--directory", directory)

    assert done.exit_code == 1
    assert "the webhook has the topic c/d; move it to that topic's directory" in done.stdout
    assert "broken.json:1:2: example-syntax: this is not valid JSON" in done.stdout
    assert done.stdout.endswith("4 pairs, 2 differ\n")


def test_an_example_without_expectation_is_shown_and_can_be_accepted(tmp_path: Path) -> None:
    shutil.copytree(BROKEN_MAPPINGS / "example_without_what_is_expected", tmp_path, dirs_exist_ok=True)

    done = mappings("test", "--directory", tmp_path)
    assert '  users.0.attributes.name: "Ann", expected: nothing' in done.stdout.splitlines()
    assert mappings("test", "--directory", tmp_path, "--accept").stdout == "1 pair, 1 rewritten\n"
    assert mappings("check", "--directory", tmp_path, "--strict").exit_code == 0
