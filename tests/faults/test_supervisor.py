"""The fault suite's supervisor restarts processes, and knows which of them ended by themselves."""

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
def test_the_supervisor_lists_only_processes_that_ended_by_themselves(stack: Stack) -> None:
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
def test_a_process_can_run_under_another_name_with_its_own_variables(stack: Stack) -> None:
    with Supervisor(stack) as supervisor:
        supervisor.keep("beat2", "beat", A_VARIABLE="of its own")
        # Until then its shell may still have to replace itself by the program.
        until(lambda: psutil.Process(stack.group.pid("beat2")).environ().get("A_VARIABLE") == "of its own")
        supervisor.heal()

    assert "beat2" not in stack.group.alive()
    assert "A_VARIABLE" not in psutil.Process(stack.group.pid("beat")).environ()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.02)
