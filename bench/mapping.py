"""Measures mapping: 43 attributes and 32 params, from each documented webhook, on one core, by five ways.

All ways yield the same, notes about unfit values included, which `tests/test_bench.py` holds. They take turns, so that
whatever else the machine does slows all of them; figures are of CPU time, and the best round of each counts.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from timeit import Timer
from typing import TYPE_CHECKING, NamedTuple

import orjson

from bench import by_hand
from bench.by_query import ByQuery, with_glom, with_jmespath
from connector import mapping
from connector.insider.wire import encode_user
from connector.model import Options
from connector.settings import DEFAULT_MAPPINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from connector.mapping.running.topic import TopicMapping
    from connector.model import Json, Mapped

    Variant = Callable[[Json, datetime, Options], Mapped]

RULES = Path(__file__).parent / "rules"
OCCURRED_AT = datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=UTC)
OPTIONS = Options()

CONNECTOR, BY_HAND, PLAIN, JMESPATH, GLOM = "connector", "by hand", "by hand, plain dicts", "jmespath", "glom"
_ROUNDS = 40
#: CPU seconds that each way takes of a round.
_TURN_SECONDS = 0.04


class Speed(NamedTuple):
    """How fast one way is."""

    way: str
    #: Events a second.
    alone: float
    #: The same between parsing a webhook and serialising a user. None where the way yields no update to serialise.
    whole: float | None


def topic() -> TopicMapping:
    return mapping.load(RULES).by_topic["everything"]


def webhooks() -> list[bytes]:
    """Return the documented webhooks."""
    return [path.read_bytes() for path in sorted((DEFAULT_MAPPINGS / "examples").glob("*/documented.json"))]


def variants(everything: TopicMapping) -> dict[str, Variant]:
    """Return the ways that yield the same."""
    return {
        CONNECTOR: everything.apply,
        BY_HAND: partial(by_hand.apply, everything.place_of),
        JMESPATH: ByQuery(everything, with_jmespath),
        GLOM: ByQuery(everything, with_glom),
    }


def speeds() -> list[Speed]:
    """Measure all ways, fastest rules first. It takes half a minute."""
    bodies = webhooks()
    parsed = [orjson.loads(body) for body in bodies]
    ways = variants(topic())
    works: dict[tuple[str, str], Callable[[], None]] = {}
    for way, variant in ways.items():
        works[way, "alone"] = partial(_map, variant, parsed)
        works[way, "whole"] = partial(_parse_map_serialise, variant, bodies)
    works[PLAIN, "alone"] = partial(_map_plain, parsed)
    seconds = _best(works)
    return [
        Speed(way, len(bodies) / seconds[way, "alone"], len(bodies) / seconds[way, "whole"] if way in ways else None)
        for way in (CONNECTOR, BY_HAND, PLAIN, JMESPATH, GLOM)
    ]


def table(found: Iterable[Speed]) -> Iterator[str]:
    """Write the speeds out, with ratios to the rules by hand and to jmespath."""
    by_way = {speed.way: speed for speed in found}
    hand, query = by_way[BY_HAND], by_way[JMESPATH]
    ratios = f"{'by hand = 1':>12}{'jmespath = 1':>14}"
    yield f"{'events a second on one core':30}{'mapping alone':>14}{ratios}   {'parse, map, serialise':>21}{ratios}"
    for way, alone, whole in by_way.values():
        line = f"{way:30}{alone:14,.0f}{alone / hand.alone:12.2f}{alone / query.alone:14.2f}"
        if whole and hand.whole and query.whole:
            line += f"   {whole:21,.0f}{whole / hand.whole:12.2f}{whole / query.whole:14.2f}"
        yield line


def _map(variant: Variant, bodies: Iterable[Json]) -> None:
    for body in bodies:
        variant(body, OCCURRED_AT, OPTIONS)


def _map_plain(bodies: Iterable[Json]) -> None:
    for body in bodies:
        by_hand.map_plain(body, OPTIONS)


def _parse_map_serialise(variant: Variant, bodies: Iterable[bytes]) -> None:
    for body in bodies:
        for update in variant(orjson.loads(body), OCCURRED_AT, OPTIONS).updates:
            encode_user(update)


def _best(works: dict[tuple[str, str], Callable[[], None]]) -> dict[tuple[str, str], float]:
    """Return CPU seconds of one run of each work, in the best of several rounds in which they take turns."""
    timers = {name: Timer(work, timer=time.process_time) for name, work in works.items()}
    numbers = {name: max(1, round(_TURN_SECONDS / timer.timeit(1))) for name, timer in timers.items()}
    best = dict.fromkeys(works, float("inf"))
    for _ in range(_ROUNDS):
        for name, timer in timers.items():
            best[name] = min(best[name], timer.timeit(numbers[name]) / numbers[name])
    return best
