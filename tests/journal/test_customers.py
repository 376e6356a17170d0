"""The profiles of customers: the last value of each attribute, with its time and its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.journal.results import customers
from connector.model import ClearedAt, Profile, TrueAt

if TYPE_CHECKING:
    from connector.journal.database import Database

ANN = Profile(
    identifiers={"email": "ann@example.com", "phone_number": "+15550100"},
    attributes={"points": 7, "tier": "Gold", "name": "Ännchen"},
    times={"points": TrueAt(5, 2), "name": TrueAt(5, 2), "tier": TrueAt(3, 1), "birthday": ClearedAt(5, 2)},
)


def test_a_profile_is_read_as_it_was_written(database: Database) -> None:
    with database.connection() as connection:
        customers.write(connection, 1, {"ann@example.com": ANN, "ben@example.com": Profile()})
        customers.write(connection, 2, {"ann@example.com": Profile(identifiers={"uuid": "u"})})

        assert customers.profiles(connection, 1, ["ann@example.com", "eve@example.com"]) == {"ann@example.com": ANN}
        assert customers.profiles(connection, 1, ["ben@example.com"]) == {"ben@example.com": Profile()}
        assert customers.profiles(connection, 2, ["ann@example.com"])["ann@example.com"].identifiers == {"uuid": "u"}
        assert customers.profiles(connection, 1, []) == {}


def test_the_event_of_several_attributes_is_stored_once(database: Database) -> None:
    with database.connection() as connection:
        customers.write(connection, 1, {"a": ANN})
        (row,) = connection.execute("select profile from customers").fetchall()

    assert row.profile == [[5, 2, {"points": 7, "name": "Ännchen"}, ["birthday"]], [3, 1, {"tier": "Gold"}, []]]


def test_a_written_profile_replaces_the_stored_one_and_keeps_when_the_customer_was_first_seen(
    database: Database,
) -> None:
    with database.connection() as connection:
        customers.write(connection, 1, {"a": ANN})
        connection.execute("update customers set first_seen_at = '2020-01-01', last_seen_at = '2020-01-01'")
        later = Profile(attributes={"points": 9}, times={"points": TrueAt(9, 3)})
        customers.write(connection, 1, {"a": later})
        customers.write(connection, 1, {})

        assert customers.profiles(connection, 1, ["a"]) == {"a": later}
        (row,) = connection.execute(
            "select first_seen_at < '2021-01-01' as first, last_seen_at > '2021-01-01' as last from customers"
        ).fetchall()
    assert (row.first, row.last) == (True, True)


def test_a_value_from_before_the_profiles_is_unknown_and_its_time_counts(database: Database) -> None:
    with database.connection() as connection:
        connection.execute(
            """
            insert into customers (store_id, customer, identifiers, profile, first_seen_at, last_seen_at)
            values (1, 'a', '{}', '[[5, 2, {"points": null}, ["tier"]]]', now(), now())
            """
        )
        profile = customers.profiles(connection, 1, ["a"])["a"]

    assert profile.times == {"points": TrueAt(5, 2), "tier": ClearedAt(5, 2)}
    assert profile.attributes == {"points": None}
