"""Strict loading: what the loader refuses, with which messages, and that no file makes it fail in another way."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import MappingError
from connector.mapping import load, load_files, read_files
from connector.mapping.checking import reports
from tests import BROKEN_MAPPINGS, MAPPINGS

SMALL = """\
topic: a/b
description: Something has happened.
users:
  - person: customer
    identifiers: {email: customer.email}
    attributes:
      name: {text: customer.first_name}
"""
WEBHOOK = '{"customer": {"email": "ann@example.com", "first_name": "Ann"}}'


@pytest.mark.parametrize("broken", sorted(BROKEN_MAPPINGS.iterdir()), ids=lambda path: path.name)
def test_the_loader_refuses_errors_in_the_words_of_the_check_and_passes_over_warnings(broken: Path) -> None:
    expected = (broken / "expected.txt").read_text()

    refused, loaded = loads(broken)

    # A set that loads can run, but does not do what its author meant: only the check reports that.
    assert refused in {expected, ""}
    assert (reports.check(broken).mappings is not None) == loaded


def loads(directory: Path) -> tuple[str, bool]:
    """Return the loader's problems with the files, and whether it accepts them."""
    try:
        load(directory)
    except MappingError as error:
        return f"{error}\n", False
    return "", True


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such directory"):
        load(tmp_path / "nowhere")


def test_a_directory_without_mappings(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="there is no mapping file for a topic"):
        load(tmp_path)


def test_a_file_name_that_is_not_text_belongs_to_no_topic(tmp_path: Path) -> None:
    (tmp_path / "a.b.yaml").write_text(SMALL)
    try:
        Path(f"{tmp_path}/\udcff.yaml").write_text(SMALL.replace("a/b", "c/d"))
    except OSError:
        pytest.skip("this file system takes only names that are text")

    with pytest.raises(MappingError, match=r"\\udcff\.yaml:1:8: file-name: .* must be named c\.d\.yaml"):
        load(tmp_path)


def test_directories_that_are_hidden_hold_no_mapping_files(tmp_path: Path) -> None:
    for name in ("a.b.yaml", ".a.b.yaml", ".vscode/settings.yaml", "examples/a.b/notes.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(SMALL)

    assert list(read_files(tmp_path)) == ["a.b.yaml"]


def test_yaml_words_and_numbers_stay_the_text_that_was_typed(tmp_path: Path) -> None:
    (tmp_path / "a.b.yaml").write_text(
        SMALL.replace("Something has happened.", "NO").replace("customer.email", "on.012")
    )

    mapping = load(tmp_path).get("a/b")

    assert mapping is not None
    assert mapping.description == "NO"


@pytest.mark.parametrize(
    "written",
    [
        "\ufeff" + SMALL,
        SMALL.replace("\n", "\r\n"),
        "---\n" + SMALL + "...\n",
        SMALL + "# Ünïcödé\n",
        SMALL.replace("{text: customer.first_name}", "{text: customer.first_name} # why"),
        SMALL.replace("{text: customer.first_name}", '{"text": [customer.first_name,],}'),
        SMALL.replace("Something has happened.", ">\n  Something\n  has happened."),
        SMALL + "    events:\n      - {label: It Happened, name: it_happened}\n",
    ],
    ids=["mark", "windows", "document", "comment", "comment behind", "JSON", "folded", "event without params"],
)
def test_other_ways_to_write_a_mapping_load_as_well(written: str) -> None:
    assert load_files({"a.b.yaml": written.encode()}).topics == ("a/b",)


def test_a_list_with_the_most_allowed_paths_can_be_run() -> None:
    paths = ", ".join(f"customer.a{number}" for number in range(20))

    (mapping,) = load_files({"a.b.yaml": SMALL.replace("customer.first_name", f"[{paths}]").encode()}).by_topic.values()

    (user,) = mapping.users
    notes: list[object] = []
    filled = user.fill({"customer": {"a19": "Ann"}}, {}, None, notes)  # type: ignore[arg-type]
    assert filled is not None
    assert filled.attributes == {"name": "Ann"}


def test_the_version_depends_on_all_files(tmp_path: Path) -> None:
    copy = tmp_path / "mappings"
    shutil.copytree(MAPPINGS, copy)
    assert load(copy).version == load(MAPPINGS).version

    for name in ("swell.points.changed.yaml", "groups.yaml"):
        before = load(copy).version
        (copy / name).write_text((copy / name).read_text() + "# a comment\n")
        assert load(copy).version != before


def test_only_the_snapshot_starts_no_journeys() -> None:
    mappings = load(MAPPINGS)

    assert [topic for topic in mappings.topics if mappings.by_topic[topic].skip_hook] == ["customer/snapshot"]


WORDS = st.sampled_from(
    [
        *"{}[]|>#?%@~\"'\t\x00\ufeff\xa0é",
        "users:",
        "- ",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "&a ",
        "*a",
        "!!int ",
        "<<: ",
        "<<: *a",
        "---",
        "null",
        "{{ a }}",
        "{omit: true}",
        "{always: NO}",
        "[a, a.b, a]",
        "{year: a, month: b, day: c}",
        "0",
        "overlays",
        "<<<<<<< ",
        "\r",
        "\u2028",
    ]
)


def spoil(text: str, position: int, cut: int, word: str) -> bytes:
    position %= len(text) + 1
    return (text[:position] + word + text[position + cut :]).encode("utf-8", "surrogatepass")


@given(position=st.integers(0, len(SMALL)), cut=st.integers(0, 30), word=WORDS | st.text(max_size=3))
def test_a_spoilt_file_gives_a_mapping_error_or_loads_but_never_a_traceback(position: int, cut: int, word: str) -> None:
    try:
        load_files({"a.b.yaml": spoil(SMALL, position, cut, word)})
    except MappingError as error:
        for line in str(error).splitlines():
            assert re.fullmatch(r"(a\.b\.yaml|\.):\d+:\d+: [a-z-]+: .+", line), line


SET = {
    "groups.yaml": "customer:\n  identifiers: {email: email}\n  attributes:\n    name: {text: [first_name, name]}\n",
    "a.b.yaml": SMALL.replace("    identifiers: {email: customer.email}\n", "    include: [customer]\n").replace(
        "      name: {text: customer.first_name}\n",
        "      level: {always: 5}\n    events:\n      - {label: It Happened, name: it_happened}\n",
    ),
    "overlays/outlet/a.b.yaml": SMALL.replace("name: {text: customer.first_name}", "name: {omit: true}"),
    "examples/a.b/documented.json": WEBHOOK,
    "examples/a.b/documented.expected.json": '{"users": []}',
    "examples/a.b/documented.options.json": '{"phone_region": "US", "overlay": null}',
    "overlays/outlet/examples/a.b/outlet.json": WEBHOOK,
}


@given(
    name=st.sampled_from(sorted(SET)),
    position=st.integers(0, 400),
    cut=st.integers(0, 30),
    word=WORDS | st.text(max_size=3),
)
def test_the_check_reports_in_lines_for_any_content_of_files_and_examples(
    name: str, position: int, cut: int, word: str
) -> None:
    with TemporaryDirectory() as directory:
        for file, text in SET.items():
            path = Path(directory) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(spoil(text, position, cut, word) if file == name else text.encode())

        report = reports.check(Path(directory))

    for problem in report.problems:
        assert re.fullmatch(r"[a-z./]+:\d+:\d+: [a-z-]+: .+", str(problem)), problem
        assert problem.line >= 1
        assert problem.column >= 1
    assert (report.mappings is None) <= bool(report.errors)
