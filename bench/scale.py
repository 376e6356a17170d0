"""The report's section on scale: sums from the measured CPU seconds, for more processes than one machine can run."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.scenarios import Result

#: How busy a core may be on average. The rest is for bursts and for the parts that are not measured here.
BUSY = 0.7
#: Events a second, and the size of a burst beside them.
RATE, BURST = 1_000, 20_000
_BURST_SECONDS = 60
#: Bytes of a settled event on disk with indexes, measured with 60,000 events of `bench/history.py`. A customer has five
#: events, a request to Insider ten.
_TABLES = {"events": 974, "outcomes": 583, "event_keys": 129, "customers": 116, "attempts": 16}
#: Bytes of the index of `event_keys` for an event, of the same history.
_KEY_INDEX = 52
#: Bytes of a page of PostgreSQL.
_PAGE = 8192
#: Bytes of WAL for a webhook of a known customer, by `bench/wal.py`.
_WAL_BYTES = 2_865
#: Granian workers, children of workers, and cores of PostgreSQL.
_FORMATIONS = ((2, 2, 2), (2, 4, 2), (4, 4, 4), (8, 8, 4), (16, 16, 8))
_PARTITIONS = 16
#: A large server for PostgreSQL: its cores, and its bytes of memory for the index of the keys.
_LARGE_CORES, _LARGE_MEMORY = 8, 32e9
_DAY = 86_400
_PARTS = {"web": "granian workers", "worker": "children of workers", "PostgreSQL": "cores of PostgreSQL"}


def needed(cpu: float, rate: float) -> int:
    """Return how many processes a kind needs that takes `cpu` seconds for 1,000 events, none too busy."""
    return max(1, math.ceil(cpu * rate / 1000 / BUSY))


def limits(cpu: dict[str, float], web: int, worker: int, postgres: int) -> dict[str, float]:
    """Return the events a second at which each part is busy, by kind of process."""
    numbers = {"web": web, "worker": worker, "PostgreSQL": postgres}
    return {kind: number * BUSY / cpu[kind] * 1000 for kind, number in numbers.items()}


def section(results: Sequence[Result]) -> list[str]:
    """Return the lines of the section. It uses the connector's first burst."""
    burst = next(result for result in results if result.scenario == "burst" and result.formation == "connector")
    cpu = burst.cpu
    seconds = ", ".join(f"{kind} {cpu[kind]:.2f}" for kind in _PARTS)
    introduction = f"""
        This section is calculated, not measured. It uses the CPU seconds of the connector's burst for 1,000 events:
        {seconds}. This is also the number of busy cores at 1,000 events a second. Every part is planned to be busy for
        {BUSY:.0%} of the time. A core of another machine may be faster or slower; then all figures change alike. Groups
        and batches are planned to be as large as in the burst. At a low rate they are small, so an event costs more
        (see the row with a steady rate), but then the cores have time.
    """
    return [
        *("## Scale on paper", "", *wrapped(introduction), ""),
        *("### What saturates first", "", *_saturation(cpu), ""),
        *(f"### {RATE:,} events a second, with bursts of {BURST:,}", "", *_sustained(cpu), ""),
        *("### The disk", "", *_disk(), ""),
        *("### When to split stores over databases", "", *_splitting(cpu)),
    ]


def wrapped(text: str, *, indent: str = "") -> list[str]:
    """Return the lines of a paragraph; `indent` begins all lines but the first."""
    return textwrap.wrap(" ".join(text.split()), 116, subsequent_indent=indent, break_on_hyphens=False)


def row(cells: Sequence[object]) -> str:
    """Return a row of a table. Integers get separators."""
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"


def head(names: Sequence[str], *, texts: int = 0) -> list[str]:
    """Return the head of a table, whose first columns are texts, and whose other columns are figures."""
    return [row(names), row(["---"] * texts + ["---:"] * (len(names) - texts))]


def _saturation(cpu: dict[str, float]) -> Iterator[str]:
    web, worker, postgres = (BUSY / cpu[kind] * 1000 for kind in _PARTS)
    yield from wrapped(f"""
        The slowest part limits the rate. A granian worker accepts {web:,.0f} events a second, a child of a worker
        delivers {worker:,.0f}, and a core of PostgreSQL carries {postgres:,.0f}. N is the number of granian workers:
        `web` x `WEB_CONCURRENCY`. M is the number of children: `worker` x `WORKER_CONCURRENCY`.
    """)
    yield ""
    yield from head(["N", "M", "cores of PostgreSQL", "N accept", "M deliver", "PostgreSQL", "saturated first"])
    for numbers in _FORMATIONS:
        found = limits(cpu, *numbers)
        yield row([*numbers, *map(round, found.values()), min(found, key=lambda kind: found[kind])])
    yield ""
    yield from wrapped(f"""
        If the web processes saturate, Yotpo waits longer for its answers, and connections above the limit are turned
        away. If the workers saturate, the lag grows, and no webhook is lost. If PostgreSQL saturates, both happen. So
        give the web processes the most room. A store has {_PARTITIONS} partitions, so it can use {_PARTITIONS} children
        at most. They deliver {_PARTITIONS * worker:,.0f} events a second. Several stores can use more children.
    """)


def _sustained(cpu: dict[str, float]) -> Iterator[str]:
    peak = RATE + BURST / _BURST_SECONDS
    yield from wrapped(f"""
        A burst of {BURST:,} events comes on top of {RATE:,} events a second. It is gone after {_BURST_SECONDS} s if
        every part carries {peak:,.0f} events a second. A part that carries only {RATE:,} never catches up.
    """)
    yield ""
    peaks = f"needed for {peak:,.0f}/s"
    yield from head(
        ["part", "CPU s", f"needed for {RATE:,}/s", peaks, f"with these, {BURST:,} are gone after"], texts=1
    )
    for kind, name in _PARTS.items():
        number = needed(cpu[kind], peak)
        seconds = BURST / (number * BUSY / cpu[kind] * 1000 - RATE)
        yield row([name, f"{cpu[kind]:.2f}", needed(cpu[kind], RATE), number, f"{seconds:.0f} s"])
    yield ""
    connections = needed(cpu["web"], peak) * 6 + needed(cpu["worker"], peak)
    yield from wrapped(f"""
        While it waits, the burst takes {BURST * _TABLES["events"] / 1e6:.0f} MB in the journal, and nothing in Redis.
        Redis takes {cpu.get("Redis", 0):.2f} of a core. The web processes hold up to six connections each, the children
        one each: {connections} in all. The web processes have to accept the burst at the speed at which it comes. They
        share no state, so the number of granian workers can grow as long as PostgreSQL has room.
    """)
    yield ""
    yield from wrapped("""
        The sums are for webhooks of 1.5 KB and for an Insider that answers at once. A child does nothing else while it
        waits for Insider or for a commit. If it waits as long as it works, twice as many children are needed.
    """)


def _disk() -> Iterator[str]:
    total = sum(_TABLES.values())
    per_second = RATE * _WAL_BYTES
    tables = ", ".join(f"{size} bytes in `{table}`" for table, size in _TABLES.items())
    yield from wrapped(f"""
        At {RATE:,} events a second, PostgreSQL writes {per_second / 1e6:.1f} MB of WAL a second, which is
        {per_second * _DAY / 1e9:,.0f} GB a day. A replica reads this, and an archive of the WAL keeps it. A settled
        event takes {total / 1000:.1f} KB of the disk: {tables}.
    """)
    yield ""
    yield from head(
        [
            *("events/s, all day", "events a day", "GB a day", "GB in 7 days", "GB in 90 days (default)"),
            *("GB of key index, 7 days", "GB of key index, 90 days"),
        ]
    )
    for rate in (10, 100, RATE):
        size, keys = (rate * _DAY * one / 1e9 for one in (total, _KEY_INDEX))
        yield row([rate, rate * _DAY, *(f"{one:,.1f}" for one in (size, size * 7, size * 90, keys * 7, keys * 90))])
    yield ""
    yield from wrapped(f"""
        So with the default of 90 days, the disk is the first limit at {RATE:,} events a second, before the CPU. Shorten
        `KEEP_EVENTS_DAYS` and `KEEP_OUTCOMES_DAYS`. Old periods are dropped whole, which costs little. Old rows of
        `event_keys` are deleted in batches.
    """)
    yield ""
    yield from wrapped(f"""
        Each new webhook enters its digest at a random place of the index of `event_keys`. If the index does not fit
        into PostgreSQL's memory, the disk reads a page for each webhook. If it is large, nearly every webhook is the
        first to change its page after a checkpoint, and PostgreSQL writes the whole page to the WAL. This is up to
        {_PAGE / 1000:.0f} KB more for a webhook. Longer times between checkpoints (`max_wal_size`) make it less.
    """)


def _splitting(cpu: dict[str, float]) -> Iterator[str]:
    yield from wrapped("""
        Each store belongs to one database. You can run the connector twice, each with its own PostgreSQL and Redis, and
        give each a share of the stores. They share nothing. One store cannot be split. Split if one of these is true:
    """)
    yield ""
    cores = _LARGE_CORES * BUSY / cpu["PostgreSQL"] * 1000
    week, quarter = (_LARGE_MEMORY / (days * _DAY * _KEY_INDEX) for days in (7, 90))
    for item in (
        f"PostgreSQL needs more than {_LARGE_CORES} cores. This is above {cores:,.0f} events a second.",
        f"""The index of the keys does not fit into PostgreSQL's memory, and you cannot keep events for a shorter time.
        With {_LARGE_MEMORY / 1e9:.0f} GB for it, this is above {week:,.0f} events a second, all day, if events are kept
        for 7 days, and above {quarter:,.0f} if they are kept for 90 days.""",
        "A backup or its restore takes longer than you can wait. First keep the history for a shorter time.",
        "The connections of all processes exceed what PostgreSQL or its pooler accepts.",
        "A fault of one database may not stop all stores.",
    ):
        yield from wrapped(f"- {item}", indent="  ")
    yield ""
    yield "Until then, add `web` processes and workers."
