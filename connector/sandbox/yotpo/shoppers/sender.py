"""Sends webhooks over HTTP from threads of its own, as late, as often and in what order as it is told.

Yotpo says that it sends an event again where it is not answered 200, and that the header ``eventid`` stays the same
then; how often, after how long, and how long it waits for an answer it does not say. Those numbers are the simulator's
own. The webhooks of one customer go through one thread, so that they arrive in their order unless they are told not to.
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
#: 200 is what Yotpo asks for; any 2xx is taken for it.
_ACCEPTED = 2


class WrongMannerError(WrongRequestError):
    """There is no such way of sending, or it can't be set to this value."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How webhooks are sent. Shares are between 0 and 1, drawn for each webhook."""

    #: The share that is sent late, and by how many seconds.
    late: float = 0.0
    late_seconds: float = 5.0
    #: The share that is sent twice, with the same id and body, and how many seconds lie between.
    twice: float = 0.0
    twice_seconds: float = 2.0
    #: The share that leaves out of order, anywhere within so many seconds.
    shuffled: float = 0.0
    shuffled_seconds: float = 1.0
    #: The share that is never sent.
    lost: float = 0.0
    #: Whether each webhook carries the header `eventid`.
    eventid: bool = True
    #: How often a webhook is tried in all, how long before the first repetition (doubled each time), and how long an
    #: answer is waited for.
    tries: int = 5
    wait_seconds: float = 0.5
    answer_seconds: float = 5.0

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Manner":
        """Take from JSON what names a field here. Raises WrongMannerError."""
        values = {each.name: given[each.name] for each in fields(cls) if each.name in given}
        for name, value in values.items():
            _check(name, value)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one webhook."""

    event_id: str
    delay_seconds: float
    #: None where it is sent once.
    again_after_seconds: float | None
    lost: bool


def fate(manner: Manner, dice: Random) -> Fate:
    """Draw it. The same dice give the same fates, whatever the shares are."""
    event_id = str(UUID(int=dice.getrandbits(128), version=4))
    late, twice, shuffled, lost, moment = (dice.random() for _ in range(5))
    delay = manner.late_seconds if late < manner.late else 0.0
    if shuffled < manner.shuffled:
        delay += moment * manner.shuffled_seconds
    return Fate(event_id, delay, manner.twice_seconds if twice < manner.twice else None, lost < manner.lost)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A webhook on its way."""

    url: str
    headers: dict[str, str]
    body: bytes
    manner: Manner
    is_repetition: bool = False
    tries: int = 0


@dataclass
class _Queue:
    """What one thread has to send, soonest first."""

    wanted: threading.Condition
    waiting: list[tuple[float, int, Parcel]] = field(default_factory=list)
    is_served: bool = False


class Sender:
    """Whoever asks it to send need hold no lock, and may hold any: it calls nobody back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues = [_Queue(threading.Condition(self._lock)) for _ in range(_THREADS)]
        self._order = count()
        self._counts: Counter[str] = Counter()
        self._underway = 0

    def send(self, customer: str, parcel: Parcel, fate: Fate) -> None:
        """Send a webhook of a customer, whose name stands for nothing but the order."""
        if parcel.manner.eventid:
            parcel = replace(parcel, headers=parcel.headers | {"eventid": fate.event_id})
        queue = self._queues[crc32(customer.encode()) % _THREADS]
        due = time.monotonic() + fate.delay_seconds
        with self._lock:
            if fate.lost:
                self._counts["lost"] += 1
                return
            self._put(queue, due, parcel)
            if fate.again_after_seconds is not None:
                self._put(queue, due + fate.again_after_seconds, replace(parcel, is_repetition=True))

    def counts(self) -> dict[str, int]:
        """What was accepted (`sent` once, `repeated` on purpose), `retried`, `given_up`, `lost`, and is `waiting`."""
        with self._lock:
            named = {name: self._counts[name] for name in ("sent", "repeated", "retried", "given_up", "lost")}
            return named | {"waiting": self._underway}

    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is on its way."""
        with self._lock:
            return self._underway == 0

    def forget(self) -> None:
        """Drop what still waits, and count from zero."""
        with self._lock:
            for queue in self._queues:
                self._underway -= len(queue.waiting)
                queue.waiting.clear()
            self._counts.clear()

    def _put(self, queue: _Queue, due: float, parcel: Parcel) -> None:
        heapq.heappush(queue.waiting, (due, next(self._order), parcel))
        self._underway += 1
        if not queue.is_served:
            queue.is_served = True
            threading.Thread(target=self._serve, args=(queue,), name="webhooks", daemon=True).start()
        queue.wanted.notify()

    def _serve(self, queue: _Queue) -> None:
        with requests.Session() as session:
            # Proxies, cookies and passwords of whoever runs the simulator are none of Yotpo's.
            session.trust_env = False
            while True:
                parcel = self._next(queue)
                accepted = _is_accepted(session, parcel)
                self._settle(queue, parcel, accepted=accepted)

    def _next(self, queue: _Queue) -> Parcel:
        with self._lock:
            while True:
                wait = queue.waiting[0][0] - time.monotonic() if queue.waiting else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(queue.waiting)[2]
                queue.wanted.wait(wait)

    def _settle(self, queue: _Queue, parcel: Parcel, *, accepted: bool) -> None:
        tries = parcel.tries + 1
        with self._lock:
            if accepted:
                self._counts["repeated" if parcel.is_repetition else "sent"] += 1
            elif tries < parcel.manner.tries:
                self._counts["retried"] += 1
                wait = parcel.manner.wait_seconds * 2 ** (tries - 1)
                self._put(queue, time.monotonic() + wait, replace(parcel, tries=tries))
            else:
                self._counts["given_up"] += 1
            self._underway -= 1


def _is_accepted(session: requests.Session, parcel: Parcel) -> bool:
    try:
        answer = session.post(
            parcel.url,
            data=parcel.body,
            headers=parcel.headers | {"Content-Type": "application/json"},
            timeout=parcel.manner.answer_seconds,
            allow_redirects=False,
        )
    except requests.RequestException:
        return False
    return answer.status_code // 100 == _ACCEPTED


def _check(name: str, value: Any) -> None:
    if name == "eventid":
        if type(value) is not bool:
            raise WrongMannerError("eventid must be true or false.")
    elif type(value) not in {int, float} or value < 0:
        raise WrongMannerError(f"{name} must be a number of at least 0.")
    elif name in {"late", "twice", "shuffled", "lost"} and value > 1:
        raise WrongMannerError(f"{name} is a share and must be at most 1.")
    elif name == "tries" and (type(value) is not int or value < 1):
        raise WrongMannerError("tries must be a whole number of at least 1.")
