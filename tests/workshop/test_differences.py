"""How the updates of a replay differ from the updates that were sent, as an operator sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import UserEvent, UserUpdate, Value
from connector.workshop import differences

if TYPE_CHECKING:
    from connector.workshop.differences import Difference

EARLIER, LATER = "2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"


def user(email: str = "a@example.com", *events: UserEvent, **attributes: Value) -> UserUpdate:
    return UserUpdate(identifiers={"email": email}, attributes=attributes, events=events)


def event(name: str, timestamp: str = EARLIER, **params: Value) -> UserEvent:
    return UserEvent(name=name, timestamp=timestamp, params=params)


def differences_of(before: list[UserUpdate], after: list[UserUpdate]) -> list[tuple[Any, ...]]:
    return [tuple(difference) for difference in differences.between(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"p": 1}, {"p": 1}, []),
        ({"p": 1}, {"p": 2}, [("changed", 1, 2)]),
        ({}, {"p": 2}, [("added", None, 2)]),
        ({"p": 1}, {}, [("removed", 1, None)]),
        ({"p": 1}, {"p": "1"}, [("changed", 1, "1")]),
        ({"p": ["a", "b"]}, {"p": ["b", "a"]}, [("changed", ["a", "b"], ["b", "a"])]),
        ({"p": ["a"]}, {"p": ["a"]}, []),
        # PostgreSQL's JSON may write the same number differently.
        ({"p": 1.0}, {"p": 1}, []),
        ({"p": False}, {}, [("removed", False, None)]),
        # A number differs from a boolean: Insider drops values of another type than the attribute's.
        ({"p": 1}, {"p": True}, [("changed", 1, True)]),
        ({"p": False}, {"p": 0}, [("changed", False, 0)]),
    ],
)
def test_values_are_compared_by_their_names(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert differences_of([user(**before)], [user(**after)]) == [("attribute", "p", *change) for change in expected]
    assert differences_of(
        [user("a@example.com", event("e", **before))], [user("a@example.com", event("e", **after))]
    ) == [("param", "e.p", *change) for change in expected]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((), ("p",), [("cleared", None, None)]),
        (("p",), (), [("no longer cleared", None, None)]),
        (("p",), ("p",), []),
        (("p", "q"), ("q", "p"), []),
        ({"p": 1}, ("p",), [("cleared", 1, None)]),
        (("p",), {"p": False}, [("no longer cleared", None, False)]),
    ],
)
def test_a_cleared_attribute_is_reported_with_the_value_before_or_after(
    before: Any, after: Any, expected: list[tuple[Any, ...]]
) -> None:
    olds, news = (
        UserUpdate(
            identifiers={"email": "a@example.com"},
            attributes=given if isinstance(given, dict) else {},
            cleared=given if isinstance(given, tuple) else (),
        )
        for given in (before, after)
    )

    assert differences_of([olds], [news]) == [("attribute", "p", *change) for change in expected]


def test_user_events_are_compared_by_their_names_whenever_they_happened() -> None:
    before = [user("a@example.com", event("kept"), event("gone", p=1))]
    after = [user("a@example.com", event("new", p=1), event("kept", LATER))]

    assert differences_of(before, after) == [
        ("user event", "gone", "removed", None, None),
        ("user event", "new", "added", None, None),
    ]


def test_users_are_the_same_if_they_are_the_same_customer() -> None:
    before = [user("a@example.com", p=1), user("b@example.com", p=1)]
    after = [user("b@example.com", p=2), user("a@example.com", p=1)]

    assert differences_of(before, after) == [("attribute", "p", "changed", 1, 2)]


def test_more_about_the_identity_of_the_same_customer_is_no_difference() -> None:
    named = UserUpdate(identifiers={"email": "a@example.com", "uuid": "7"}, attributes={"p": 1})

    assert differences_of([user(p=1)], [named]) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], ["a"], [("1. user", "added")]),
        (["a"], [], [("1. user", "removed")]),
        (["a"], ["a", "b"], [("2. user", "added")]),
        (["a", "b"], ["a"], [("2. user", "removed")]),
        (["a", "b"], ["b"], [("1. user", "removed")]),
        ([], [], []),
    ],
)
def test_a_user_who_comes_or_goes_is_named_by_position(
    before: list[str], after: list[str], expected: list[tuple[str, str]]
) -> None:
    olds, news = ([user(f"{name}@example.com", p=1) for name in names] for names in (before, after))

    assert differences_of(olds, news) == [("user", position, change, None, None) for position, change in expected]


def test_users_without_an_identifier_are_compared_too() -> None:
    unidentified = UserUpdate(identifiers={}, attributes={"p": 1})

    assert differences_of([unidentified], [UserUpdate(identifiers={}, attributes={"p": 2})]) == [
        ("attribute", "p", "changed", 1, 2)
    ]
    assert differences_of([unidentified], [unidentified]) == []


values = st.dictionaries(st.sampled_from("pqr"), st.integers(0, 2) | st.text(max_size=1), max_size=3)
updates = st.lists(
    st.builds(
        lambda email, attributes, params, cleared: UserUpdate(
            identifiers={"email": email},
            attributes=attributes,
            events=(UserEvent(name="e", timestamp=EARLIER, params=params),),
            cleared=tuple(cleared),
        ),
        st.sampled_from(["a@example.com", "b@example.com"]),
        values,
        values,
        st.lists(st.sampled_from("pqrs"), unique=True),
    ),
    max_size=2,
    unique_by=lambda update: update.identifiers["email"],
)
OPPOSITES = {
    "added": "removed",
    "removed": "added",
    "changed": "changed",
    "cleared": "no longer cleared",
    "no longer cleared": "cleared",
}


@given(updates, updates)
def test_backwards_each_difference_is_its_opposite(before: list[UserUpdate], after: list[UserUpdate]) -> None:
    def without_users(before: list[UserUpdate], after: list[UserUpdate]) -> list[Difference]:
        return [difference for difference in differences.between(before, after) if difference.part != "user"]

    backwards = [
        (part, name, OPPOSITES[change], new, old) for part, name, change, old, new in without_users(after, before)
    ]
    assert sorted(map(repr, backwards)) == sorted(
        repr(tuple(difference)) for difference in without_users(before, after)
    )
    assert differences_of(before, before) == []
