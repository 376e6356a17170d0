"""The policy of delivery: how deliveries merge, what is left out, and what shares a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery import merging
from connector.model import Delivery, Profile, Refusal, TrueAt, UserEvent, UserUpdate, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.delivery.merging import User

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RETENTION = timedelta(days=90)


def owed(
    number: int,
    *,
    seconds: float = 0,
    customer: str = "a@example.com",
    size: int = 100,
    events: Any = (),
    cleared: Iterable[str] = (),
    **attributes: Value,
) -> Delivery:
    update = UserUpdate(
        identifiers={"email": customer}, attributes=attributes, events=tuple(events), cleared=tuple(cleared)
    )
    return Delivery(
        id=number,
        event_id=number,
        topic="a/b",
        customer=customer,
        update=update,
        occurred_at=NOW + timedelta(seconds=seconds),
        skip_hook=False,
        bytes=size,
    )


def happened(name: str, ago: timedelta = timedelta(0)) -> UserEvent:
    return UserEvent(name=name, timestamp=(NOW - ago).isoformat().replace("+00:00", "Z"))


def true_at(seconds: float = 0, event_id: int = 0) -> TrueAt:
    return TrueAt(round((NOW.timestamp() + seconds) * 1000), event_id)


def merged(deliveries: list[Delivery], known: dict[str, dict[str, TrueAt]] | None = None) -> list[User]:
    profiles = {customer: Profile(times=times) for customer, times in (known or {}).items()}
    return merging.merge(deliveries, profiles, now=NOW, retention=RETENTION)


def test_each_customer_becomes_one_user_in_the_order_of_their_first_delivery() -> None:
    users = merged(
        [
            owed(1, customer="b@example.com", events=[happened("first")], points=1),
            owed(2, customer="a@example.com", points=2),
            owed(3, customer="b@example.com", events=[happened("second"), happened("first")], tier="Gold"),
        ]
    )

    assert [user.customer for user in users] == ["b@example.com", "a@example.com"]
    assert users[0].update == UserUpdate(
        identifiers={"email": "b@example.com"},
        attributes={"points": 1, "tier": "Gold"},
        events=(happened("first"), happened("second"), happened("first")),
    )
    assert [list(user.notes) for user in users] == [[1, 3], [2]]


def test_identifiers_of_all_deliveries_come_together() -> None:
    update = UserUpdate(identifiers={"email": "a@example.com", "uuid": "7"}, attributes={"points": 2})
    (user,) = merged([owed(1, points=1), replace(owed(2), update=update)])

    assert user.update.identifiers == {"email": "a@example.com", "uuid": "7"}


@pytest.mark.parametrize(
    ("deliveries", "known", "attributes", "times", "stale"),
    [
        # The newest wins, in whatever order they came.
        ([owed(1, seconds=0, p=1), owed(2, seconds=1, p=2)], {}, {"p": 2}, {"p": 1}, {}),
        ([owed(1, seconds=1, p=1), owed(2, seconds=0, p=2)], {}, {"p": 1}, {"p": 1}, {2: ["p"]}),
        # At the same time the later one wins; a millisecond is the smallest difference.
        ([owed(1, seconds=0, p=1), owed(2, seconds=0, p=2)], {}, {"p": 2}, {"p": 0}, {}),
        ([owed(1, seconds=0.001, p=1), owed(2, seconds=0, p=2)], {}, {"p": 1}, {"p": 0.001}, {2: ["p"]}),
        # Each attribute has its own time.
        ([owed(1, seconds=1, p=1), owed(2, p=2, r=2)], {}, {"p": 1, "r": 2}, {"p": 1, "r": 0}, {2: ["p"]}),
        # The time of a value that Insider already has counts in the same way.
        ([owed(1, seconds=0, p=1, q=1)], {"p": 1}, {"q": 1}, {"q": 0}, {1: ["p"]}),
        ([owed(1, seconds=1, p=1)], {"p": 1}, {"p": 1}, {"p": 1}, {}),
        ([owed(1, seconds=2, p=False)], {"p": 1}, {"p": False}, {"p": 2}, {}),
        ([owed(1, seconds=0, p=1), owed(2, seconds=2, p=2)], {"p": 1}, {"p": 2}, {"p": 2}, {1: ["p"]}),
        ([owed(1, seconds=0, p=1, q=1)], {"p": 1, "q": 1, "r": 1}, {}, {}, {1: ["p", "q"]}),
    ],
)  # fmt: skip
def test_the_newest_value_of_each_attribute_wins(
    deliveries: list[Delivery],
    known: dict[str, float],
    attributes: dict[str, Value],
    times: dict[str, float],
    stale: dict[int, list[str]],
) -> None:
    (user,) = merged(deliveries, {"a@example.com": {name: true_at(at) for name, at in known.items()}})

    assert user.update.attributes == attributes
    assert {name: at.milliseconds for name, at in user.times.items()} == {
        name: true_at(at).milliseconds for name, at in times.items()
    }
    assert {number: notes["stale"] for number, notes in user.notes.items() if notes} == stale
    assert user.sendable is bool(attributes)


@pytest.mark.parametrize(
    ("deliveries", "known", "attributes", "cleared", "stale"),
    [
        ([owed(1, cleared="p")], {}, {}, {"p": 0}, {}),
        # The newest wins, in whatever order they came.
        ([owed(1, p=1), owed(2, seconds=1, cleared="p")], {}, {}, {"p": 1}, {}),
        ([owed(1, cleared="p"), owed(2, seconds=1, p=1)], {}, {"p": 1}, {}, {}),
        ([owed(1, seconds=1, cleared="p"), owed(2, p=1)], {}, {}, {"p": 1}, {2: ["p"]}),
        ([owed(1, seconds=1, p=1), owed(2, cleared="p")], {}, {"p": 1}, {}, {2: ["p"]}),
        ([owed(1, cleared="p"), owed(2, seconds=2, p=1), owed(3, cleared="p")], {}, {"p": 1}, {}, {3: ["p"]}),
        ([owed(1, p=1), owed(2, seconds=1, cleared="p"), owed(3, seconds=2, cleared="p")], {}, {}, {"p": 2}, {}),
        # At the same time the later one wins; within one update the value wins over the clear.
        ([owed(1, p=1), owed(2, cleared="p")], {}, {}, {"p": 0}, {}),
        ([owed(1, cleared="p"), owed(2, p=1)], {}, {"p": 1}, {}, {}),
        ([owed(1, cleared="p", p=1)], {}, {"p": 1}, {}, {}),
        # Each attribute has its own time.
        (
            [owed(1, seconds=1, cleared="p", r=1), owed(2, cleared="rq", p=2)],
            {}, {"r": 1}, {"p": 1, "q": 0}, {2: ["r", "p"]},
        ),
        # The times of values that Insider has, or has forgotten, count in the same way.
        ([owed(1, cleared="p")], {"p": 1}, {}, {}, {1: ["p"]}),
        ([owed(1, seconds=1, cleared="p")], {"p": 1}, {}, {"p": 1}, {}),
        ([owed(1, cleared="p"), owed(2, seconds=2, cleared="p")], {"p": 1}, {}, {"p": 2}, {1: ["p"]}),
    ],
)  # fmt: skip
def test_an_attribute_that_is_over_is_cleared_unless_something_newer_is_known(
    deliveries: list[Delivery],
    known: dict[str, float],
    attributes: dict[str, Value],
    cleared: dict[str, float],
    stale: dict[int, list[str]],
) -> None:
    (user,) = merged(deliveries, {"a@example.com": {name: true_at(at) for name, at in known.items()}})

    assert (user.update.attributes, set(user.update.cleared)) == (attributes, set(cleared))
    assert {name: at.milliseconds for name, at in user.cleared.items()} == {
        name: true_at(at).milliseconds for name, at in cleared.items()
    }
    assert set(user.times) == set(attributes)
    assert {number: notes["stale"] for number, notes in user.notes.items() if notes} == stale
    assert (user.sendable, user.upsertable) == (bool(attributes or cleared), bool(attributes))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.dictionaries(st.sampled_from("pqr"), st.integers(0, 9)),
            st.sets(st.sampled_from("pqr")),
        ),
        min_size=1,
        max_size=6,
    ),
    st.dictionaries(st.sampled_from("pqr"), st.integers(0, 3)),
)
def test_the_newest_value_or_clear_of_each_attribute_wins(
    said: list[tuple[int, dict[str, Any], set[str]]], known: dict[str, int]
) -> None:
    deliveries = [
        owed(number, seconds=seconds, cleared=sorted(cleared), **attributes)
        for number, (seconds, attributes, cleared) in enumerate(said, start=1)
    ]
    (user,) = merged(deliveries, {"a@example.com": {name: true_at(at) for name, at in known.items()}})

    for name in "pqr":
        words = [
            (seconds, number, attributes.get(name))
            for number, (seconds, attributes, cleared) in enumerate(said, start=1)
            if name in attributes or name in cleared
        ]
        seconds, number, value = max(words, key=lambda word: word[:2], default=(-1, 0, None))
        wins = seconds >= known.get(name, 0)
        assert user.attributes.get(name) == (value if wins else None)
        assert (name in user.cleared) is (wins and value is None)
        taken = user.times | user.cleared
        assert taken.get(name) == (true_at(seconds, number) if wins else None)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["set", "clear"]), st.sampled_from("pq")), max_size=8),
    st.integers(0, 8),
)
def test_it_makes_no_difference_how_deliveries_are_cut_into_batches(said: list[tuple[int, str, str]], cut: int) -> None:
    deliveries = []
    for number, (seconds, word, name) in enumerate(said, start=1):
        attributes: dict[str, Any] = {name: number} if word == "set" else {}
        deliveries.append(owed(number, seconds=seconds, cleared=() if attributes else name, **attributes))

    assert insiders(deliveries[:cut], deliveries[cut:]) == insiders(deliveries)


def insiders(*batches: list[Delivery]) -> tuple[dict[str, Value], dict[str, TrueAt]]:
    """Return the attributes that Insider has in the end, and their times."""
    attributes: dict[str, Value] = {}
    known: dict[str, TrueAt] = {}
    for batch in batches:
        for user in merged(batch, {"a@example.com": known}):
            attributes |= user.update.attributes
            attributes = {name: value for name, value in attributes.items() if name not in user.update.cleared}
            known |= user.times | user.cleared
    return attributes, known


@pytest.mark.parametrize(("known", "taken"), [(6, True), (7, True), (8, False)])
def test_at_the_same_time_the_event_received_later_wins(known: int, *, taken: bool) -> None:
    (user,) = merged([replace(owed(1, p=1), event_id=7)], {"a@example.com": {"p": true_at(0, known)}})

    assert user.update.attributes == ({"p": 1} if taken else {})
    assert user.times == ({"p": true_at(0, 7)} if taken else {})


def test_known_times_count_only_for_their_own_customer() -> None:
    users = merged([owed(1, customer="b@example.com", p=1)], {"a@example.com": {"p": true_at(1)}})

    assert users[0].update.attributes == {"p": 1}


def test_events_that_insider_would_drop_are_left_out_and_noted() -> None:
    moment = timedelta(milliseconds=1)
    events = [happened("old", RETENTION), happened("young", RETENTION - moment), happened("older", 2 * RETENTION)]
    (user,) = merged([owed(1, events=events, p=1), owed(2, events=[happened("old", RETENTION)])])

    assert [event.name for event in user.update.events] == ["young"]
    assert user.notes == {1: {"too_old": ["old", "older"]}, 2: {"too_old": ["old"]}}
    assert user.update.attributes == {"p": 1}


def test_events_are_sent_even_if_all_attributes_are_stale() -> None:
    (user,) = merged([owed(1, events=[happened("e")], p=1)], {"a@example.com": {"p": true_at(1)}})

    assert user.sendable
    assert user.update == UserUpdate(identifiers={"email": "a@example.com"}, events=(happened("e"),))


def test_each_delivery_of_a_user_is_settled_with_its_own_notes() -> None:
    (user,) = merged([owed(1, seconds=1, p=1), owed(2, p=2), owed(3, seconds=2, p=3)])
    refusal = Refusal(reason="refused", cause="x")
    delivered, dead = user.settled(), user.settled(refusal)

    assert [(one.id, one.refusal, one.notes) for one in delivered] == [
        (1, None, {}),
        (2, None, {"stale": ["p"]}),
        (3, None, {}),
    ]
    assert [(one.id, one.refusal, one.notes) for one in dead] == [
        (1, refusal, {}),
        (2, refusal, {"stale": ["p"]}),
        (3, refusal, {}),
    ]


def test_a_user_with_nothing_left_is_not_sent() -> None:
    (user,) = merged([owed(1, p=1)], {"a@example.com": {"p": true_at(1)}})

    assert not user.sendable
    assert [(one.id, one.refusal, one.notes) for one in user.settled()] == [(1, None, {"stale": ["p"]})]


def test_a_user_goes_without_the_phone_number_and_each_delivery_says_so() -> None:
    identifiers = {"email": "a@example.com", "phone_number": "+15550100"}
    update = UserUpdate(identifiers=identifiers, attributes={"p": 1})
    (user,) = merged([owed(1, seconds=1, p=2), replace(owed(2), update=update)])
    user.without_phone_number()

    assert user.update == UserUpdate(identifiers={"email": "a@example.com"}, attributes={"p": 2})
    assert user.notes == {1: {"left_out": ["phone_number"]}, 2: {"stale": ["p"], "left_out": ["phone_number"]}}
    assert update.identifiers == identifiers


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([40, 60], 2), ([40, 61], 1), ([40, 60, 1], 2), ([101, 1], 1), ([50, 60, 1], 1), ([100], 1), ([], 0)],
)
def test_a_request_gets_the_deliveries_that_fit_but_at_least_one(sizes: list[int], expected: int) -> None:
    deliveries = [owed(number, size=size) for number, size in enumerate(sizes)]

    assert list(merging.fitting(deliveries, 100)) == deliveries[:expected]
