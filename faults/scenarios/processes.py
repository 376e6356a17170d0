"""Web, worker and beat are killed, or stopped by SIGTERM as hosts do.

For comparison, the first scenario has no fault.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from connector.errors import OperatorError
from connector.sandbox.stack import PROCESSES
from faults import plan as planning
from faults.load import Load
from faults.registry import scenario
from faults.run import SLOWEST_RATE
from faults.slow import NONE, SlowSenders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.run import Run

#: Hosts kill a process that has not ended after this time.
_GRACE_SECONDS = 25.0
_SLOW_MS = 500
_BATCH_SECONDS = 30.0
_POLL_SECONDS = 0.02
_SLOW_SENDERS = 200


@scenario()
def none(run: Run) -> None:
    """Nothing is broken. `recovered` counts from the time when the last webhook was accepted."""
    run.send_all()


@scenario()
def worker_killed(run: Run) -> None:
    """The worker and its children are killed by SIGKILL."""
    run.supervisor.kill("worker")


@scenario(lasting=7)
def worker_killed_in_a_batch(run: Run) -> None:
    """The worker is killed three times while it waits for a response.

    Each time, Insider has carried out the request.
    """
    with _slow_insider(run):
        for _ in range(3):
            _wait_for_batch(run)
            run.supervisor.kill("worker")


@scenario()
def worker_child_killed(run: Run) -> None:
    """One child of the worker is killed three times within a second. The worker itself is not killed."""
    run.several_times(3, 0.4, lambda: run.supervisor.kill_child("worker"))


@scenario()
def web_killed(run: Run) -> None:
    """The web process and its children are killed by SIGKILL while they answer webhooks."""
    run.supervisor.kill("web")


@scenario()
def beat_killed(run: Run) -> None:
    """Beat is killed by SIGKILL."""
    run.supervisor.kill("beat")


@scenario()
def all_killed(run: Run) -> None:
    """All processes of the connector are killed by SIGKILL at the same time."""
    run.supervisor.kill(*PROCESSES)


@scenario(lasting=10)
def all_killed_often(run: Run) -> None:
    """All processes of the connector are killed at the same time. This happens three times, every three seconds."""

    def kill() -> None:
        run.supervisor.wait_for_all()
        run.supervisor.kill(*PROCESSES)

    run.several_times(3, 3, kill)


@scenario()
def worker_told_to_end(run: Run) -> None:
    """The worker and its children get SIGTERM at the same time, while the worker waits for Insider's response."""
    with _slow_insider(run):
        _wait_for_batch(run)
        _terminate(run, "worker")


@scenario()
def all_told_to_end(run: Run) -> None:
    """All processes of the connector, including all children, get SIGTERM at the same time."""
    _terminate(run, *PROCESSES)


@scenario()
def web_told_to_end(run: Run) -> None:
    """The web process and its children get SIGTERM while they read the slow bodies of 200 additional webhooks.

    Each of these webhooks is sent again if it is not answered with 200.
    """
    plan = planning.make(_SLOW_SENDERS, [f"slow{number}@example.com" for number in range(_SLOW_SENDERS)], run.seed)
    run.plan.update(plan)
    senders = SlowSenders(run.url, [event for (event,) in plan.values()])
    with senders:
        senders.go_on()
        run.hold(1)
        under_way = senders.under_way
        _terminate(run, "web")
    run.notes.append(f"{under_way} slow requests were under way; their responses: {dict(senders.responses())}")
    if under_way < _SLOW_SENDERS:
        run.problems.append(f"only {under_way} of {_SLOW_SENDERS} slow requests were under way")
    if cut := senders.responses()[NONE]:
        run.problems.append(f"{cut} slow requests got no response")
    rest = {name: events for name, events in plan.items() if not events[0].accepted_at}
    again = Load(run.url, rest, rate=_SLOW_SENDERS)
    again.start()
    again.finish(_SLOW_SENDERS / SLOWEST_RATE)


@contextmanager
def _slow_insider(run: Run) -> Iterator[None]:
    """Let Insider carry out requests at once, but answer late, so that a worker waits most of the time."""
    run.fault("slow", delay_ms=_SLOW_MS, processed=True)
    yield
    run.end_faults()


def _wait_for_batch(run: Run) -> None:
    """Wait until the next request to Insider. Raises OperatorError if none comes."""
    before, deadline = run.hits(), time.monotonic() + _BATCH_SECONDS
    while run.hits() == before:
        if time.monotonic() > deadline:
            raise OperatorError("no worker sends anything")
        time.sleep(_POLL_SECONDS)


def _terminate(run: Run, *names: str) -> None:
    run.over()
    for name, seconds in run.supervisor.terminate(*names, within=_GRACE_SECONDS).items():
        if seconds is None:
            run.problems.append(f"{name} did not end within {_GRACE_SECONDS:g} s of SIGTERM")
        else:
            run.notes.append(f"{name} ended {seconds:.1f} s after SIGTERM")
