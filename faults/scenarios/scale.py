"""Workers are added and removed under load, and one customer has as many events as all others together."""

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
_HOT_PARTITION = partition_number(_HOT)
_FIVE_HUNDRED = [f"other{number}@example.com" for number in range(500)]
_EXTRA_RATE = 100.0
_WHEN_MANY, _WHEN_ONE = "with additional events of 500 other customers", "with additional events of one customer"
#: The number of children of each additional worker.
_EXTRA_WORKERS = {"worker2": "4", "worker3": "3"}


@scenario(lasting=15, environment={"WORKER_CONCURRENCY": "1"})
def workers_scaled(run: Run) -> None:
    """Two workers with seven children are added to one worker with one child. After 10 s they are removed again."""
    for name, children in _EXTRA_WORKERS.items():
        run.supervisor.keep(name, "worker", WORKER_CONCURRENCY=children)
    run.hold(10)
    for name in _EXTRA_WORKERS:
        run.supervisor.let_go(name)


@scenario(share=0.5, rate=30)
def customer_hot(run: Run) -> None:
    """Besides the load, an equal number of events is sent for 500 other customers, and then for one customer."""
    customers = set(run.plan)
    spans = {"without additional events": (0.0, time.time())}
    for when, extra_customers in {_WHEN_MANY: _FIVE_HUNDRED, _WHEN_ONE: [_HOT]}.items():
        started = time.time()
        _send_more(run, extra_customers)
        spans[when] = (started, time.time())
    run.over()
    run.measures.append(lambda findings: _latencies(findings, customers, spans))


def _send_more(run: Run, customers: Sequence[str]) -> None:
    """Send events of other customers, in the same number as the load, at a rate that leaves CPU time to spare.

    Without CPU time to spare, additional events of any customer would slow all customers down.
    """
    plan = planning.make(len(run.load.events), customers, 0)
    run.plan.update(plan)
    extra = Load(run.url, plan, rate=_EXTRA_RATE)
    extra.start()
    extra.finish(len(extra.events) / SLOWEST_RATE)


def _latencies(findings: Findings, customers: set[str], spans: dict[str, tuple[float, float]]) -> Iterator[str]:
    """Yield how long the webhooks of the load's customers took to Insider in each span of time."""
    for when, (started, ended) in spans.items():
        durations = {
            event: arrived - event.sent_at
            for event, arrived in findings.arrived.items()
            if event.customer in customers and event.sent_at and started <= event.sent_at < ended
        }
        yield from _line(when, list(durations.values()))
        if when == _WHEN_ONE:
            same_partition = [
                seconds for event, seconds in durations.items() if partition_number(event.customer) == _HOT_PARTITION
            ]
            yield from _line("of these, in that customer's partition", same_partition)


def _line(when: str, seconds: list[float]) -> Iterator[str]:
    latency = Latency.of(seconds)
    if latency:
        yield f"{when}: {latency}"
