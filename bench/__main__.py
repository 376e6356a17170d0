"""Measures mapping alone, then intake and delivery in their real processes, and prints one table."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from timeit import Timer
from typing import TYPE_CHECKING, Any

import orjson
import psutil
import requests

from connector import goldens, mapping
from connector.model import Options
from connector.sandbox.processes import exit_on_signals
from connector.sandbox.stack import SANDBOX, Stack
from connector.settings import DEFAULT_MAPPINGS
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EVENTS = 10_000
_CUSTOMERS = 2_000
_THREADS = 16
_numbers = itertools.count(1)
_local = threading.local()


def main() -> None:
    exit_on_signals()
    print(f"{'part':52} {'CPU s per 1,000':>16} {'ratio':>7}   by the clock")  # noqa: T201 - this is its output
    for part, cpu, ratio, clock in itertools.chain(_mapping(), _processes()):
        print(f"{part:52} {cpu:16.3f} {ratio:>7}   {clock}")  # noqa: T201


def _mapping() -> Iterator[tuple[str, float, str, str]]:
    loaded = mapping.load(DEFAULT_MAPPINGS)
    pairs = [pair for pair in goldens.goldens(DEFAULT_MAPPINGS / "examples", loaded) if pair.case == "documented"]
    bodies = [pair.webhook.read_bytes() for pair in pairs]
    parsed = [orjson.loads(body) for body in bodies]
    times = [
        recognise(body, path_topic=pair.topic, received_at=goldens.RECEIVED_AT)
        for body, pair in zip(parsed, pairs, strict=True)
    ]
    mappings = [loaded.by_topic[pair.topic] for pair in pairs]

    def parse() -> None:
        for body in bodies:
            orjson.loads(body)

    def apply() -> None:
        for body, of_topic, seen in zip(parsed, mappings, times, strict=True):
            of_topic.apply(body, seen.happened_at(goldens.RECEIVED_AT), Options())

    def recognise_all() -> None:
        for body, pair in zip(parsed, pairs, strict=True):
            recognise(body, path_topic=pair.topic, received_at=goldens.RECEIVED_AT)

    base = _best(parse) / len(bodies)
    for name, work in (("parse a documented webhook", parse), ("recognise it", recognise_all), ("map it", apply)):
        each = _best(work) / len(bodies)
        yield name, each * 1000, f"{each / base:.1f}", f"{each * 1e6:.1f} µs each"


def _best(work: Callable[[], None]) -> float:
    return min(Timer(work).repeat(repeat=7, number=50)) / 50


def _processes() -> Iterator[tuple[str, float, str, str]]:
    with Stack(Path(".local/bench")) as stack:
        requests.post(f"{stack.insider_url}/_sandbox/settings", json={"requests_per_minute": 10**7}, timeout=10)
        name = f"{SANDBOX}-bench-{int(time.time())}"
        url = stack.command("stores", "add", name, "--insider-partner", name, "--insider-token", "t")["webhook_url"]
        health = f"{stack.web_url}/health"
        _load(lambda: _call("GET", health), 1000)
        _load(lambda: _call("POST", url, _webhook()), 100)
        _until_delivered(stack, name)

        stack.group.terminate(30, "worker", "beat")
        bare, took = _measured(stack, "web", lambda: _load(lambda: _call("GET", health), _EVENTS))
        yield "web: a request that does nothing", bare, "1.0", f"{_EVENTS / took:.0f} a second"
        cpu, took = _measured(stack, "web", lambda: _load(lambda: _call("POST", url, _webhook()), _EVENTS))
        yield "web: a webhook journaled and answered", cpu, f"{cpu / bare:.1f}", f"{_EVENTS / took:.0f} a second"

        # The store is held while the worker starts, which costs more than a thousand events, and maps what there is.
        stack.command("stores", "pause", name)
        stack.start(["worker", "beat"])
        _until_mapped(stack, name)
        cpu, took = _measured(stack, "worker", lambda: _release(stack, name))
        yield "worker: merged, sent, recorded", cpu, f"{cpu / bare:.2f}", f"{_EVENTS / took:.0f} a second"


def _release(stack: Stack, name: str) -> None:
    stack.command("stores", "resume", name)
    _until_delivered(stack, name)


def _measured(stack: Stack, name: str, work: Callable[[], None]) -> tuple[float, float]:
    """Return CPU seconds per 1,000 events of a process with its children, and the seconds by the clock."""
    before, started = _cpu(stack, name), time.monotonic()
    work()
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
    answer = session.request(method, url, data=content, timeout=60)
    if answer.status_code != requests.codes.ok:
        sys.exit(f"{method} was answered {answer.status_code}: {answer.text}")


_SAMPLE = json.loads((DEFAULT_MAPPINGS / "examples/swell.points.earned/documented.json").read_text(encoding="utf-8"))


def _webhook() -> bytes:
    """Return a documented webhook of 1.5 KB as one of many customers would send it now."""
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


main()
