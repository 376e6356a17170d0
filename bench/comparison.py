"""Compares the connector with the baselines: all run at the same time, and take turns under each scenario.

The idle formations cost nearly nothing. Each scenario has several rounds, and each figure is the median of its rounds.
"""

from __future__ import annotations

import statistics
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench import scenarios
from bench.baselines import BATCHES, SINGLE
from bench.formations import STORES, Baseline, Connector
from bench.scenarios import Cdp, Result
from connector.sandbox.processes import Group, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.formations import Formation

    Scenario = Callable[[Formation, Cdp], Result]

_STATE = Path(".local/bench")
_ROUNDS = 3
#: Rounds in which the customer data platform is slow.
_SLOW_ROUNDS = 1
_BURST = 5_000
#: The single baseline is slow, so its bursts are short.
_SHORT_BURST = 1_500
#: With one request of 50 ms for each webhook and two children, a burst of this size takes eight seconds.
_SHORTEST_BURST = 300
_DELAY_MS = 50
_STEADY_RATE = 100.0
_STEADY_SECONDS = 10.0
#: Snapshots at Yotpo's rate of 500 a second.
_SNAPSHOTS = 5_000
#: Events, with and without FULL=1.
_BACKLOG = (50_000, 10_000)
_HISTORY = (1_000_000, 100_000)
#: Kinds of processes with fewer CPU seconds per 1,000 events are left out of the table.
SHOWN = 0.005


def results(*, is_full: bool) -> Iterator[Result]:
    """Yield the median results of all scenarios. If `is_full`, the history and the backlog are long."""
    backlog_events, history_events = (sizes[0 if is_full else 1] for sizes in (_BACKLOG, _HISTORY))
    with ExitStack() as exits:
        cdp = _start_cdp(exits)
        connector = exits.enter_context(Connector(_STATE / "connector", cdp.url))
        grown = exits.enter_context(Connector(_STATE / "history", cdp.url, history=history_events))
        batches = exits.enter_context(Baseline(_STATE / BATCHES, cdp.url, kind=BATCHES))
        single = exits.enter_context(Baseline(_STATE / SINGLE, cdp.url, kind=SINGLE))
        for formation in (connector, grown, batches, single):
            scenarios.burst(formation, cdp, 300)
        burst = partial(scenarios.burst, number=_BURST)
        slow = partial(burst, delay_ms=_DELAY_MS, name=f"burst, {_DELAY_MS} ms")
        steady = partial(scenarios.steady, rate=_STEADY_RATE, seconds=_STEADY_SECONDS)
        hot = partial(scenarios.hot_customer, number=_SHORT_BURST)
        backlog = partial(scenarios.backlog, number=backlog_events)
        many = partial(burst, name=f"burst, {STORES} stores", stores=STORES)
        yield from _in_turns(
            cdp, {connector: burst, grown: burst, batches: burst, single: partial(burst, number=_SHORT_BURST)}
        )
        yield from _in_turns(cdp, {connector: many})
        yield from _in_turns(
            cdp, {connector: slow, batches: slow, single: partial(slow, number=_SHORTEST_BURST)}, rounds=_SLOW_ROUNDS
        )
        yield from _in_turns(cdp, dict.fromkeys((connector, grown, batches, single), steady), rounds=1)
        yield from _in_turns(cdp, {connector: hot, batches: hot}, rounds=1)
        yield from _in_turns(cdp, {connector: backlog}, rounds=1)
        yield scenarios.backfill(connector, cdp, _SNAPSHOTS)


def table(results: Iterable[Result]) -> Iterator[str]:
    """Yield the lines of a table, each as soon as its result is there."""
    figures = f"{'events/s':>9}{'CPU s/1,000':>13}{'p50 ms':>8}{'p99 ms':>8}{'PSS MiB':>9}"
    yield f"{'scenario':20}{'formation':32}{figures}   CPU s/1,000 by process"
    for result in results:
        latencies = f"{result.p50 * 1000:8.0f}{result.p99 * 1000:8.0f}" if result.p99 else f"{'':16}"
        kinds = ", ".join(f"{kind} {seconds:.2f}" for kind, seconds in result.cpu.items() if seconds >= SHOWN)
        figures = f"{result.rate:9,.0f}{result.total_cpu:13.2f}{latencies}{result.memory:9.0f}"
        yield f"{result.scenario:20}{result.formation:32}{figures}   {kinds}"


def _start_cdp(exits: ExitStack) -> Cdp:
    _STATE.mkdir(parents=True, exist_ok=True)
    group = exits.enter_context(Group(_STATE))
    url = f"http://127.0.0.1:{(port := free_port())}"
    group.start("cdp", [sys.executable, "-m", "bench.cdp", "--port", str(port)], {})
    group.wait_for_http("cdp", f"{url}/count")
    return Cdp(url)


def _in_turns(cdp: Cdp, tasks: dict[Formation, Scenario], *, rounds: int = _ROUNDS) -> Iterator[Result]:
    """Run each scenario several times, the formations in turns, and yield the median of each."""
    found: dict[Formation, list[Result]] = {formation: [] for formation in tasks}
    for _ in range(rounds):
        for formation, scenario in tasks.items():
            found[formation].append(scenario(formation, cdp))
    for each in found.values():
        yield _median(each)


def _median(rounds: list[Result]) -> Result:
    """Return the round with the median rate: its figures belong together."""
    middle = statistics.median_low(result.rate for result in rounds)
    return next(result for result in rounds if result.rate == middle)
