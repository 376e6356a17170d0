"""`connector mappings activate | rollback | versions | export`, with a journal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from connector import mapping
from connector.journal import mapping_sets
from connector.settings import DEFAULT_MAPPINGS
from tests.delivery.pipelines import NOW, Connector, balance_files, changed

if TYPE_CHECKING:
    from pathlib import Path

    from connector.journal.database import Database
    from connector.mapping import MappingSet
    from tests.commands import Cli
    from tests.conftest import Insider

A, B = (mapping.load_files(balance_files(name)) for name in "ab")
WHO = ("--reason", "better", "--by", "ann")


@pytest.fixture
def directories(tmp_path: Path) -> dict[str, str]:
    """The directories of the files of A and of B."""
    for mappings, name in ((A, "a"), (B, "b")):
        (tmp_path / name).mkdir()
        for file, content in mappings.files.items():
            (tmp_path / name / file).write_bytes(content)
    return {name: str(tmp_path / name) for name in "ab"}


def change(active: str, before: str, *, changed: bool = True) -> dict[str, Any]:
    return {"active": active, "before": before, "changed": changed}


def refusal(cli: Cli, *arguments: str) -> str:
    done = cli.run("mappings", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_directory_is_activated_rolled_back_and_activated_again_by_its_version(
    cli: Cli, directories: dict[str, str], connector: Connector, insider: Insider, mappings: MappingSet
) -> None:
    assert cli.json("mappings", "activate", directories["a"], *WHO) == change(A.version, "release")
    assert cli.json("mappings", "activate", directories["b"], *WHO) == change(B.version, A.version)
    connector.receive(changed("ann@example.com", 7, NOW))
    connector.pipeline.advance(seconds=60)
    assert insider.user("ann@example.com")["custom"] == {"b_one": 7, "b_two": 7}

    rolled_back = cli.run("mappings", "rollback", "--reason", "worse", "--by", "bob")
    assert rolled_back.stdout == f"{A.version} is active now; {B.version} was active before.\n"
    by_version = cli.json("mappings", "activate", "--version", B.version[:6], *WHO)
    assert by_version == change(B.version, A.version)
    again = cli.run("mappings", "activate", "--version", B.version, *WHO)
    assert (again.returncode, again.stdout) == (0, f"{B.version} is already active; nothing was changed.\n")

    assert [(entry["actor"], entry["action"], entry["reason"]) for entry in cli.json("audit")] == [
        ("ann", "mappings.activate", "better"),
        ("bob", "mappings.rollback", "worse"),
        ("ann", "mappings.activate", "better"),
        ("ann", "mappings.activate", "better"),
    ]
    listed = cli.json("mappings", "versions", "--count")
    assert [(row["version"], row["state"], row["topics"], row["events"]) for row in listed] == [
        (B.version, "active", 1, 1),
        ("release", None, None, None),
        (A.version, None, 1, 0),
        # The files of the release, which its workers have stored.
        (mappings.version, None, len(mappings.topics), 0),
    ]
    assert (listed[2]["actor"], listed[2]["reason"]) == ("bob", "worse")


def test_the_files_of_each_release_are_activated_again(cli: Cli, directories: dict[str, str]) -> None:
    assert cli.json("mappings", "activate", "--release", *WHO) == change("release", "release", changed=False)
    cli.json("mappings", "activate", directories["a"], *WHO)

    assert cli.json("mappings", "activate", "--release", *WHO) == change("release", A.version)

    first, second = cli.json("mappings", "versions")
    assert (first["version"], first["state"], first["reason"]) == ("release", "active", "better")
    assert (second["version"], "events" in second) == (A.version, False)
    assert cli.run("mappings", "versions").stdout.splitlines()[1].startswith("release")


def test_a_set_that_cannot_be_activated_is_reported_and_changes_nothing(cli: Cli, directories: dict[str, str]) -> None:
    cli.json("mappings", "activate", directories["a"], *WHO)

    wrong = refusal(cli, "activate", "tests/mapping/broken_mappings/duplicate_key", *WHO)
    assert "a.b.yaml:8:7: " in wrong
    assert f"there is no mapping set 'fff'; there are {A.version}" in refusal(cli, "activate", "--version", "fff", *WHO)
    for choice in ((), (directories["b"], "--release"), ("--version", A.version, "--release")):
        assert "say which set: a DIRECTORY, --version VERSION or --release" in refusal(cli, "activate", *choice, *WHO)

    assert cli.json("mappings", "rollback", *WHO) == change("release", A.version)
    assert "nothing was active before release" in refusal(cli, "rollback", *WHO)
    assert len(cli.json("audit")) == 2


def keep(database: Database, version: str, files: dict[str, bytes]) -> None:
    with database.connection() as connection:
        mapping_sets.keep(connection, version, files, topics=1)


def test_a_kept_set_that_no_longer_loads_is_not_activated_but_may_be_exported(
    cli: Cli, database: Database, tmp_path: Path
) -> None:
    keep(database, "strange", {"a.b.yaml": b"rules: {}\n"})

    assert "a.b.yaml:1:1: " in refusal(cli, "activate", "--version", "strange", *WHO)
    cli.json("mappings", "export", "strange", str(tmp_path / "new"))

    assert (tmp_path / "new" / "a.b.yaml").read_bytes() == b"rules: {}\n"


def of_release(tmp_path: Path) -> MappingSet:
    """The files of this release, with an overlay of a store."""
    directory = tmp_path / "release"
    shutil.copytree(DEFAULT_MAPPINGS, directory, ignore=shutil.ignore_patterns("examples", "tables"))
    (directory / "overlays" / "outlet").mkdir(parents=True)
    (directory / "overlays" / "outlet" / "groups.yaml").write_text(
        "customer:\n  attributes:\n    name: {text: last_name}\n"
    )
    return mapping.load(directory)


def test_an_exported_set_is_the_same_set(cli: Cli, database: Database, tmp_path: Path) -> None:
    mappings = of_release(tmp_path)
    keep(database, mappings.version, dict(mappings.files))
    new = tmp_path / "new" / "deep"

    (result,) = cli.json("mappings", "export", mappings.version[:8], str(new))

    assert result == {"version": mappings.version, "directory": str(new), "files": len(mappings.files)}
    assert mapping.load(new).version == mappings.version
    assert (new / "overlays" / "outlet" / "groups.yaml").exists()


def test_an_export_overwrites_nothing(
    cli: Cli, database: Database, tmp_path: Path, directories: dict[str, str]
) -> None:
    keep(database, B.version, dict(B.files))

    assert f"{directories['a']} is not empty" in refusal(cli, "export", B.version, directories["a"])
    assert "there is no mapping set 'fff'" in refusal(cli, "export", "fff", directories["a"])

    assert mapping.load(tmp_path / "a").version == A.version


@pytest.mark.parametrize("name", ["../outside.yaml", "overlays/../../outside.yaml", "{tmp_path}/outside.yaml"])
def test_no_file_is_written_outside_of_the_directory(cli: Cli, database: Database, tmp_path: Path, name: str) -> None:
    keep(database, "sly", {"a.b.yaml": b"", name.format(tmp_path=tmp_path): b""})

    assert "would be outside of" in refusal(cli, "export", "sly", str(tmp_path / "new"))

    assert list(tmp_path.iterdir()) == []
