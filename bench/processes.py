"""Measures intake and delivery in their real processes. It starts its own processes."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import psutil
import requests

from bench.steps import Cost
from connector.sandbox.stack import SANDBOX, Stack
from connector.settings import DEFAULT_MAPPINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EVENTS = 10_000
_CUSTOMERS = 2_000
_THREADS = 16
_numbers = itertools.count(1)
_local = threading.local()


def costs() -> Iterator[Cost]:
    """Yield the costs of an event in the web process and in the worker."""
    with Stack(Path(".local/bench")) as stack:
        requests.post(f"{stack.insider_url}/_sandbox/settings", json={"requests_per_minute": 10**7}, timeout=10)
        name = f"{SANDBOX}-bench-{int(time.time())}"
        url = stack.command("stores", "add", name, "--insider-partner", name, "--insider-token", "t")["webhook_url"]
        health = f"{stack.web_url}/health"
        _load(lambda: _call("GET", health), 1000)
        _load(lambda: _call("POST", url, _webhook()), 100)
        _until_delivered(stack, name)

        stack.group.terminate(30, "worker", "beat")
        bare, seconds = _measured(stack, "web", lambda: _load(lambda: _call("GET", health), _EVENTS))
        yield Cost("web: a request that does nothing", bare, "1.0", f"{_EVENTS / seconds:.0f} a second")
        cpu, seconds = _measured(stack, "web", lambda: _load(lambda: _call("POST", url, _webhook()), _EVENTS))
        yield Cost(
            "web: a webhook journaled and answered", cpu, f"{cpu / bare:.1f}", f"{_EVENTS / seconds:.0f} a second"
        )

        # The store is paused while the worker starts and maps. The start alone costs more than a thousand events.
        stack.command("stores", "pause", name)
        stack.start(["worker", "beat"])
        _until_mapped(stack, name)
        cpu, seconds = _measured(stack, "worker", lambda: _resume(stack, name))
        yield Cost("worker: merged, sent, recorded", cpu, f"{cpu / bare:.2f}", f"{_EVENTS / seconds:.0f} a second")


def _resume(stack: Stack, name: str) -> None:
    """Resume the store's deliveries, and wait until all events are delivered."""
    stack.command("stores", "resume", name)
    _until_delivered(stack, name)


def _measured(stack: Stack, name: str, task: Callable[[], None]) -> tuple[float, float]:
    """Run a task; return the CPU seconds per 1,000 events of a process and its children, and the wall-clock seconds."""
    before, started = _cpu(stack, name), time.monotonic()
    task()
    return (_cpu(stack, name) - before) / _EVENTS * 1000, time.monotonic() - started


def _cpu(stack: Stack, name: str) -> float:
    parent = psutil.Process(stack.group.pid(name))
    return sum(sum(process.cpu_times()[:2]) for process in (parent, *parent.children(recursive=True)))


def _load(request: Callable[[], None], number: int) -> None:
    with ThreadPoolExecutor(_THREADS) as threads:
        for _ in threads.map(lambda _: request(), range(number)):
            pass


def _call(method: str, url: str, content: bytes | None = None) -> None:
    session = _local.__dict__.setdefault("session", requests.Session())
    response = session.request(method, url, data=content, timeout=60)
    if response.status_code != requests.codes.ok:
        sys.exit(f"{method} was answered {response.status_code}: {response.text}")


_SAMPLE = json.loads((DEFAULT_MAPPINGS / "examples/swell.points.earned/documented.json").read_text(encoding="utf-8"))


def _webhook() -> bytes:
    """Return a documented webhook of 1.5 KB with the current time, for the next of many customers."""
    number = next(_numbers)
    perk: dict[str, Any] = {**_SAMPLE["perk"], "id": number, "awarded_at": int(time.time() * 1000)}
    customer = {**_SAMPLE["customer"], "email": f"c{number % _CUSTOMERS}@example.com"}
    return orjson.dumps({**_SAMPLE, "customer": customer, "perk": perk})


def _until_mapped(stack: Stack, name: str) -> None:
    while _state(stack, name)["received"]:
        time.sleep(0.2)


def _until_delivered(stack: Stack, name: str) -> None:
    while (state := _state(stack, name))["received"] or state["waiting"]:
        time.sleep(0.2)


def _state(stack: Stack, name: str) -> dict[str, int]:
    (state,) = [store for store in stack.command("status")["stores"] if store["name"] == name]
    return dict(state)
