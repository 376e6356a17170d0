"""Sends webhooks over HTTP in threads. Tests can ask for late, repeated, shuffled and lost webhooks.

Yotpo says that it sends an event again if the response is not 200. The header ``eventid`` stays the same. Yotpo does
not give the number of tries, the time between tries, or the timeout. The simulator chooses these values. One thread
sends all webhooks of one customer, so the webhooks arrive in order unless a test wants another order.
"""

import heapq
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from itertools import count
from random import Random
from typing import Any
from uuid import UUID
from zlib import crc32

import requests

from connector.sandbox.simulation.shapes import WrongRequestError

_THREADS = 8
#: Yotpo expects the status 200. The simulator accepts any status from 200 to 299.
_ACCEPTED_CLASS = 2


class WrongSendOptionError(WrongRequestError):
    """A send option has a wrong value."""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """The options for sending. A share is the probability, from 0 to 1, that a webhook is affected."""

    #: The share of webhooks that are sent late.
    late: float = 0.0
    #: The delay of a late webhook.
    late_seconds: float = 5.0
    #: The share of webhooks that are sent twice, with the same id and body.
    twice: float = 0.0
    #: The time between the first and the second sending.
    twice_seconds: float = 2.0
    #: The share of webhooks that are sent out of order.
    shuffled: float = 0.0
    #: The longest delay of a shuffled webhook. The real delay is random.
    shuffled_seconds: float = 1.0
    #: The share of webhooks that are never sent.
    lost: float = 0.0
    #: Whether each webhook has the header `eventid`.
    eventid: bool = True
    #: The highest number of tries of a webhook, including the first try.
    tries: int = 5
    #: The wait before the second try. The wait doubles with each further try.
    wait_seconds: float = 0.5
    #: The timeout for a response.
    answer_seconds: float = 5.0

    @classmethod
    def read(cls, values: dict[str, Any]) -> "SendOptions":
        """Read the send options from JSON, and ignore other names. Raises WrongSendOptionError for a wrong value."""
        values = {entry.name: values[entry.name] for entry in fields(cls) if entry.name in values}
        for name, value in values.items():
            _check(name, value)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The time when one webhook is sent. A lost webhook is never sent."""

    event_id: str
    delay_seconds: float
    #: The time between the first and the second sending. None: the webhook is sent once.
    repeat_after_seconds: float | None
    lost: bool


def draw_schedule(send_options: SendOptions, dice: Random) -> Schedule:
    """Draw the schedule of a webhook. The number of random draws is always the same."""
    event_id = str(UUID(int=dice.getrandbits(128), version=4))
    late, twice, shuffled, lost, moment = (dice.random() for _ in range(5))
    delay = send_options.late_seconds if late < send_options.late else 0.0
    if shuffled < send_options.shuffled:
        delay += moment * send_options.shuffled_seconds
    return Schedule(
        event_id, delay, send_options.twice_seconds if twice < send_options.twice else None, lost < send_options.lost
    )


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """A webhook that waits to be sent."""

    url: str
    headers: dict[str, str]
    body: bytes
    send_options: SendOptions
    is_repetition: bool = False
    tries: int = 0


@dataclass
class _Queue:
    """The webhooks that wait for one thread, in the order of their due times."""

    has_work: threading.Condition
    #: A heap. Each entry has the due time of a webhook, the order of its arrival, and the webhook.
    waiting: list[tuple[float, int, OutgoingWebhook]] = field(default_factory=list)
    #: Whether the thread has been started.
    is_served: bool = False


class Sender:
    """Sends webhooks. Callers need no lock. They may hold any lock, because the sender never calls their code."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues = [_Queue(threading.Condition(self._lock)) for _ in range(_THREADS)]
        self._order = count()
        self._counts: Counter[str] = Counter()
        self._pending = 0

    def send(self, order_key: str, webhook: OutgoingWebhook, schedule: Schedule) -> None:
        """Queue a webhook. One thread sends all webhooks with the same order key, in the order of their due times."""
        if webhook.send_options.eventid:
            webhook = replace(webhook, headers=webhook.headers | {"eventid": schedule.event_id})
        queue = self._queues[crc32(order_key.encode()) % _THREADS]
        due = time.monotonic() + schedule.delay_seconds
        with self._lock:
            if schedule.lost:
                self._counts["lost"] += 1
                return
            self._put(queue, due, webhook)
            if schedule.repeat_after_seconds is not None:
                self._put(queue, due + schedule.repeat_after_seconds, replace(webhook, is_repetition=True))

    def counts(self) -> dict[str, int]:
        """Return the counts of webhooks by name.

        `sent` counts webhooks that the receiver has accepted. If the simulator repeats a webhook on purpose, `repeated`
        counts the second sending when it is accepted. `retried` counts failed tries after which the webhook is tried
        again. `given_up` counts webhooks whose last try failed. `lost` counts webhooks that are never sent. `waiting`
        counts webhooks that are not finished yet.
        """
        with self._lock:
            counts = {name: self._counts[name] for name in ("sent", "repeated", "retried", "given_up", "lost")}
            return counts | {"waiting": self._pending}

    def is_idle(self) -> bool:
        """Return whether all webhooks are finished: none waits, and none is being sent."""
        with self._lock:
            return self._pending == 0

    def forget(self) -> None:
        """Drop the waiting webhooks, and reset the counts to zero."""
        with self._lock:
            for queue in self._queues:
                self._pending -= len(queue.waiting)
                queue.waiting.clear()
            self._counts.clear()

    def _put(self, queue: _Queue, due: float, webhook: OutgoingWebhook) -> None:
        heapq.heappush(queue.waiting, (due, next(self._order), webhook))
        self._pending += 1
        if not queue.is_served:
            queue.is_served = True
            threading.Thread(target=self._serve, args=(queue,), name="webhooks", daemon=True).start()
        queue.has_work.notify()

    def _serve(self, queue: _Queue) -> None:
        with requests.Session() as session:
            # The session ignores the proxies and passwords of this machine, because Yotpo would not use them.
            session.trust_env = False
            while True:
                webhook = self._next(queue)
                accepted = _is_accepted(session, webhook)
                self._settle(queue, webhook, accepted=accepted)

    def _next(self, queue: _Queue) -> OutgoingWebhook:
        with self._lock:
            while True:
                wait = queue.waiting[0][0] - time.monotonic() if queue.waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(queue.waiting)[2]
                queue.has_work.wait(wait)

    def _settle(self, queue: _Queue, webhook: OutgoingWebhook, *, accepted: bool) -> None:
        tries = webhook.tries + 1
        with self._lock:
            if accepted:
                self._counts["repeated" if webhook.is_repetition else "sent"] += 1
            elif tries < webhook.send_options.tries:
                self._counts["retried"] += 1
                wait = webhook.send_options.wait_seconds * 2 ** (tries - 1)
                self._put(queue, time.monotonic() + wait, replace(webhook, tries=tries))
            else:
                self._counts["given_up"] += 1
            self._pending -= 1


def _is_accepted(session: requests.Session, webhook: OutgoingWebhook) -> bool:
    try:
        response = session.post(
            webhook.url,
            data=webhook.body,
            headers=webhook.headers | {"Content-Type": "application/json"},
            timeout=webhook.send_options.answer_seconds,
            allow_redirects=False,
        )
    except requests.RequestException:
        return False
    return response.status_code // 100 == _ACCEPTED_CLASS


def _check(name: str, value: Any) -> None:
    if name == "eventid":
        if type(value) is not bool:
            raise WrongSendOptionError("eventid must be true or false.")
    elif type(value) not in {int, float} or value < 0:
        raise WrongSendOptionError(f"{name} must be a number of at least 0.")
    elif name in {"late", "twice", "shuffled", "lost"} and value > 1:
        raise WrongSendOptionError(f"{name} is a share and must be at most 1.")
    elif name == "tries" and (type(value) is not int or value < 1):
        raise WrongSendOptionError("tries must be a whole number of at least 1.")
