"""Finds the mapping set that an operator names: the active set, a directory, a kept version, a git revision."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from connector.errors import MappingError, OperatorError
from connector.mapping import load, load_files
from connector.workshop import activation, revisions
from tests import MAPPINGS
from tests.mapping.shipped import SET

if TYPE_CHECKING:
    from pathlib import Path

    from connector.journal.database import Database

OVERLAY = """\
topic: swell/points/changed
description: The outlet shows no tier.
users:
  - person: customer
    attributes: {yotpo_vip_tier_name: {omit: true}}
"""


def git(directory: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, "-C", str(directory), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """A directory of mapping files in a git work tree, with changes since the commit."""
    directory = tmp_path / "store" / "mappings"
    overlay = directory / "overlays" / "outlet"
    overlay.mkdir(parents=True)
    for file in MAPPINGS.glob("*.yaml"):
        shutil.copy(file, directory)
    (overlay / "swell.points.changed.yaml").write_text(OVERLAY)
    # Neither belongs to the set.
    (directory / "tables").mkdir()
    (directory / "tables" / "notes.yaml").write_text("none: of it\n")
    (tmp_path / "other.yaml").write_text("none: of it\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    (directory / "groups.yaml").write_text((directory / "groups.yaml").read_text() + "# changed\n")
    return directory


def test_a_revision_of_git_holds_the_files_as_they_were_committed(work_tree: Path) -> None:
    now = load(work_tree)

    found = revisions.find("HEAD", directory=work_tree, connection=None, release=work_tree)

    commit = git(work_tree, "rev-parse", "HEAD")
    assert found.name == f"HEAD ({commit[:12]})"
    assert {name for name in now.files if found.mappings.files[name] != now.files[name]} == {"groups.yaml"}
    assert found.mappings.files.keys() == now.files.keys()
    assert list(found.mappings.overlays) == ["outlet"]


@pytest.mark.parametrize("word", ["nothing", "--help", "-h", "HEAD:mappings", "^HEAD", "HEAD..HEAD"])
def test_a_revision_that_git_does_not_know_is_reported(work_tree: Path, word: str) -> None:
    with pytest.raises(OperatorError, match="it is not a git revision"):
        revisions.find(word, directory=work_tree, connection=None, release=work_tree)


def test_a_directory_outside_of_any_work_tree_has_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="it is not a git revision"):
        revisions.find("HEAD", directory=tmp_path, connection=None, release=MAPPINGS)


def test_a_directory_is_used_as_it_is(work_tree: Path) -> None:
    found = revisions.find(str(MAPPINGS), directory=work_tree, connection=None, release=work_tree)

    assert (found.name, found.mappings.version) == (str(MAPPINGS), SET.version)


def test_without_a_journal_the_active_set_is_unknown() -> None:
    with pytest.raises(OperatorError, match="set DATABASE_URL"):
        revisions.find("active", directory=MAPPINGS, connection=None, release=MAPPINGS)


def test_the_active_set_is_the_releases_until_another_is_activated(database: Database, work_tree: Path) -> None:
    with database.connection() as connection:

        def active() -> revisions.Revision:
            return revisions.find("active", directory=work_tree, connection=connection, release=MAPPINGS)

        assert (active().name, active().mappings.version) == (f"active ({SET.version})", SET.version)
        other = load(work_tree)
        activation.keep(connection, other)
        activation.activate(connection, other.version, actor="ann", reason="a test")

        assert active().mappings.version == other.version


def test_a_kept_version_is_found_by_its_beginning_before_git_is_asked(database: Database, work_tree: Path) -> None:
    kept = load_files({name: text for name, text in SET.files.items() if name != "loyalty.opt_in.yaml"})
    with database.connection() as connection:
        activation.keep(connection, kept)

        found = revisions.find(kept.version[:6], directory=work_tree, connection=connection, release=MAPPINGS)
        by_git = revisions.find("HEAD", directory=work_tree, connection=connection, release=MAPPINGS)
        with pytest.raises(OperatorError, match=f"there is no mapping set 'nothing'; there are {kept.version}"):
            revisions.find("nothing", directory=work_tree, connection=connection, release=MAPPINGS)

    assert (found.name, found.mappings.version) == (kept.version, kept.version)
    assert by_git.name.startswith("HEAD (")


def test_a_revision_without_mapping_files_cannot_be_loaded(work_tree: Path) -> None:
    new = work_tree.parent / "new"
    new.mkdir()

    with pytest.raises(MappingError, match="there is no mapping file"):
        revisions.find("HEAD", directory=new, connection=None, release=work_tree)
