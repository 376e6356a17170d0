"""The webhooks beside the mappings as a live store would send them: with times of now and addresses of their own.

The documented samples are years old, and Insider drops user events that are older than its retention. So all times of a
sample are shifted together by whole days, which leaves hours, zones and distances as they are. Each run gives each
sample's people addresses that no other run has, so that what arrives can be told apart. `as_documented` undoes both, so
that what arrived can be held against the golden pair.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from connector.model.times import parse_or_none
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from connector.model import Json
    from connector.workshop.goldens import Golden

_ADDRESS = re.compile(r"([\w.]+)@(example\.(?:com|net|org))", re.IGNORECASE)
_DATE = re.compile(r"(?!0001)(\d{4}-\d{2}-\d{2})(?=$|[T ]\d{2}:)")
#: Times of the future, which say nothing of when the event happened.
_FUTURE = re.compile(r"expire|ends_at|expiration")
#: An id may be as large a number as a time in milliseconds; only these names are times.
_TIME_NAME = re.compile(r"(^|_)(timestamp|at|date)$")
_EPOCH_MS = range(1_000_000_000_000, 10_000_000_000_000)
#: Made from day and month, which are not shifted.
_UNSHIFTED = frozenset({"birthday", "anniversary_date"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A golden pair, ready to be sent."""

    golden: Golden
    #: What tells this sending of this sample from all others.
    tag: str
    days: int
    body: bytes

    def as_documented(self, content: Any) -> Any:
        """Return what has arrived with the golden pair's addresses and times."""
        return _each_text(_shifted(content, -self.days), lambda text: text.replace(f"+{self.tag}@", "@"))


def samples(pairs: Iterable[Golden], *, run: str, now: datetime) -> Iterator[Sample]:
    """Yield the samples in the form in which this run sends them."""
    for number, golden in enumerate(pairs, start=1):
        webhook = orjson.loads(golden.webhook.read_bytes())
        tag = f"{run}-{number}"
        days = (now - _happened_at(golden, webhook, now)).days
        yield Sample(golden, tag, days, orjson.dumps(_shifted(_tagged(webhook, tag), days)))


def _happened_at(golden: Golden, webhook: Json, now: datetime) -> datetime:
    """Return when the event happened, or where it has no time of its own, the latest past time that it speaks of."""
    happened_at = recognise(webhook, path_topic=golden.topic, received_at=now).happened_at(now)
    return happened_at if happened_at < now else max(_past_times(webhook), default=now)


def _past_times(content: Any, key: str = "") -> Iterator[datetime]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _past_times(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from _past_times(value, key)
    elif isinstance(content, str) and _DATE.match(content) and not _FUTURE.search(key):
        yield from filter(None, [parse_or_none(content)])


def _tagged(content: Any, tag: str) -> Any:
    return _each_text(content, lambda text: _ADDRESS.sub(rf"\1+{tag}@\2", text))


def _shifted(content: Any, days: int, key: str = "") -> Any:
    if isinstance(content, dict):
        return {name: _shifted(value, days, name) for name, value in content.items()}
    if isinstance(content, list):
        return [_shifted(value, days, key) for value in content]
    if isinstance(content, str) and key not in _UNSHIFTED:
        return _DATE.sub(lambda found: str(date.fromisoformat(found[1]) + timedelta(days=days)), content, count=1)
    if isinstance(content, int) and content in _EPOCH_MS and _TIME_NAME.search(key):
        return content + days * 86_400_000
    return content


def _each_text(content: Any, change: Callable[[str], str]) -> Any:
    if isinstance(content, dict):
        return {name: _each_text(value, change) for name, value in content.items()}
    if isinstance(content, list):
        return [_each_text(value, change) for value in content]
    return change(content) if isinstance(content, str) else content
