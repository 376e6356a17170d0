"""The loads under which the benchmark compares formations, and how each is measured.

A scenario ends when the dummy customer data platform has all customers. The rate counts from the first webhook to the
last arrival. The CPU seconds are those of all processes of the formation, with its PostgreSQL and Redis.
"""

from __future__ import annotations

import array
import itertools
import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import requests

from connector.errors import OperatorError
from faults.stores import YotpoStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.formations import Connector, Formation

_PATIENCE_SECONDS = 300.0
_POLL_SECONDS = 0.02
#: The wait before each scenario. Meanwhile the formation finishes the work of the scenario before.
_REST_SECONDS = 1.0
_numbers = itertools.count()


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What a formation did under a scenario."""

    scenario: str
    formation: str
    #: Events a second, from the first webhook to the last arrival.
    rate: float
    #: CPU seconds per 1,000 events, by kind of process.
    cpu: dict[str, float]
    #: Seconds from sending a webhook to its arrival at the customer data platform; 0 if it is not measured.
    p50: float = 0.0
    p99: float = 0.0
    #: PSS in MiB of all processes at the end, without PostgreSQL.
    memory: float = 0.0

    @property
    def total_cpu(self) -> float:
        return sum(self.cpu.values())


class Cdp:
    """The dummy customer data platform, in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self, delay_ms: float = 0) -> None:
        requests.get(f"{self.url}/reset", params={"delay_ms": str(delay_ms)}, timeout=10).raise_for_status()

    def count(self) -> dict[str, Any]:
        return dict(requests.get(f"{self.url}/count", timeout=10).json())

    def arrivals(self, first: int, number: int) -> array.array[float]:
        """Return the times of arrival of customers, by number; 0 for one that has not arrived."""
        parameters = {"first": str(first), "number": str(number)}
        return array.array("d", requests.get(f"{self.url}/arrivals", params=parameters, timeout=60).content)

    def wait_for(self, what: str, number: int) -> dict[str, Any]:
        """Wait until `number` customers or events have arrived, and return the counts. Raises OperatorError."""
        patience = time.monotonic() + _PATIENCE_SECONDS
        while (count := self.count())[what] < number:
            if time.monotonic() > patience:
                raise OperatorError(f"only {count[what]} of {number} {what} have arrived")
            time.sleep(_POLL_SECONDS)
        return count


def burst(
    formation: Formation, cdp: Cdp, number: int, *, delay_ms: float = 0, name: str = "burst", stores: int = 1
) -> Result:
    """Send webhooks as fast as the formation answers, each of a customer of its own; stores take turns."""
    return _timed(formation, cdp, name, number, delay_ms=delay_ms, urls=formation.urls[:stores])


def steady(formation: Formation, cdp: Cdp, *, rate: float, seconds: float) -> Result:
    """Send webhooks at an even rate."""
    return _timed(formation, cdp, f"steady {rate:g}/s", round(rate * seconds), rate=rate)


def _timed(
    formation: Formation,
    cdp: Cdp,
    name: str,
    number: int,
    *,
    delay_ms: float = 0,
    rate: float = 0,
    urls: Sequence[str] = (),
) -> Result:
    """Send webhooks, and measure how long each takes to the customer data platform."""
    times = formation.state / "times"
    latencies: list[float] = []

    def run(first: int) -> float:
        load = _load(formation, first=first, number=number, rate=rate, times=times, urls=urls)
        last_at = float(cdp.wait_for("customers", number)["last_at"])
        sent = array.array("d", times.read_bytes())
        arrivals = cdp.arrivals(first, number)
        latencies.extend(sorted(arrived - at for arrived, at in zip(arrivals, sent, strict=True)))
        return last_at - float(load["started"])

    result = _measured(formation, cdp, name, number, run, delay_ms=delay_ms)
    return replace(result, p50=latencies[number // 2], p99=latencies[number * 99 // 100])


def backlog(formation: Formation, cdp: Cdp, number: int) -> Result:
    """Send webhooks while no worker runs, then start one worker; the rate counts from the first arrival."""
    formation.stop_workers()

    def run(first: int) -> float:
        _load(formation, first=first, number=number)
        formation.start_workers()
        last_at = float(cdp.wait_for("customers", number)["last_at"])
        return last_at - min(cdp.arrivals(first, number))

    return _measured(formation, cdp, f"backlog of {number:,}", number, run)


def hot_customer(formation: Formation, cdp: Cdp, number: int) -> Result:
    """Send webhooks of one customer as fast as the formation answers."""

    def run(first: int) -> float:
        load = _load(formation, first=first, number=number, customers=1)
        return float(cdp.wait_for("events", number)["last_at"]) - float(load["started"])

    return _measured(formation, cdp, "one hot customer", number, run)


def backfill(formation: Connector, cdp: Cdp, number: int) -> Result:
    """Read all customers of a store at the simulator of Yotpo, and send a snapshot of each.

    Yotpo accepts five requests a second, each with 100 customers. A few customers have neither an e-mail address nor a
    phone number, so they are not sent. The figures are for the snapshots that are sent.
    """
    store = YotpoStore(formation.stack, formation.store, customers=number)
    sent = 0

    def run(first: int) -> float:  # noqa: ARG001 - the customers are Yotpo's
        nonlocal sent
        started = time.monotonic()
        store.start_backfill()
        while (progress := store.progress()) is None or progress.state != "done":
            if time.monotonic() - started > _PATIENCE_SECONDS:
                raise OperatorError(f"the backfill is not done: {store.report()}")
            time.sleep(_POLL_SECONDS)
        sent = store.snapshots().events
        return float(cdp.wait_for("users", sent)["last_at"]) - started

    result = _measured(formation, cdp, "backfill", number, run)
    share = sent / number
    cpu = {kind: seconds / share for kind, seconds in result.cpu.items()}
    return replace(result, rate=result.rate * share, cpu=cpu)


def _measured(
    formation: Formation, cdp: Cdp, name: str, number: int, run: Callable[[int], float], *, delay_ms: float = 0
) -> Result:
    time.sleep(_REST_SECONDS)
    cdp.reset(delay_ms)
    first = next(_numbers) * 1_000_000
    before = formation.cpu()
    seconds = run(first)
    after = formation.cpu()
    cpu = {kind: (used - before.get(kind, 0.0)) / number * 1000 for kind, used in after.items()}
    return Result(scenario=name, formation=formation.name, rate=number / seconds, cpu=cpu, memory=formation.memory())


def _load(
    formation: Formation,
    *,
    first: int,
    number: int,
    rate: float = 0,
    customers: int = 0,
    times: Path | None = None,
    urls: Sequence[str] = (),
) -> dict[str, Any]:
    """Send the webhooks from a process of its own. Raises OperatorError if one is not answered 200."""
    options = {"first": first, "number": number, "rate": rate, "customers": customers, "times": times}
    arguments = [f"--{name}={value}" for name, value in options.items() if value]
    command = [sys.executable, "-m", "bench.load", *(urls or [formation.url]), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if result.returncode:
        raise OperatorError(f"the load failed: {result.stderr[-2000:]}")
    load: dict[str, Any] = json.loads(result.stdout)
    if load["statuses"] != {"200": number}:
        raise OperatorError(f"not all webhooks were answered 200: {load['statuses']}")
    return load
