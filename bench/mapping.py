"""Measures mapping: 43 attributes and 32 params from each documented webhook, in five ways, on one core.

All ways return the same results, including the notes about values that do not fit; `tests/test_bench.py` checks this.
The plain dictionaries are the exception: they build no update. The ways take turns, so other load on the machine slows
all of them. The figures are CPU time, and the best round of each way counts.
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
#: How many CPU seconds each way takes in a round.
_TURN_SECONDS = 0.04


class Speed(NamedTuple):
    """The speed of one way, in events a second."""

    way: str
    #: The speed of mapping alone.
    alone: float
    #: The speed of parsing the webhook, mapping it and serialising its users. None if the way returns no update.
    whole: float | None


def topic() -> TopicMapping:
    """Return the compiled rules of `bench/rules`."""
    return mapping.load(RULES).by_topic["everything"]


def webhooks() -> list[bytes]:
    """Return the documented webhooks."""
    return [path.read_bytes() for path in sorted((DEFAULT_MAPPINGS / "examples").glob("*/documented.json"))]


def variants(everything: TopicMapping) -> dict[str, Variant]:
    """Return the ways that return the same results, by name."""
    return {
        CONNECTOR: everything.apply,
        BY_HAND: partial(by_hand.apply, everything.place_of),
        JMESPATH: ByQuery(everything, with_jmespath),
        GLOM: ByQuery(everything, with_glom),
    }


def speeds() -> list[Speed]:
    """Measure all ways, and return their speeds in the order of the table. It takes half a minute."""
    bodies = webhooks()
    parsed = [orjson.loads(body) for body in bodies]
    ways = variants(topic())
    tasks: dict[tuple[str, str], Callable[[], None]] = {}
    for way, variant in ways.items():
        tasks[way, "alone"] = partial(_map, variant, parsed)
        tasks[way, "whole"] = partial(_parse_map_serialise, variant, bodies)
    tasks[PLAIN, "alone"] = partial(_map_plain, parsed)
    seconds = _best(tasks)
    return [
        Speed(way, len(bodies) / seconds[way, "alone"], len(bodies) / seconds[way, "whole"] if way in ways else None)
        for way in (CONNECTOR, BY_HAND, PLAIN, JMESPATH, GLOM)
    ]


def table(measured: Iterable[Speed]) -> Iterator[str]:
    """Yield the lines of a table of speeds, with the ratios to the rules by hand and to jmespath."""
    by_way = {speed.way: speed for speed in measured}
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


def _best(tasks: dict[tuple[str, str], Callable[[], None]]) -> dict[tuple[str, str], float]:
    """Return the CPU seconds of one run of each task: the best of several rounds, in which the tasks take turns."""
    timers = {name: Timer(task, timer=time.process_time) for name, task in tasks.items()}
    repeats = {name: max(1, round(_TURN_SECONDS / timer.timeit(1))) for name, timer in timers.items()}
    best = dict.fromkeys(tasks, float("inf"))
    for _ in range(_ROUNDS):
        for name, timer in timers.items():
            best[name] = min(best[name], timer.timeit(repeats[name]) / repeats[name])
    return best
