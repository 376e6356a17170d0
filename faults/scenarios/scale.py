"""Scale: workers added and taken away under load, and one customer who makes as many events as all others."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from connector.model import partition_number
from faults import plan as planning
from faults.latency import Latency
from faults.load import Load
from faults.registry import scenario
from faults.run import SLOWEST_RATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faults.checking import Findings
    from faults.run import Run

_HOT = "hot@example.com"
_HOT_LANE = partition_number(_HOT)
_FIVE_HUNDRED = [f"other{number}@example.com" for number in range(500)]
_MORE_RATE = 100.0
_MORE_WORKERS = {"worker2": "4", "worker3": "3"}


@scenario(lasting=15, environment={"WORKER_CONCURRENCY": "1"})
def workers_scaled(run: Run) -> None:
    """One worker with one child gets the company of two more with seven children, and is left alone again."""
    for name, children in _MORE_WORKERS.items():
        run.supervisor.keep(name, "worker", WORKER_CONCURRENCY=children)
    run.hold(10)
    for name in _MORE_WORKERS:
        run.supervisor.let_go(name)


@scenario(share=0.5, rate=30)
def customer_hot(run: Run) -> None:
    """As many events as all customers make come on top, first of 500 others, then of one customer alone."""
    others = set(run.plan)
    spans = {"with no more than their own": (0.0, time.time())}
    for when, customers in {
        "with as many more of 500 others": _FIVE_HUNDRED,
        "with as many more of one": [_HOT],
    }.items():
        started = time.time()
        _send_more(run, customers)
        spans[when] = (started, time.time())
    run.over()
    run.measures.append(lambda found: _compare(found, others, spans))


def _send_more(run: Run, customers: Sequence[str]) -> None:
    """Send as many events of other customers as the load has, at a pace that leaves the machine room.

    Where there is none, any load slows everybody down, whoever makes it.
    """
    plan = planning.make(len(run.load.events), customers, 0)
    run.plan.update(plan)
    more = Load(run.url, plan, rate=_MORE_RATE)
    more.start()
    more.finish(len(more.events) / SLOWEST_RATE)


def _compare(found: Findings, others: set[str], spans: dict[str, tuple[float, float]]) -> Iterator[str]:
    """Tell how long the load's webhooks took to Insider meanwhile."""
    for when, (started, ended) in spans.items():
        took = {
            event: arrived - event.sent_at
            for event, arrived in found.arrived.items()
            if event.customer in others and event.sent_at and started <= event.sent_at < ended
        }
        yield from _told(when, list(took.values()))
        if when.endswith("of one"):
            partition = [seconds for event, seconds in took.items() if partition_number(event.customer) == _HOT_LANE]
            yield from _told("of these, in the partition of the one", partition)


def _told(when: str, seconds: list[float]) -> Iterator[str]:
    latency = Latency.of(seconds)
    if latency:
        yield f"{when}: {latency}"
