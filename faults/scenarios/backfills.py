"""A scenario that kills one part after another during a backfill."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from connector.errors import OperatorError
from faults import stores
from faults.memory import MemoryWatch
from faults.registry import scenario
from faults.scenarios import broker, database, processes
from faults.stores import YotpoStore

if TYPE_CHECKING:
    from faults.registry import Body
    from faults.run import Run
    from faults.stores import Progress

#: Webhooks in a second. At this rate, as in the scenario customer-hot, the machine has CPU time to spare.
_RATE = 30
_BREAKAGES: dict[str, Body] = {
    "yotpo killed": lambda run: run.supervisor.kill("yotpo"),
    "bulk killed": lambda run: run.supervisor.kill("bulk"),
    "worker killed": processes.worker_killed,
    "PostgreSQL's connections cut": database.postgres_connections_cut,
    "PostgreSQL killed": database.postgres_killed,
    "Redis killed and started empty": broker.redis_restarted,
}
_MAX_MOMENTS = 20
#: The store must have this many customers for each moment.
_CUSTOMERS_A_MOMENT = 500
#: A backfill that makes no progress for this long has stopped.
_STOPPED_SECONDS = 120.0
_POLL_SECONDS = 0.2
_REPORT_SECONDS = 2.0
_MAX_MEGABYTES = 200.0
_MEASURED = ("yotpo", "bulk", "worker")


@scenario(share=0.5, rate=_RATE)
def backfill_killed(run: Run) -> None:
    """While a backfill runs, processes or connections are killed 20 times.

    Webhooks of another store are sent all the time.
    """
    run.notes.append(f"the store has {run.store_size:,} customers at Yotpo")
    name = f"{run.store}-filled"
    stores.add(run.stack, name)
    store = YotpoStore(run.stack, name, customers=run.store_size)
    started = time.monotonic()
    with MemoryWatch(run.stack) as memory:
        store.start_backfill()
        _break_often(run, store)
        run.over()
        _wait_until_seen(run, store, run.store_size)
        read = time.monotonic() - started
        _wait_until_delivered(store)
    run.notes.append(f"read in {read:.0f} s, delivered in {time.monotonic() - started:.0f} s")
    _check_report(run, store)
    _check_customers(run, store)
    _check_memory(run, memory)


def moments(store_size: int, seed: int) -> list[int]:
    """Return a random moment in each equal part of the store.

    A moment is given as the number of customers that the backfill has read by then.
    """
    random = Random(seed)  # noqa: S311 - no secret depends on it
    number = max(1, min(_MAX_MOMENTS, store_size // _CUSTOMERS_A_MOMENT))
    return [round((part + random.random()) / number * store_size) for part in range(number)]


def _break_often(run: Run, store: YotpoStore) -> None:
    seen_counts = moments(run.store_size, run.seed)
    names = list(_BREAKAGES) * (len(seen_counts) // len(_BREAKAGES) + 1)
    Random(run.seed).shuffle(names)  # noqa: S311 - as above
    times: Counter[str] = Counter()
    for seen, name in zip(seen_counts, names, strict=False):
        # Each moment is before the last pages, so that the backfill still has customers to read.
        _wait_until_seen(run, store, min(seen, run.store_size - 200))
        # All killed processes must run again first, so that each moment breaks a part that works.
        run.supervisor.wait_for_all()
        _BREAKAGES[name](run)
        times[name] += 1
    run.notes.append("broken: " + ", ".join(f"{name} {number} times" for name, number in sorted(times.items())))


def _wait_until_seen(run: Run, store: YotpoStore, customers: int) -> Progress:
    """Wait until the backfill has read this many customers, or is done. Raises OperatorError if it stops."""
    before, since = -1, time.monotonic()
    while time.monotonic() - since < _STOPPED_SECONDS:
        progress = store.progress()
        if progress and (progress.state == "done" or (progress.seen >= customers and customers < run.store_size)):
            return progress
        if progress and progress.seen > before:
            before, since = progress.seen, time.monotonic()
        time.sleep(_POLL_SECONDS)
    raise OperatorError(f"the backfill has stopped: {store.report()}")


def _wait_until_delivered(store: YotpoStore) -> None:
    before, since = -1, time.monotonic()
    while (waiting := store.report()["waiting"]) and time.monotonic() - since < _STOPPED_SECONDS:
        if waiting != before:
            before, since = waiting, time.monotonic()
        time.sleep(_REPORT_SECONDS)


def _check_report(run: Run, store: YotpoStore) -> None:
    """Compare the report of `connector backfill status` with the store and with the journal."""
    report = store.report()
    seen, sent, skipped = report["seen"], report["sent"], sum(report["skipped"].values())
    run.notes.append(
        f"{report['state']}: seen {seen:,}, sent {sent:,}, skipped {skipped:,}, delivered {report['delivered']:,}, "
        f"refused {report['refused']}; {report['pages']:,} pages, {report['restarts']} restarts"
    )
    checks = {
        "the backfill is not done": report["state"] == "done",
        "not every customer was seen once": seen == run.store_size,
        "sent and skipped do not add up to seen": sent + skipped == seen,
        "not everything that was sent is delivered": report["delivered"] == sent and not report["waiting"],
        "customers were refused": not report["refused"],
    }
    run.problems += [f"{problem}: {report}" for problem, is_right in checks.items() if not is_right]
    snapshots = store.snapshots()
    run.notes.append(
        f"the journal has {snapshots.events:,} snapshots of {snapshots.customers:,} customers, and "
        f"{snapshots.deliveries:,} deliveries"
    )
    if set(snapshots) != {sent}:
        run.problems.append(f"not one snapshot and one delivery for each customer that was sent: {snapshots}")


def _check_customers(run: Run, store: YotpoStore) -> None:
    """Compare the customers at Yotpo with the profiles at Insider."""
    comparison = store.comparison()
    run.notes.append(f"Insider compared with Yotpo: {comparison.summary()}")
    if not comparison.equal or comparison.customers != run.store_size:
        run.problems.append("at the end, Insider's profiles do not match Yotpo's customers")


def _check_memory(run: Run, memory: MemoryWatch) -> None:
    highest = {name: memory.highest[name] for name in _MEASURED}
    run.notes.append(
        "highest memory of a single process: "
        + ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in highest.items())
    )
    run.problems += [
        f"{name} used {megabytes:.0f} MB, more than {_MAX_MEGABYTES:.0f}"
        for name, megabytes in highest.items()
        if megabytes > _MAX_MEGABYTES
    ]
