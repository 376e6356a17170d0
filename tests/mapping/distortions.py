"""Random webhooks: documented examples with values replaced, removed or added."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from connector.model import Options
from connector.workshop import goldens
from tests import MAPPINGS
from tests.mapping.shipped import SET

if TYPE_CHECKING:
    from collections.abc import Iterator

OCCURRED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**20, max_value=10**60)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(
        ["", " ", "$2,620", "1.234 €", "0001-01-01 00:00:00 +0200", "9999-12-31T23:59:59-14:00", "\ud800", "9" * 400]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner)


EXAMPLES = [json.loads(golden.webhook.read_bytes()) for golden in goldens.goldens(MAPPINGS / "examples", SET)]
KEYS = sorted({key for example in EXAMPLES for key in keys(example)})


@st.composite
def distorted(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one of the examples with some of its values replaced."""

    def distort(value: Any) -> Any:
        if draw(st.integers(0, 9)) == 0:
            return draw(ANYTHING)
        if isinstance(value, dict):
            return {key: distort(inner) for key, inner in value.items()}
        return value

    found = distort(draw(st.sampled_from(EXAMPLES)))
    return found if isinstance(found, dict) else {"customer": found}


OBJECTS = distorted() | st.dictionaries(
    st.sampled_from(KEYS), ANYTHING | st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=10), max_size=10
)
OPTIONS = st.builds(
    Options, standin_year=st.none() | st.sampled_from([1903, 1904]), phone_region=st.sampled_from([None, "US"])
)
