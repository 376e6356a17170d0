"""Measures the steps of a webhook that need no process: parsing it, recognising it, mapping it."""

from __future__ import annotations

import time
from timeit import Timer
from typing import TYPE_CHECKING, NamedTuple

import orjson

from connector import mapping
from connector.model import Options
from connector.settings import DEFAULT_MAPPINGS
from connector.sync import snapshots
from connector.workshop import goldens
from connector.yotpo.topics import SNAPSHOT, recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Cost(NamedTuple):
    """The cost of one part."""

    part: str
    #: CPU seconds per 1,000 events.
    cpu: float
    #: The ratio of `cpu` to the `cpu` of the first part of the same kind.
    ratio: str
    #: The wall-clock time or another figure, for orientation.
    clock: str


def costs() -> Iterator[Cost]:
    """Yield the cost of each step over all documented webhooks, each with the mapping of its topic."""
    loaded = mapping.load(DEFAULT_MAPPINGS)
    pairs = [pair for pair in goldens.goldens(DEFAULT_MAPPINGS / "examples", loaded) if pair.case == "documented"]
    bodies = [pair.webhook.read_bytes() for pair in pairs]
    parsed = [orjson.loads(body) for body in bodies]
    recognised = [
        recognise(body, path_topic=pair.topic, received_at=goldens.RECEIVED_AT)
        for body, pair in zip(parsed, pairs, strict=True)
    ]
    mappings = [loaded.by_topic[pair.topic] for pair in pairs]

    def parse() -> None:
        for body in bodies:
            orjson.loads(body)

    def apply() -> None:
        for body, topic_mapping, webhook in zip(parsed, mappings, recognised, strict=True):
            topic_mapping.apply(body, webhook.happened_at(goldens.RECEIVED_AT), Options())

    def recognise_all() -> None:
        for body, pair in zip(parsed, pairs, strict=True):
            recognise(body, path_topic=pair.topic, received_at=goldens.RECEIVED_AT)

    base = _best(parse) / len(bodies)
    for name, task in (("parse a documented webhook", parse), ("recognise it", recognise_all), ("map it", apply)):
        each = _best(task) / len(bodies)
        yield Cost(name, each * 1000, f"{each / base:.1f}", f"{each * 1e6:.1f} µs each")
    (customer,) = (body for body, pair in zip(parsed, pairs, strict=True) if pair.topic == SNAPSHOT)
    each = _best(lambda: snapshots.snapshot(customer))
    yield Cost("take a customer's snapshot of a page", each * 1000, f"{each / base:.1f}", f"{each * 1e6:.1f} µs each")


def _best(task: Callable[[], object]) -> float:
    """Return the CPU seconds of one run, the best of several measurements."""
    return min(Timer(task, timer=time.process_time).repeat(repeat=7, number=50)) / 50
