"""Mapping sets in the journal: stored completely and once, found by the start of their version, listed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import OperatorError
from connector.journal import mapping_sets
from tests.delivery.pipelines import wait_for_a_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Connection, Database

FILES = {"a.b.yaml": b"topic: a/b\n", "overlays/outlet/a.b.yaml": b"\xff\x00", "groups.yaml": b""}


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connection() as opened:
        yield opened


def keep(connection: Connection, *versions: str) -> None:
    for version in versions:
        mapping_sets.keep(connection, version, FILES, topics=1)


def activate(connection: Connection, version: str | None, reason: str) -> None:
    with connection.transaction():
        before = mapping_sets.lock(connection)
        mapping_sets.activate(connection, version, previous_id=before.id, actor="ann", reason=reason)


def listed(connection: Connection, limit: int = 9) -> list[tuple[Any, ...]]:
    rows = mapping_sets.newest(connection, limit=limit)
    return [(row["version"], row["state"], row["reason"]) for row in rows]


def test_a_set_is_stored_byte_for_byte_and_never_overwritten(connection: Connection) -> None:
    keep(connection, "aa")
    mapping_sets.keep(connection, "aa", {"other.yaml": b""}, topics=2)

    assert mapping_sets.files(connection, "aa") == FILES
    assert mapping_sets.files(connection, "ab") == {}


def test_a_set_that_two_store_at_the_same_time_is_stored_once(database: Database) -> None:
    def keep_one(_: int) -> None:
        with database.transaction() as connection:
            keep(connection, "aa", "bb")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(keep_one, range(16)))

    with database.connection() as connection:
        assert [mapping_sets.files(connection, version) for version in ("aa", "bb")] == [FILES, FILES]


def test_a_version_is_found_by_its_beginning(connection: Connection) -> None:
    keep(connection, "ab12", "ab34", "c%")

    for beginning, version in (("ab1", "ab12"), ("ab34", "ab34"), ("c", "c%")):
        assert mapping_sets.find(connection, beginning) == version


@pytest.mark.parametrize(
    ("beginning", "told"),
    [
        ("a", "'a' may mean ab12, ab34: write more of it"),
        ("%", "there is no mapping set '%'; there are c, ab12, ab34"),
        ("ab123", "there is no mapping set 'ab123'; there are c, ab12, ab34"),
    ],
)
def test_the_error_for_an_unknown_version_lists_the_stored_ones(
    connection: Connection, beginning: str, told: str
) -> None:
    with connection.transaction():
        keep(connection, "ab34", "ab12")
    keep(connection, "c")

    with pytest.raises(OperatorError) as caught:
        mapping_sets.find(connection, beginning)

    assert str(caught.value) == told


def test_the_error_lists_only_the_newest_of_many_versions(connection: Connection) -> None:
    with pytest.raises(OperatorError, match="none is kept yet"):
        mapping_sets.find(connection, "a")
    keep(connection, *(f"f{number:02}" for number in range(13)))

    with pytest.raises(OperatorError, match=r"there are f12, f11, .*, f03 and 3 more"):
        mapping_sets.find(connection, "a")


def test_at_first_the_files_of_each_release_are_active(connection: Connection) -> None:
    assert mapping_sets.active(connection).version is None
    assert listed(connection) == [("release", "active", "as it was before sets could be activated")]


def test_the_active_set_is_listed_first_and_with_its_last_reason(connection: Connection) -> None:
    keep(connection, "aa")
    for version, reason in (("aa", "one"), (None, "two"), ("aa", "three")):
        activate(connection, version, reason)
    keep(connection, "bb", "cc")

    assert listed(connection) == [
        ("aa", "active", "three"),
        ("release", None, "two"),
        ("cc", None, None),
        ("bb", None, None),
    ]
    assert listed(connection, limit=1) == [("aa", "active", "three")]


def test_another_activation_waits_until_the_transaction_ends(database: Database, connection: Connection) -> None:
    keep(connection, "aa", "bb")
    with ThreadPoolExecutor(1) as threads, database.transaction() as first:
        before = mapping_sets.lock(first)
        waiting = threads.submit(activate, connection, "bb", "second")
        wait_for_a_lock(database)
        mapping_sets.activate(first, "aa", previous_id=before.id, actor="ann", reason="first")
        assert not waiting.done()

    assert waiting.result() is None
    newest = mapping_sets.active(connection)
    assert newest.version == "bb"
    assert newest.previous_id
    assert mapping_sets.activation(connection, newest.previous_id).version == "aa"
