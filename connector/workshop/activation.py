"""Which mapping set is in force: what operators make active, and what each process takes up of it.

As long as nobody has made a set active, each release maps by its own files. A set that is active stays so over
releases, until another is, or until the files of each release are made active again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector import mapping, observability
from connector.errors import MappingError, OperatorError
from connector.journal import audit, mapping_sets
from connector.journal.mapping_sets import RELEASE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.journal.database import Connection
    from connector.mapping import MappingSet

#: So many sets stay compiled in a process, less than a megabyte each: enough to go to and fro between them.
_COMPILED = 8

_log = observability.logger("mappings")


class MappingSets:
    """The mapping sets that a process works with: the one in force, and those of the past. Compiles each once."""

    def __init__(self, release: MappingSet) -> None:
        self._release = release
        self._is_release_kept = False
        #: What was active when last asked, and what is mapped by since. None: the files of the release.
        self._active: str | None = None
        self._in_force = release
        #: By version, the last used at the end.
        self._compiled: dict[str, MappingSet] = {}

    def in_force(self, connection: Connection) -> MappingSet:
        """Return the set to map by: the active one; where this release cannot load it, the one in force until now.

        The journal keeps it by then, and the release's own; `connection` is in autocommit, so that it stays kept.
        """
        version = mapping_sets.active(connection).version
        if version != self._active:
            self._take_up(connection, version)
            self._active = version
        if not self._is_release_kept:
            keep(connection, self._release)
            self._is_release_kept = True
        return self._in_force

    def active(self, connection: Connection) -> MappingSet:
        """Return the active set. Raises MappingError where this release cannot load it."""
        version = mapping_sets.active(connection).version
        return self._of_version(connection, version) if version else self._release

    def of_versions(
        self, connection: Connection, versions: Iterable[str | None]
    ) -> tuple[dict[str | None, MappingSet], dict[str | None, str]]:
        """Return sets by version, and why the others are not to be had: unknown, or this release cannot load them."""
        found: dict[str | None, MappingSet] = {}
        problems: dict[str | None, str] = {}
        for version in versions:
            if version is None:
                problems[None] = "no mapping set has mapped them"
                continue
            try:
                found[version] = self._of_version(connection, version)
            except MappingError as error:
                problems[version] = _first_line(error)
        return found, problems

    def _take_up(self, connection: Connection, version: str | None) -> None:
        before = self._in_force.version
        try:
            self._in_force = self._of_version(connection, version) if version else self._release
        except MappingError as error:
            _log.error("mappings.refused", version=version, problem=_first_line(error), in_force=before)
        else:
            _log.info("mappings.taken_up", version=self._in_force.version, before=before)

    def _of_version(self, connection: Connection, version: str) -> MappingSet:
        if version == self._release.version:
            return self._release
        found = self._compiled.pop(version, None) or load(connection, version)
        self._compiled[version] = found
        if len(self._compiled) > _COMPILED:
            del self._compiled[next(iter(self._compiled))]
        return found


class Change(NamedTuple):
    """What an operator's word has changed. Versions, or `RELEASE` for the files of each release."""

    active: str
    before: str
    #: False where it was active already, and nothing was changed.
    changed: bool


def load(connection: Connection, version: str) -> MappingSet:
    """Load a set that the journal keeps. Raises MappingError where it is not kept, or this release cannot load it."""
    files = mapping_sets.files(connection, version)
    if not files:
        raise MappingError(f"the journal keeps no mapping set {version!r}")
    try:
        loaded = mapping.load_files(files)
    except MappingError:
        raise
    except Exception as error:
        # Whatever a set of another release does to this one, it must not stop the workers.
        raise MappingError(f"the mapping set {version} cannot be loaded ({type(error).__name__})") from error
    if loaded.version != version:
        raise MappingError(f"the kept files of the mapping set {version} are not those that it had; take another set")
    return loaded


def keep(connection: Connection, mappings: MappingSet) -> None:
    """Keep a set in the journal, unless it is kept already."""
    mapping_sets.keep(connection, mappings.version, mappings.files, topics=len(mappings.topics))


def activate(connection: Connection, version: str | None, *, actor: str, reason: str) -> Change:
    """Make a kept set active, or with None the files of each release.

    Raises MappingError where this release cannot load it. Where two operators do so at once, the later one counts.
    """
    if version:
        load(connection, version)
    before = mapping_sets.lock(connection)
    if version == before.version:
        return Change(_named(version), _named(version), changed=False)
    mapping_sets.activate(connection, version, previous_id=before.id, actor=actor, reason=reason)
    return _changed(connection, "mappings.activate", version, before.version, actor=actor, reason=reason)


def rollback(connection: Connection, *, actor: str, reason: str) -> Change:
    """Make active what was so before; said again, what was so before that.

    Never forward to what was left by a rollback: whoever asks twice still sees trouble. Raises OperatorError where
    nothing was active before, where it cannot be loaded, and where another operator has changed something just now.
    """
    seen = mapping_sets.active(connection)
    current = mapping_sets.lock(connection)
    if current.id != seen.id:
        raise OperatorError(
            f"{current.actor} has made {_named(current.version)} active just now, so nothing was rolled back; "
            "look at `connector mappings versions` first"
        )
    if current.previous_id is None:
        raise OperatorError(f"nothing was active before {_named(current.version)}; see `connector mappings versions`")
    previous = mapping_sets.activation(connection, current.previous_id)
    if previous.version:
        _loadable(connection, previous.version)
    mapping_sets.activate(connection, previous.version, previous_id=previous.previous_id, actor=actor, reason=reason)
    return _changed(connection, "mappings.rollback", previous.version, current.version, actor=actor, reason=reason)


def _loadable(connection: Connection, version: str) -> None:
    try:
        load(connection, version)
    except MappingError as error:
        raise OperatorError(
            f"{version}, which was active before, cannot be loaded by this release ({_first_line(error)}), so nothing "
            "was changed; `connector mappings activate` takes another `--version`, or `--release`"
        ) from error


def _changed(
    connection: Connection, action: str, version: str | None, before: str | None, *, actor: str, reason: str
) -> Change:
    change = Change(_named(version), _named(before), changed=True)
    audit.write(connection, actor=actor, action=action, reason=reason, active=change.active, before=change.before)
    return change


def _named(version: str | None) -> str:
    return version or RELEASE


def _first_line(error: MappingError) -> str:
    return str(error).partition("\n")[0]
