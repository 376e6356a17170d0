"""Strict loading: each directory of `broken_mappings` holds one mistake, and the exact error that tells it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import MappingError
from connector.mapping import load

BROKEN = Path(__file__).parent / "broken_mappings"
MAPPINGS = Path(__file__).parent.parent / "mappings"

SMALL = """\
topic: a/b
description: Something has happened.
users:
  - person: customer
    identifiers: {email: customer.email}
    attributes:
      name: {text: customer.first_name}
"""


@pytest.mark.parametrize("broken", sorted(BROKEN.iterdir()), ids=lambda path: path.name)
def test_each_mistake_is_told_with_its_place(broken: Path) -> None:
    with pytest.raises(MappingError) as caught:
        load(broken)

    assert (broken / "expected.txt").read_text() == f"{caught.value}\n"


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such directory"):
        load(tmp_path / "nowhere")


def test_a_directory_without_mappings(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="there is no mapping file of a topic"):
        load(tmp_path)


def test_yaml_words_and_numbers_stay_the_text_that_was_typed(tmp_path: Path) -> None:
    (tmp_path / "a.b.yaml").write_text(
        SMALL.replace("Something has happened.", "NO").replace("customer.email", "on.012")
    )

    mapping = load(tmp_path).get("a/b")

    assert mapping is not None
    assert mapping.description == "NO"


def test_the_version_is_that_of_all_files(tmp_path: Path) -> None:
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
        *"{}[]|>#?%@~\"'\t\x00\ufeffé",
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
        "---",
        "null",
    ]
)


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(SMALL)), cut=st.integers(0, 30), word=WORDS | st.text(max_size=3))
def test_a_spoilt_file_gives_a_mapping_error_or_loads_but_never_a_traceback(position: int, cut: int, word: str) -> None:
    spoilt = SMALL[:position] + word + SMALL[position + cut :]
    with TemporaryDirectory() as directory:
        (Path(directory) / "a.b.yaml").write_bytes(spoilt.encode("utf-8", "surrogatepass"))
        try:
            load(Path(directory))
        except MappingError as error:
            for line in str(error).splitlines():
                assert re.fullmatch(r"a\.b\.yaml:\d+:\d+: .+", line), line
