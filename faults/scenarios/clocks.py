"""The clock of one process is five minutes ahead or behind, and all others are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.injecting import wrong_clock
from faults.registry import scenario

if TYPE_CHECKING:
    from faults.run import Run

_SECONDS = 300


@scenario(lasting=10)
def worker_clock_fast(run: Run) -> None:
    """The worker is restarted, and its clock is five minutes ahead from then on."""
    _restart(run, "worker", _SECONDS)


@scenario(lasting=10)
def worker_clock_slow(run: Run) -> None:
    """The worker is restarted, and its clock is five minutes behind from then on."""
    _restart(run, "worker", -_SECONDS)


@scenario(lasting=10)
def web_clock_fast(run: Run) -> None:
    """The web process is restarted, and its clock is five minutes ahead from then on."""
    _restart(run, "web", _SECONDS)


@scenario(lasting=10)
def web_clock_slow(run: Run) -> None:
    """The web process is restarted, and its clock is five minutes behind from then on."""
    _restart(run, "web", -_SECONDS)


@scenario(lasting=10)
def beat_clock_fast(run: Run) -> None:
    """Beat is restarted, and its clock is five minutes ahead from then on."""
    _restart(run, "beat", _SECONDS)


@scenario(lasting=10)
def beat_clock_slow(run: Run) -> None:
    """Beat is restarted, and its clock is five minutes behind from then on."""
    _restart(run, "beat", -_SECONDS)


def _restart(run: Run, name: str, seconds: int) -> None:
    """Restart a process with a wrong clock; the clock stays wrong until everything has arrived."""
    run.supervisor.keep(name, **wrong_clock(run.stack.state, seconds))
    run.send_all()
