"""Mapping sets: their files by version, and which set is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connector.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.journal.database import Connection

#: Lists of versions show this name for the mapping files that come with each release.
RELEASE = "release"
#: The key of the advisory lock that `lock` takes. The number itself has no meaning.
_LOCK = 0x6D617073657473
#: How many versions an error message lists.
_LISTED = 10


class Activation(NamedTuple):
    """One change of the active set."""

    id: int
    #: The set that became active. None: the files of each release.
    version: str | None
    #: The activation that a rollback goes back to; None if there was none before.
    previous_id: int | None
    actor: str
    activated_at: datetime


_ACTIVATION = "select id, version, previous_id, actor, activated_at from mapping_activations"


def active(connection: Connection) -> Activation:
    """Return the newest activation: its set is the active one."""
    row = connection.execute(f"{_ACTIVATION} order by id desc limit 1").fetchone()
    assert row is not None  # noqa: S101 - the migration has written the first
    return Activation(*row)


def activation(connection: Connection, activation_id: int) -> Activation:
    """Return the activation with this id."""
    row = connection.execute(f"{_ACTIVATION} where id = %s", (activation_id,)).fetchone()
    assert row is not None  # noqa: S101 - activations are never deleted
    return Activation(*row)


def lock(connection: Connection) -> Activation:
    """Return the newest activation, and prevent new activations until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    return active(connection)


def activate(connection: Connection, version: str | None, *, previous_id: int | None, actor: str, reason: str) -> None:
    """Make a stored set active, or the files of each release if `version` is None.

    The caller has to call `lock` first.
    """
    connection.execute(
        "insert into mapping_activations (version, previous_id, actor, reason) values (%s, %s, %s, %s)",
        (version, previous_id, actor, reason),
    )


def keep(connection: Connection, version: str, files: Mapping[str, bytes], *, topics: int) -> None:
    """Store a set with its files, unless it is stored already."""
    connection.execute(
        """
        with new as (
            insert into mapping_sets (version, topics) values (%s, %s) on conflict do nothing returning version
        )
        insert into mapping_files (version, name, content)
        select version, name, content from new, unnest(%s::text[], %s::bytea[]) as file (name, content)
        """,
        (version, topics, list(files), list(files.values())),
    )


def files(connection: Connection, version: str) -> dict[str, bytes]:
    """Return the contents of a set's files by name; empty if the set is not stored."""
    rows = connection.execute("select name, content from mapping_files where version = %s order by name", (version,))
    return {row.name: row.content for row in rows}


def find(connection: Connection, beginning: str) -> str:
    """Return the one version that starts with `beginning`.

    Raises OperatorError if no version or several versions match. The error message lists the possible versions.
    """
    rows = connection.execute("select version from mapping_sets order by first_seen_at desc, version")
    stored = [row.version for row in rows]
    matches = [version for version in stored if version.startswith(beginning)]
    if len(matches) == 1:
        return str(matches[0])
    if matches:
        raise OperatorError(f"{beginning!r} may mean {_listed(matches)}: write more of it")
    alternatives = f"there are {_listed(stored)}" if stored else "none is kept yet"
    raise OperatorError(f"there is no mapping set {beginning!r}; {alternatives}")


def newest(connection: Connection, *, limit: int) -> list[dict[str, Any]]:
    """Return the mapping sets, each with its last activation.

    The active set comes first, then the files of each release, then the other sets. The other sets are sorted by the
    time at which they were last activated or first seen, newest first.
    """
    rows = connection.execute(
        """
        select coalesce(sets.version, %(release)s) as version,
               case when last.id = (select max(id) from mapping_activations) then 'active' end as state,
               topics, first_seen_at, activated_at, actor, reason
        from (select version, topics, first_seen_at from mapping_sets union all select null, null, null) sets
        left join lateral (
            select id, activated_at, actor, reason from mapping_activations
            where mapping_activations.version is not distinct from sets.version
            order by id desc limit 1) last on true
        order by state, sets.version is not null, greatest(first_seen_at, activated_at) desc, version
        limit %(limit)s
        """,
        {"release": RELEASE, "limit": limit},
    )
    return [row._asdict() for row in rows]


def mapped(connection: Connection) -> dict[str, int]:
    """Return the number of events by the version of the set that mapped them last.

    The query reads the whole journal.
    """
    rows = connection.execute(
        "select mapping, count(*) as events from mapping_results where mapping is not null group by mapping"
    )
    return {row.mapping: row.events for row in rows}


def _listed(versions: list[str]) -> str:
    more = len(versions) - _LISTED
    return ", ".join(versions[:_LISTED]) + (f" and {more} more (`connector mappings versions`)" if more > 0 else "")
