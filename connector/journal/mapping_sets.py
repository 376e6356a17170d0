"""Mapping sets: the files of each that a release has brought or that was made active, and which of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connector.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.journal.database import Connection

#: How the files of each release are called, where versions of sets are listed.
RELEASE = "release"
#: One set is made active at a time. Any number will do.
_LOCK = 0x6D617073657473
#: Where no set is meant by what was asked for, so many that there are get named.
_NAMED = 10


class Activation(NamedTuple):
    """That a set was made active."""

    id: int
    #: None: the files of each release.
    version: str | None
    #: What a rollback goes back to; None where nothing was active before.
    previous_id: int | None
    actor: str
    activated_at: datetime


_ACTIVATION = "select id, version, previous_id, actor, activated_at from mapping_activations"


def active(connection: Connection) -> Activation:
    """Return what is active."""
    row = connection.execute(f"{_ACTIVATION} order by id desc limit 1").fetchone()
    assert row is not None  # noqa: S101 - the migration has written the first
    return Activation(*row)


def activation(connection: Connection, activation_id: int) -> Activation:
    """Return what was made active then."""
    row = connection.execute(f"{_ACTIVATION} where id = %s", (activation_id,)).fetchone()
    assert row is not None  # noqa: S101 - nothing deletes them
    return Activation(*row)


def lock(connection: Connection) -> Activation:
    """Return what is active, and let nobody else change it until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    return active(connection)


def activate(connection: Connection, version: str | None, *, previous_id: int | None, actor: str, reason: str) -> None:
    """Make a kept set active; None: the files of each release. The caller holds the `lock`."""
    connection.execute(
        "insert into mapping_activations (version, previous_id, actor, reason) values (%s, %s, %s, %s)",
        (version, previous_id, actor, reason),
    )


def keep(connection: Connection, version: str, files: Mapping[str, bytes], *, topics: int) -> None:
    """Keep a set, unless it is kept already."""
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
    """Return the files of a set, contents by name; none where it is not kept."""
    rows = connection.execute("select name, content from mapping_files where version = %s order by name", (version,))
    return {row.name: row.content for row in rows}


def find(connection: Connection, beginning: str) -> str:
    """Return the version that begins so. Raises OperatorError, which names what there is instead."""
    rows = connection.execute("select version from mapping_sets order by first_seen_at desc, version")
    known = [row.version for row in rows]
    found = [version for version in known if version.startswith(beginning)]
    if len(found) == 1:
        return str(found[0])
    if found:
        raise OperatorError(f"{beginning!r} may mean {_named(found)}: write more of it")
    there_is = f"there are {_named(known)}" if known else "none is kept yet"
    raise OperatorError(f"there is no mapping set {beginning!r}; {there_is}")


def newest(connection: Connection, *, limit: int) -> list[dict[str, Any]]:
    """Return what is active, the files of each release, and the other sets, the last activated or seen first."""
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
    """Return by version how many events each set mapped last. Reads the whole journal."""
    rows = connection.execute(
        "select mapping, count(*) as events from events where mapping is not null group by mapping"
    )
    return {row.mapping: row.events for row in rows}


def _named(versions: list[str]) -> str:
    more = len(versions) - _NAMED
    return ", ".join(versions[:_NAMED]) + (f" and {more} more (`connector mappings versions`)" if more > 0 else "")
