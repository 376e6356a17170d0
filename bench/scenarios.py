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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.formations import Formation

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
    #: Seconds from sending a webhook to its arrival; 0 if the scenario does not measure it.
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

    def arrivals(self) -> array.array[float]:
        """Return the time of arrival of each customer, by number; 0 if it has not arrived."""
        return array.array("d", requests.get(f"{self.url}/arrivals", timeout=60).content)

    def wait_for(self, what: str, number: int) -> dict[str, Any]:
        """Wait until `number` customers or events have arrived, and return the counts. Raises OperatorError."""
        patience = time.monotonic() + _PATIENCE_SECONDS
        while (count := self.count())[what] < number:
            if time.monotonic() > patience:
                raise OperatorError(f"only {count[what]} of {number} {what} have arrived")
            time.sleep(_POLL_SECONDS)
        return count


def burst(formation: Formation, cdp: Cdp, number: int, *, delay_ms: float = 0, name: str = "burst") -> Result:
    """Send webhooks as fast as the formation answers, each of a customer of its own."""

    def run(first: int) -> float:
        load = _load(formation, first=first, number=number)
        return float(cdp.wait_for("customers", number)["last_at"]) - float(load["started"])

    return _measured(formation, cdp, name, number, run, delay_ms=delay_ms)


def steady(formation: Formation, cdp: Cdp, *, rate: float, seconds: float) -> Result:
    """Send webhooks at an even rate, and measure how long each takes."""
    number = round(rate * seconds)
    times = formation.state / "times"
    latencies: list[float] = []

    def run(first: int) -> float:
        load = _load(formation, first=first, number=number, rate=rate, times=times)
        last_at = float(cdp.wait_for("customers", number)["last_at"])
        arrivals = cdp.arrivals()[first : first + number]
        sent = array.array("d", times.read_bytes())
        latencies.extend(sorted(arrived - at for arrived, at in zip(arrivals, sent, strict=True)))
        return last_at - float(load["started"])

    result = _measured(formation, cdp, f"steady {rate:g}/s", number, run)
    return replace(result, p50=latencies[number // 2], p99=latencies[number * 99 // 100])


def backlog(formation: Formation, cdp: Cdp, number: int) -> Result:
    """Send webhooks while no worker runs, then start one worker; the rate counts from the first arrival."""
    formation.stop_workers()

    def run(first: int) -> float:
        _load(formation, first=first, number=number)
        formation.start_workers()
        last_at = float(cdp.wait_for("customers", number)["last_at"])
        return last_at - min(cdp.arrivals()[first : first + number])

    return _measured(formation, cdp, f"backlog of {number:,}", number, run)


def hot_customer(formation: Formation, cdp: Cdp, number: int) -> Result:
    """Send webhooks of one customer as fast as the formation answers."""

    def run(first: int) -> float:
        load = _load(formation, first=first, number=number, customers=1)
        return float(cdp.wait_for("events", number)["last_at"]) - float(load["started"])

    return _measured(formation, cdp, "one hot customer", number, run)


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
    formation: Formation, *, first: int, number: int, rate: float = 0, customers: int = 0, times: Path | None = None
) -> dict[str, Any]:
    """Send the webhooks from a process of its own. Raises OperatorError if one is not answered 200."""
    options = {"first": first, "number": number, "rate": rate, "customers": customers, "times": times}
    arguments = [f"--{name}={value}" for name, value in options.items() if value]
    command = [sys.executable, "-m", "bench.load", formation.url, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if result.returncode:
        raise OperatorError(f"the load failed: {result.stderr[-2000:]}")
    load: dict[str, Any] = json.loads(result.stdout)
    if load["statuses"] != {"200": number}:
        raise OperatorError(f"not all webhooks were answered 200: {load['statuses']}")
    return load
