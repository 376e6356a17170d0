"""Decides which mapping set is in force. An operator activates a set, and then each process starts to use it.

If no set was activated, each release uses its own files. A new release does not change the active set. The set stays
active until an operator activates another set, or the files of each release again.
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

#: How many compiled sets a process keeps, so that it can switch between sets. Each set needs less than a megabyte.
_COMPILED = 8

_log = observability.logger("mappings")


class MappingSets:
    """The mapping sets that a process uses: the set in force, and earlier sets. Keeps compiled sets for later use."""

    def __init__(self, release: MappingSet) -> None:
        self._release = release
        self._is_release_kept = False
        #: The version that was active at the last query; None for the files of the release.
        self._active: str | None = None
        #: The set that this process uses now. This is the previous set if the active set cannot be loaded.
        self._in_force = release
        #: The compiled sets by version. The set that was used last is at the end.
        self._compiled: dict[str, MappingSet] = {}

    def in_force(self, connection: Connection) -> MappingSet:
        """Return the set to map with: the active set, or the previous set if this release cannot load the active set.

        The journal stores the returned set and the release's own set. They stay stored, because `connection`
        is in autocommit.
        """
        version = mapping_sets.active(connection).version
        if version != self._active:
            self._switch_to(connection, version)
            self._active = version
        if not self._is_release_kept:
            keep(connection, self._release)
            self._is_release_kept = True
        return self._in_force

    def active(self, connection: Connection) -> MappingSet:
        """Return the active set. Raises MappingError if this release cannot load it."""
        version = mapping_sets.active(connection).version
        return self._of_version(connection, version) if version else self._release

    def of_versions(
        self, connection: Connection, versions: Iterable[str | None]
    ) -> tuple[dict[str | None, MappingSet], dict[str | None, str]]:
        """Return the sets by version, and for each missing set the reason: it is unknown, or it cannot be loaded."""
        sets: dict[str | None, MappingSet] = {}
        problems: dict[str | None, str] = {}
        for version in versions:
            if version is None:
                problems[None] = "no mapping set has mapped them"
                continue
            try:
                sets[version] = self._of_version(connection, version)
            except MappingError as error:
                problems[version] = _first_line(error)
        return sets, problems

    def _switch_to(self, connection: Connection, version: str | None) -> None:
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
        mappings = self._compiled.pop(version, None) or load(connection, version)
        self._compiled[version] = mappings
        if len(self._compiled) > _COMPILED:
            del self._compiled[next(iter(self._compiled))]
        return mappings


class Change(NamedTuple):
    """The result of an operator's command. A set is named by its version; `RELEASE` means the files of each release."""

    active: str
    before: str
    #: False if the set was active already. Then the command changed nothing.
    changed: bool


def load(connection: Connection, version: str) -> MappingSet:
    """Load a set from the journal. Raises MappingError if the set is not stored, or if this release cannot load it."""
    files = mapping_sets.files(connection, version)
    if not files:
        raise MappingError(f"the journal keeps no mapping set {version!r}")
    try:
        loaded = mapping.load_files(files)
    except MappingError:
        raise
    except Exception as error:
        # A set from another release may raise any exception in this release. The exception must not stop the workers.
        raise MappingError(f"the mapping set {version} cannot be loaded ({type(error).__name__})") from error
    if loaded.version != version:
        raise MappingError(f"the kept files of the mapping set {version} do not match its version; use another set")
    return loaded


def keep(connection: Connection, mappings: MappingSet) -> None:
    """Store a set in the journal, unless it is stored already."""
    mapping_sets.keep(connection, mappings.version, mappings.files, topics=len(mappings.topics))


def activate(connection: Connection, version: str | None, *, actor: str, reason: str) -> Change:
    """Activate a set that is stored in the journal; None activates the files of each release.

    Raises MappingError if this release cannot load the set. If two operators activate a set at the same time, the later
    activation is in force.
    """
    if version:
        load(connection, version)
    before = mapping_sets.lock(connection)
    if version == before.version:
        return Change(_named(version), _named(version), changed=False)
    mapping_sets.activate(connection, version, previous_id=before.id, actor=actor, reason=reason)
    return _changed(connection, "mappings.activate", version, before.version, actor=actor, reason=reason)


def rollback(connection: Connection, *, actor: str, reason: str) -> Change:
    """Activate the set that was active before. A second rollback goes one set further back.

    A rollback never returns to a set that an earlier rollback has replaced: an operator who rolls back twice wants
    neither of the two newer sets. Raises OperatorError if no set was active before, if the set cannot be loaded, or if
    another operator has just activated a set.
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
        _check_loadable(connection, previous.version)
    mapping_sets.activate(connection, previous.version, previous_id=previous.previous_id, actor=actor, reason=reason)
    return _changed(connection, "mappings.rollback", previous.version, current.version, actor=actor, reason=reason)


def _check_loadable(connection: Connection, version: str) -> None:
    """Raise OperatorError if this release cannot load a set."""
    try:
        load(connection, version)
    except MappingError as error:
        raise OperatorError(
            f"{version}, which was active before, cannot be loaded by this release ({_first_line(error)}), so nothing "
            "was changed; use `connector mappings activate` with another `--version`, or with `--release`"
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
