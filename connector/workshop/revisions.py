"""Finds the mapping set that an operator names: the active set, a directory, a stored version, or a git revision."""

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
    """A mapping set and its name for the operator."""

    name: str
    mappings: MappingSet


def find(word: str, *, directory: Path, connection: Connection | None, release: Path) -> Revision:
    """Return the mapping set that `word` names.

    `find` tries these meanings in order, and uses the first match: ``active`` for the active set; a directory; the
    beginning of a version that the journal has stored; a git revision, if `directory` is in a work tree. `release` is
    the directory with the mapping files of the release. Without `connection`, `find` does not look in the journal.
    Raises OperatorError if no set has this name, and MappingError if the set cannot be loaded.
    """
    if word == ACTIVE:
        if connection is None:
            raise OperatorError("the journal knows which set is active: set DATABASE_URL, or name a directory")
        loaded = activation.MappingSets(mapping.load(release)).active(connection)
        return Revision(f"active ({loaded.version})", loaded)
    if Path(word).is_dir():
        return Revision(word, mapping.load(Path(word)))
    problems = ["not a directory"]
    if connection is not None:
        try:
            version = mapping_sets.find(connection, word)
        except OperatorError as error:
            problems.append(str(error))
        else:
            return Revision(version, activation.load(connection, version))
    commit = _commit(directory, word)
    if commit is None:
        raise OperatorError(f"{word!r} is {'; '.join(problems)}; and it is not a git revision in {directory}")
    return Revision(f"{word} ({commit[:12]})", mapping.load_files(_files(directory, commit)))


def _commit(directory: Path, revision: str) -> str | None:
    """Return the hash of a commit; None if the directory is not in a work tree, or git does not know the revision."""
    if revision.startswith("-") or not shutil.which("git"):
        return None
    commit = (_git(directory, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") or b"").decode().strip()
    return commit if _HASH.fullmatch(commit) else None


def _files(directory: Path, commit: str) -> dict[str, bytes]:
    """Return the contents of the mapping files that a directory has in a commit, by name."""
    listed = _git(directory, "ls-tree", "-r", "-z", "--name-only", commit) or b""
    names = [name for name in listed.decode().split("\0") if _is_mapping_file(PurePosixPath(name))]
    return {name: _git(directory, "cat-file", "blob", f"{commit}:./{name}") or b"" for name in names}


def _is_mapping_file(name: PurePosixPath) -> bool:
    """Whether `mapping.read_files` would read a file with this name."""
    return name.suffix in {".yaml", ".yml"} and (len(name.parts) == 1 or name.parts[:-2] == ("overlays",))


def _git(directory: Path, *arguments: str) -> bytes | None:
    """Run git in a directory, and return its output; None if git fails."""
    process = subprocess.run(  # noqa: S603 - no shell is used; no argument from a user begins with a hyphen
        ["git", "-C", str(directory), *arguments],  # noqa: S607 - runs the git of the operator's PATH
        capture_output=True,
        timeout=_GIT_SECONDS,
        check=False,
    )
    return process.stdout if process.returncode == 0 else None
