"""Backfills, of which something is killed at every turn until they are done."""

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

#: Webhooks in a second: the load of customer-hot, which leaves the machine room.
_RATE = 30
_BREAKAGES: dict[str, Body] = {
    "yotpo killed": lambda run: run.supervisor.kill("yotpo"),
    "bulk killed": lambda run: run.supervisor.kill("bulk"),
    "worker killed": processes.worker_killed,
    "PostgreSQL's connections cut": database.postgres_connections_cut,
    "PostgreSQL killed": database.postgres_killed,
    "Redis killed and started empty": broker.redis_restarted,
}
_MOMENTS = 20
#: A store with fewer customers than so many for each moment has fewer moments.
_CUSTOMERS_A_MOMENT = 500
#: A backfill of which nothing has been seen for so long has stopped.
_STOPPED_SECONDS = 120.0
_POLL_SECONDS = 0.2
_REPORT_SECONDS = 2.0
_MEGABYTES = 200.0
_WATCHED = ("yotpo", "bulk", "worker")


@scenario(share=0.5, rate=_RATE)
def backfill_killed(run: Run) -> None:
    """While a store's customers are read, something is killed at 20 moments; webhooks of another store go on."""
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
    """Return how many customers have been seen at each moment: one by chance in each part of the whole."""
    random = Random(seed)  # noqa: S311 - no secret hangs on it
    number = max(1, min(_MOMENTS, store_size // _CUSTOMERS_A_MOMENT))
    return [round((part + random.random()) / number * store_size) for part in range(number)]


def _break_often(run: Run, store: YotpoStore) -> None:
    chosen = moments(run.store_size, run.seed)
    names = list(_BREAKAGES) * (len(chosen) // len(_BREAKAGES) + 1)
    Random(run.seed).shuffle(names)  # noqa: S311 - as above
    done: Counter[str] = Counter()
    for seen, name in zip(chosen, names, strict=False):
        # A page before the end, so that there is something left to be read.
        _wait_until_seen(run, store, min(seen, run.store_size - 200))
        # What has been killed just before is there again: each moment breaks something that works.
        run.supervisor.wait_for_all()
        _BREAKAGES[name](run)
        done[name] += 1
    run.notes.append("broken: " + ", ".join(f"{name} {times} times" for name, times in sorted(done.items())))


def _wait_until_seen(run: Run, store: YotpoStore, customers: int) -> Progress:
    """Wait until the backfill has seen so many. Raises OperatorError where it goes on no more."""
    before, since = -1, time.monotonic()
    while time.monotonic() - since < _STOPPED_SECONDS:
        now = store.progress()
        if now and (now.state == "done" or (now.seen >= customers and customers < run.store_size)):
            return now
        if now and now.seen > before:
            before, since = now.seen, time.monotonic()
        time.sleep(_POLL_SECONDS)
    raise OperatorError(f"the backfill has stopped: {store.report()}")


def _wait_until_delivered(store: YotpoStore) -> None:
    before, since = -1, time.monotonic()
    while (waiting := store.report()["waiting"]) and time.monotonic() - since < _STOPPED_SECONDS:
        if waiting != before:
            before, since = waiting, time.monotonic()
        time.sleep(_REPORT_SECONDS)


def _check_report(run: Run, store: YotpoStore) -> None:
    """Hold what `connector backfill status` says against what there was to do."""
    report = store.report()
    seen, sent, skipped = report["seen"], report["sent"], sum(report["skipped"].values())
    run.notes.append(
        f"{report['state']}: seen {seen:,}, sent {sent:,}, skipped {skipped:,}, delivered {report['delivered']:,}, "
        f"refused {report['refused']}; {report['pages']:,} pages, {report['restarts']} restarts"
    )
    holds = {
        "it is not done": report["state"] == "done",
        "not every customer was seen once": seen == run.store_size,
        "sent and skipped are not what was seen": sent + skipped == seen,
        "not all that was sent is delivered": report["delivered"] == sent and not report["waiting"],
        "customers were refused": not report["refused"],
    }
    run.problems += [f"{problem}: {report}" for problem, well in holds.items() if not well]
    journaled = store.snapshots()
    run.notes.append(
        f"the journal has {journaled.events:,} snapshots of {journaled.customers:,} customers, and "
        f"{journaled.deliveries:,} deliveries"
    )
    if set(journaled) != {sent}:
        run.problems.append(f"not one snapshot and one delivery for each customer that was sent: {journaled}")


def _check_customers(run: Run, store: YotpoStore) -> None:
    """Hold the customers at Yotpo against the profiles at Insider."""
    compared = store.compared()
    run.notes.append(f"Insider against Yotpo: {compared.summary()}")
    if not compared.equal or compared.customers != run.store_size:
        run.problems.append("Insider does not end equal to Yotpo")


def _check_memory(run: Run, memory: MemoryWatch) -> None:
    told = {name: memory.highest[name] for name in _WATCHED}
    run.notes.append(
        "memory at its highest, of the largest process of each: "
        + ", ".join(f"{name} {megabytes:.0f} MB" for name, megabytes in told.items())
    )
    run.problems += [
        f"{name} took {megabytes:.0f} MB, more than {_MEGABYTES:.0f}"
        for name, megabytes in told.items()
        if megabytes > _MEGABYTES
    ]
