"""The fault suite's supervisor starts again what has ended, and knows why it has."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from faults.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.stack import Stack


@pytest.mark.slow
def test_the_supervisor_tells_its_own_doing_from_what_ended_by_itself(stack: Stack) -> None:
    with Supervisor(stack) as supervisor:
        supervisor.kill("beat")
        supervisor.wait_for_all()
        assert supervisor.exits == []

        psutil.Process(stack.group.pid("beat")).send_signal(signal.SIGKILL)
        until(lambda: bool(supervisor.exits))
        supervisor.wait_for_all()

    assert len(supervisor.exits) == 1
    assert supervisor.exits[0].startswith("beat ended by itself with exit code -9")


@pytest.mark.slow
def test_a_process_can_be_started_under_another_name_with_variables_of_its_own(stack: Stack) -> None:
    with Supervisor(stack) as supervisor:
        supervisor.keep("beat2", "beat", A_VARIABLE="of its own")
        # Its shell has made way for the program by then, or is about to.
        until(lambda: psutil.Process(stack.group.pid("beat2")).environ().get("A_VARIABLE") == "of its own")
        supervisor.heal()

    assert "beat2" not in stack.group.alive()
    assert "A_VARIABLE" not in psutil.Process(stack.group.pid("beat")).environ()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.02)
