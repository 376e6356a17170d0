"""Which mapping set is in force: operators activate a set, and each process starts to use it.

If no set was activated, each release uses its own files. An active set stays active over releases, until an operator
activates another set, or the files of each release again.
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

#: How many compiled sets a process keeps, each less than a megabyte: enough to switch between sets.
_COMPILED = 8

_log = observability.logger("mappings")


class MappingSets:
    """The mapping sets that a process uses: the one in force, and earlier ones. Compiles each set once."""

    def __init__(self, release: MappingSet) -> None:
        self._release = release
        self._is_release_kept = False
        #: The version that was active at the last query. None: the files of the release.
        self._active: str | None = None
        #: The set that this process maps with since then.
        self._in_force = release
        #: By version. The last used set is at the end.
        self._compiled: dict[str, MappingSet] = {}

    def in_force(self, connection: Connection) -> MappingSet:
        """Return the set to map with: the active set, or the previous one if this release cannot load the active set.

        The journal keeps this set, and the release's own. `connection` is in autocommit, so the sets stay kept.
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
        """Return the sets by version, and for each missing set the reason: unknown, or this release cannot load it."""
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
    """The result of an operator's command. The sets are versions, or `RELEASE` for the files of each release."""

    active: str
    before: str
    #: False if the set was active already, so nothing was changed.
    changed: bool


def load(connection: Connection, version: str) -> MappingSet:
    """Load a set from the journal. Raises MappingError if it is not there, or this release cannot load it."""
    files = mapping_sets.files(connection, version)
    if not files:
        raise MappingError(f"the journal keeps no mapping set {version!r}")
    try:
        loaded = mapping.load_files(files)
    except MappingError:
        raise
    except Exception as error:
        # A set from another release may break this one in unknown ways. That must not stop the workers.
        raise MappingError(f"the mapping set {version} cannot be loaded ({type(error).__name__})") from error
    if loaded.version != version:
        raise MappingError(f"the kept files of the mapping set {version} do not match its version; use another set")
    return loaded


def keep(connection: Connection, mappings: MappingSet) -> None:
    """Store a set in the journal, unless it is there already."""
    mapping_sets.keep(connection, mappings.version, mappings.files, topics=len(mappings.topics))


def activate(connection: Connection, version: str | None, *, actor: str, reason: str) -> Change:
    """Activate a set that the journal keeps; None activates the files of each release.

    Raises MappingError if this release cannot load the set. If two operators do this at once, the later one wins.
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

    A rollback never returns to a set that a rollback has left: an operator who rolls back twice still sees trouble.
    Raises OperatorError if nothing was active before, if the set cannot be loaded, or if another operator has
    activated a set just now.
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
