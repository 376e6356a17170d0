"""Writes docs/performance.md and its plot from the results of the formations, which it keeps in a file.

So the report can be written again without another run: ``python -m bench report``.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench import history, plot, scale
from bench.comparison import SHOWN
from bench.scale import head, row, wrapped
from bench.scenarios import Result
from connector.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RESULTS = Path(".local/bench/results.json")
REPORT, PLOT = Path("docs/performance.md"), Path("docs/performance.svg")
_COLUMNS = {
    "scenario": "what was sent; the list below says how",
    "contender": "the connector, or a gateway that users could build",
    "events/s": "from the first webhook to the last arrival at the customer data platform",
    "CPU s": "CPU seconds of all processes for 1,000 events, with PostgreSQL and Redis",
    "by process": "the same, by kind of process; `worker` includes `bulk` and `yotpo`; less than 0.005 is left out",
    "p50, p99 ms": "from sending a webhook to its arrival, for 50 % and for 99 % of the webhooks; in a burst, nearly "
    "all of this is waiting for the webhooks before",
    "MiB": "memory (PSS) of all processes at the end, without PostgreSQL",
}
_SCENARIOS = {
    "burst": "webhooks as fast as the contender answers, over 32 connections, each of a customer of its own",
    "burst, N stores": "the same, but the stores take turns",
    "burst, N ms": "the same, but the customer data platform takes this long for each response; measured once",
    "steady": "webhooks at an even rate; measured once",
    "one hot customer": "webhooks of one customer as fast as the contender answers; measured once",
    "backlog": "webhooks while no worker runs; then one worker starts, and events/s count from its first arrival; "
    "measured once",
    "backfill": "a snapshot of each customer of a store, read from the simulator of Yotpo; Yotpo accepts five "
    "requests of 100 customers a second, so at most 500 snapshots a second; the time includes the command that starts "
    "the backfill; measured once",
}
_ABOUT = """
    All contenders run on one machine, with the sender of the webhooks and a dummy customer data platform that accepts
    everything. They take turns under each scenario. Each scenario has three rounds, unless the list below says
    otherwise, and the figures are those of the round with the median rate. CPU seconds are for one core. Compare only
    figures of the same run: events/s and times depend on the other load of the machine.
"""
_FAVOUR = """
    The gateways map by hand and keep webhooks in Redis alone. They have no journal and no order for each customer, and
    they lose what Redis loses. So the comparison favours them.
"""
_ROWS_NOW = "`events`, `event_keys`, `queue`, `outcomes`, `customers`"
#: Measured by `python bench/wal.py` with each form of the journal: the bytes for a new and for a known customer, and
#: the tables in which rows are inserted, updated and deleted.
_WAL = (
    (
        "events and deliveries were updated",
        6_773,
        6_866,
        "`events`, `deliveries`, `customers`",
        "`events`, `deliveries`",
        "",
    ),
    ("only events were updated", 6_308, 6_471, "`events`, `deliveries`, `customers`", "`events`", ""),
    ("each row is written once", 3_924, 4_016, _ROWS_NOW, "", "`queue`"),
    ("and packed", 2_769, 2_865, _ROWS_NOW, "", "`queue`"),
)


#: If the load average of a core is higher than this, it was not only the benchmark.
_BUSY = 2


class Run(NamedTuple):
    """A finished run of the formations."""

    results: Sequence[Result]
    #: What the report says about the run.
    made_at: str
    minutes: float
    load: float
    is_full: bool


def kept(results: Iterable[Result], *, is_full: bool) -> Iterator[Result]:
    """Yield the results, and keep those that are there so far."""
    started = time.monotonic()
    found: list[dict[str, Any]] = []
    for result in results:
        found.append(asdict(result))
        minutes = (time.monotonic() - started) / 60
        run = Run([], f"{datetime.now(UTC):%Y-%m-%d}", minutes, os.getloadavg()[2], is_full)
        RESULTS.write_text(json.dumps({**run._asdict(), "results": found}, indent=1), encoding="utf-8")
        yield result


def write() -> Path:
    """Write the report and the plot; return the path of the report. Raises OperatorError if there are no results."""
    if not RESULTS.exists():
        raise OperatorError(f"{RESULTS} does not exist; `python -m bench formations` makes it")
    content = json.loads(RESULTS.read_text(encoding="utf-8"))
    run = Run(**{**content, "results": [Result(**result) for result in content["results"]]})
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(markdown(run), encoding="utf-8")
    PLOT.write_text(picture(run.results), encoding="utf-8")
    return REPORT


def picture(results: Sequence[Result]) -> str:
    """Return the plot of the burst."""
    bursts = [result for result in results if result.scenario == "burst"]
    rates = [plot.Bar(one.formation, one.rate, _is_ours(one)) for one in bursts]
    costs = [plot.Bar(one.formation, one.total_cpu, _is_ours(one)) for one in bursts]
    charts = [
        plot.Chart("Events a second in a burst (more is better)", "events a second", ",.0f", rates),
        plot.Chart("CPU for 1,000 events of a burst (less is better)", "CPU seconds for 1,000 events", ".2f", costs),
    ]
    return plot.svg(charts, title="Events a second and CPU seconds for 1,000 events, by contender")


def markdown(run: Run) -> str:
    """Return the report."""
    command = "FULL=1 make bench" if run.is_full else "make bench"
    made = f"""
        Made by `{command}` on {run.made_at}, on {os.cpu_count()} cores ({platform.system()} {platform.machine()}),
        Python {platform.python_version()}, PostgreSQL 18 with 32 MB of shared buffers, and Redis. The running processes
        took {run.minutes:.0f} minutes. At the end, the load average of the last 15 minutes was {run.load:.1f}.
    """
    if run.load > _BUSY * (os.cpu_count() or 1):
        made += """
            So other programs were running too, more at some times than at others. Events/s and times are those of a
            busy machine, and differences between contenders may come from it. CPU seconds suffer less, but they are
            higher than on a quiet machine. Run it again there before you rely on a figure.
        """
    lines = [
        *("# What an event costs", "", *wrapped(made), "", *wrapped(_ABOUT), ""),
        *("![Events a second and CPU seconds for 1,000 events, by contender](performance.svg)", ""),
        *head(list(_COLUMNS), texts=2),
        *(row(_cells(result)) for result in run.results),
        *("", *_history(run.results), "", *wrapped(_FAVOUR), ""),
        *("## What the columns mean", ""),
        *(f"- **{name}**: {meaning}." for name, meaning in _COLUMNS.items()),
        *("", "## What is sent", ""),
        *(f"- **{name}**: {meaning}." for name, meaning in _SCENARIOS.items()),
        *("", "## What is written", "", *_written(), ""),
        *scale.section(run.results),
    ]
    return "\n".join(lines) + "\n"


def _history(results: Sequence[Result]) -> Iterator[str]:
    """Yield what the history costs, in the burst."""
    new, *old = [result for result in results if result.scenario == "burst" and _is_ours(result)]
    for one in old:
        cpu, postgres = one.total_cpu / new.total_cpu, one.cpu["PostgreSQL"] / new.cpu["PostgreSQL"]
        yield from wrapped(f"""
            The history of "{one.formation}" fills {history.WEEKS} weekly periods, with five events of each customer. In
            the burst, this connector has {one.rate / new.rate:.2f} times the rate of the connector without a history.
            An event takes {cpu:.2f} times its CPU time, and {postgres:.2f} times its CPU time of PostgreSQL.
        """)


def _written() -> Iterator[str]:
    """Yield what PostgreSQL writes for a webhook, before and after."""
    yield from wrapped("""
        An ordinary webhook brings an update of one customer, which Insider accepts at once. `python bench/wal.py`
        counts the bytes of WAL and the rows that PostgreSQL writes for it. The webhooks have 1.5 KB and are journaled
        in groups of 20.
    """)
    yield ""
    yield row(["journal", "WAL, new customer", "WAL, known customer", "inserted", "updated", "deleted"])
    yield row(["---", "---:", "---:", "---", "---", "---"])
    for name, new, known, *rows in _WAL:
        yield row([name, new, known, *rows])
    before, after = _WAL[0], _WAL[-1]
    yield ""
    yield from wrapped(f"""
        So an event takes {after[1] / before[1]:.0%} of the WAL that it took at first. The rows are those of a new
        customer. The row of a known customer is updated instead of inserted. The rows of `event_keys` and `queue` are
    small. """)


def _is_ours(result: Result) -> bool:
    return result.formation.startswith("connector")


def _cells(result: Result) -> list[str]:
    kinds = ", ".join(f"{kind} {seconds:.2f}" for kind, seconds in result.cpu.items() if seconds >= SHOWN)
    times = f"{result.p50 * 1000:,.0f}, {result.p99 * 1000:,.0f}" if result.p99 else ""
    return [
        *(result.scenario, result.formation, f"{result.rate:,.0f}", f"{result.total_cpu:.2f}"),
        *(kinds, times, f"{result.memory:,.0f}"),
    ]
