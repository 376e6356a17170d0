"""Finds the mapping set that an operator means: the active one, a kept version, a directory, or a revision of git."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from connector import mapping
from connector.errors import OperatorError
from connector.journal import mapping_sets
from connector.workshop import activation

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.mapping import MappingSet

ACTIVE = "active"
_HASH = re.compile("[0-9a-f]{40,64}")
_GIT_SECONDS = 60


class Revision(NamedTuple):
    """A mapping set, and what it is called."""

    name: str
    mappings: MappingSet


def find(word: str, *, directory: Path, connection: Connection | None, release: Path) -> Revision:
    """Find the set that a word means; the first that fits of the following counts.

    ``active``: the set in force, for which `release` holds the files of the release. A directory. The beginning of a
    version that the journal keeps. A revision of git, where `directory` lies in a work tree. Without a `connection`,
    the journal is not asked. Raises OperatorError where there is no such set, MappingError where it cannot be loaded.
    """
    if word == ACTIVE:
        if connection is None:
            raise OperatorError("the journal knows which set is active: set DATABASE_URL, or name a directory")
        loaded = activation.MappingSets(mapping.load(release)).active(connection)
        return Revision(f"active ({loaded.version})", loaded)
    if Path(word).is_dir():
        return Revision(word, mapping.load(Path(word)))
    problems = ["no directory"]
    if connection is not None:
        try:
            version = mapping_sets.find(connection, word)
        except OperatorError as error:
            problems.append(str(error))
        else:
            return Revision(version, activation.load(connection, version))
    commit = _commit(directory, word)
    if commit is None:
        raise OperatorError(f"{word!r} is {'; '.join(problems)}; and it is no revision of git in {directory}")
    return Revision(f"{word} ({commit[:12]})", mapping.load_files(_files(directory, commit)))


def _commit(directory: Path, revision: str) -> str | None:
    """Return the hash of a commit; None where the directory is in no work tree, or git knows no such revision."""
    if revision.startswith("-") or not shutil.which("git"):
        return None
    found = (_git(directory, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") or b"").decode().strip()
    return found if _HASH.fullmatch(found) else None


def _files(directory: Path, commit: str) -> dict[str, bytes]:
    """Read the mapping files of a directory as of a commit."""
    listed = _git(directory, "ls-tree", "-r", "-z", "--name-only", commit) or b""
    names = [name for name in listed.decode().split("\0") if _is_mapping_file(PurePosixPath(name))]
    return {name: _git(directory, "cat-file", "blob", f"{commit}:./{name}") or b"" for name in names}


def _is_mapping_file(name: PurePosixPath) -> bool:
    """Whether it is one of those that `mapping.read_files` reads."""
    return name.suffix in {".yaml", ".yml"} and (len(name.parts) == 1 or name.parts[:-2] == ("overlays",))


def _git(directory: Path, *arguments: str) -> bytes | None:
    """Ask git about a directory; None where it refuses."""
    done = subprocess.run(  # noqa: S603 - without a shell; what users write never begins with a hyphen
        ["git", "-C", str(directory), *arguments],  # noqa: S607 - whichever git the operator has
        capture_output=True,
        timeout=_GIT_SECONDS,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None
