"""The webhooks of the golden pairs as a live store would send them: with current times and unique addresses.

The documented samples are years old, and Insider drops user events that are older than its retention. So all times of a
sample are shifted by the same number of whole days. Hours, time zones and intervals do not change. Each run gives the
people of each sample new addresses, so that the profiles at Insider are not mixed up. `as_documented` undoes both
changes, so that the result can be compared with the golden pair.
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
#: The names of fields with a future time. Such a time does not show when the event happened.
_FUTURE = re.compile(r"expire|ends_at|expiration")
#: An id may be as large as a time in milliseconds. So a number is a time only if its field has such a name.
_TIME_NAME = re.compile(r"(^|_)(timestamp|at|date)$")
_EPOCH_MS = range(1_000_000_000_000, 10_000_000_000_000)
#: The mappings make these attributes from a day and a month. These two are plain numbers, so they are not shifted.
_UNSHIFTED = frozenset({"birthday", "anniversary_date"})


@dataclass(frozen=True, slots=True)
class Sample:
    """A golden pair, ready to be sent."""

    golden: Golden
    #: A text that is unique for this sample in this run.
    tag: str
    #: The number of days by which the times are shifted.
    days: int
    body: bytes

    def as_documented(self, content: Any) -> Any:
        """Return the content with the addresses and times of the golden pair."""
        return _each_text(_shifted(content, -self.days), lambda text: text.replace(f"+{self.tag}@", "@"))


def samples(pairs: Iterable[Golden], *, run: str, now: datetime) -> Iterator[Sample]:
    """Yield the samples as this run sends them."""
    for number, golden in enumerate(pairs, start=1):
        webhook = orjson.loads(golden.webhook.read_bytes())
        tag = f"{run}-{number}"
        days = (now - _happened_at(golden, webhook, now)).days
        yield Sample(golden, tag, days, orjson.dumps(_shifted(_tagged(webhook, tag), days)))


def _happened_at(golden: Golden, webhook: Json, now: datetime) -> datetime:
    """Return the time of the event. If it has no time of its own, return the latest past time in the webhook."""
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
        return _DATE.sub(lambda match: str(date.fromisoformat(match[1]) + timedelta(days=days)), content, count=1)
    if isinstance(content, int) and content in _EPOCH_MS and _TIME_NAME.search(key):
        return content + days * 86_400_000
    return content


def _each_text(content: Any, change: Callable[[str], str]) -> Any:
    if isinstance(content, dict):
        return {name: _each_text(value, change) for name, value in content.items()}
    if isinstance(content, list):
        return [_each_text(value, change) for value in content]
    return change(content) if isinstance(content, str) else content
