"""Rules about absence, omitted rules, and the rules of overlays over the shared rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.mapping import load_files
from connector.model import Options, UserUpdate

OCCURRED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
OPTIONS = Options()

GROUPS = """\
customer:
  identifiers: {email: email}
  attributes:
    name: {text: first_name}
    points: {number: points}
    expires_at: {datetime: expires_at, empty: clear}
  params:
    code: {text: code}
"""
TOPIC = """\
topic: a/b
description: Something has happened.
users:
  - person: customer
    include: [customer]
    attributes:
      tier: {text: [new_tier.name, tiers.0.name], absent: clear}
    events:
      - label: It Happened
        name: it_happened
        include: [customer]
        params:
          score: {number: score}
"""


def update(body: dict[str, Any], overlay: str | None = None, **files: str) -> UserUpdate:
    """Map one webhook with the shared files and the files of an overlay."""
    contents = {"groups.yaml": GROUPS, "a.b.yaml": TOPIC}
    contents |= {f"overlays/outlet/{name.replace('_', '.')}.yaml": text for name, text in files.items()}
    mapping = load_files({name: text.encode() for name, text in contents.items()}).get("a/b", overlay)
    assert mapping
    (found,) = mapping.apply(body, OCCURRED_AT, OPTIONS).updates
    return found


ANN = {"email": "ann@example.com", "first_name": "Ann", "points": 5}


@pytest.mark.parametrize(
    ("more", "cleared"),
    [
        ({}, ("tier",)),
        ({"new_tier": None}, ("tier",)),
        ({"new_tier": {"name": " "}}, ("tier",)),
        ({"new_tier": {"name": "Gold"}}, ()),
        ({"tiers": [{"name": "Gold"}]}, ()),
        # A value that cannot be converted does not clear anything.
        ({"new_tier": {"name": [1]}}, ()),
    ],
)
def test_absent_clears_wherever_nothing_is_there(more: dict[str, Any], cleared: tuple[str, ...]) -> None:
    found = update({"customer": ANN, **more})

    assert cleared == found.cleared


@pytest.mark.parametrize(
    ("more", "cleared"),
    [
        ({}, ()),
        ({"expires_at": None}, ("expires_at",)),
        ({"expires_at": ""}, ("expires_at",)),
        ({"expires_at": "0001-01-01 00:00:00 +0200"}, ("expires_at",)),
        ({"expires_at": "soon"}, ()),
        ({"expires_at": "2026-05-04T12:00:00Z"}, ()),
    ],
)
def test_empty_clears_only_where_the_field_is_there(more: dict[str, Any], cleared: tuple[str, ...]) -> None:
    found = update({"customer": {**ANN, **more}, "new_tier": {"name": "Gold"}})

    assert cleared == found.cleared


@pytest.mark.parametrize(
    ("webhook", "cleared"),
    [
        ({"days": []}, ()),
        ({"days": [{}]}, ()),
        ({"days": [{"on": None}]}, ("day",)),
        ({"days": [{"on": "2026-05-04"}]}, ()),
        ({"days": None, "born": {"month": None}}, ("birthday",)),
        ({"born": {"year": 1985, "month": None, "day": None}}, ("birthday",)),
        ({"born": {"year": None, "month": 5, "day": 4}}, ("birthday",)),
        ({"born": {"year": 1985, "month": 5, "day": 4}}, ()),
    ],
)
def test_empty_looks_into_lists_and_dates_of_parts(webhook: dict[str, Any], cleared: tuple[str, ...]) -> None:
    topic = """\
topic: a/b
description: Something has happened.
users:
  - identifiers: {email: email}
    attributes:
      name: {always: Ann}
      day: {date: days.0.on, empty: clear}
      birthday: {date: {year: born.year, month: born.month, day: born.day}, empty: clear}
"""
    mapping = load_files({"a.b.yaml": topic.encode()}).by_topic["a/b"]

    (found,) = mapping.apply({"email": "ann@example.com", **webhook}, OCCURRED_AT, OPTIONS).updates

    assert cleared == found.cleared


def test_an_update_may_only_clear() -> None:
    topic = """\
topic: a/b
description: Something has happened.
users:
  - identifiers: {email: email}
    attributes:
      tier: {text: tier, absent: clear}
"""
    mapping = load_files({"a.b.yaml": topic.encode()}).by_topic["a/b"]

    (found,) = mapping.apply({"email": "ann@example.com"}, OCCURRED_AT, OPTIONS).updates

    assert found == UserUpdate(identifiers={"email": "ann@example.com"}, cleared=("tier",))


def test_a_topic_omits_what_a_group_brings() -> None:
    contents = {
        "groups.yaml": GROUPS,
        "a.b.yaml": TOPIC.replace("      tier:", "      points: {omit: true}\n      tier:"),
    }
    mapping = load_files({name: text.encode() for name, text in contents.items()}).by_topic["a/b"]

    (found,) = mapping.apply({"customer": ANN}, OCCURRED_AT, OPTIONS).updates

    assert found.attributes == {"name": "Ann"}


OVERLAY = """\
topic: a/b
description: The outlet's own.
users:
  - person: customer
    attributes:
      name: {text: customer.nickname}
      size: {text: customer.properties.size}
      tier: {omit: true}
    events:
      - label: It Happened
        name: it_happened
        params:
          score: {text: score_text}
      - label: Only Here
        name: only_here
"""


def test_an_overlay_overrides_adds_and_omits_single_rules() -> None:
    body = {"customer": {**ANN, "nickname": "Annie", "properties": {"size": "M"}, "code": "X"}, "score_text": "high"}

    found = update(body, "outlet", a_b=OVERLAY.replace("{text: score_text}", "{number: customer.points}"))

    assert found.attributes == {"name": "Annie", "points": 5, "size": "M"}
    assert found.cleared == ()
    assert [(event.name, event.params) for event in found.events] == [
        ("it_happened", {"code": "X", "score": 5}),
        ("only_here", {}),
    ]


def test_without_the_overlay_the_shared_rules_count() -> None:
    body = {"customer": {**ANN, "nickname": "Annie"}, "score": 7}
    overlay = OVERLAY.replace("{text: score_text}", "{omit: true}")

    for chosen in (None, "another"):
        found = update(body, chosen, a_b=overlay)
        assert found.attributes == {"name": "Ann", "points": 5}
        assert [event.params for event in found.events] == [{"score": 7}]
    assert [event.params for event in update(body, "outlet", a_b=overlay).events] == [{}, {}]


def test_an_overlays_groups_reach_every_topic_that_includes_them() -> None:
    groups = "customer:\n  attributes:\n    size: {text: properties.size}\n    points: {omit: true}\n"
    body = {"customer": {**ANN, "properties": {"size": "M"}}}

    assert update(body, "outlet", groups=groups).attributes == {"name": "Ann", "size": "M"}


def test_an_overlay_may_map_a_topic_of_its_own() -> None:
    own = TOPIC.replace("a/b", "c/d")
    contents = {"groups.yaml": GROUPS, "a.b.yaml": TOPIC, "overlays/outlet/c.d.yaml": own}
    found = load_files({name: text.encode() for name, text in contents.items()})

    assert found.get("c/d", "outlet")
    assert found.get("c/d") is None


def test_the_line_of_a_rule_is_that_of_the_overlay() -> None:
    contents = {
        "groups.yaml": GROUPS,
        "a.b.yaml": TOPIC,
        "overlays/outlet/a.b.yaml": OVERLAY.replace("text: score_t", "number: t"),
    }
    mapping = load_files({name: text.encode() for name, text in contents.items()}).get("a/b", "outlet")
    assert mapping

    assert mapping.place_of("attributes", "size") == "overlays/outlet/a.b.yaml:7"
    assert mapping.place_of("attributes", "points") == "groups.yaml:5"
