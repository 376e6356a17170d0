"""The worker of the running connector as tests start, stop and watch it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil
import requests

from connector.sandbox.processes import parse_procfile
from connector.sandbox.stack import ROOT
from tests.sandbox.stores import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.stack import Stack

LINES = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))


class Worker:
    """The worker of the stack. It can be restarted with other settings.

    A start takes seconds, so a worker that already has the wanted settings is kept for the next test.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._settings: dict[str, str] | None = {}
        self._mark = 0

    def begin(self) -> None:
        """Forget the log so far: `log` then returns only new lines."""
        self._mark = len(self._whole_log())

    def run(self, **environment: str) -> None:
        """Restart the worker, unless it runs with these settings."""
        if environment != self._settings or "worker" not in self.stack.group.alive():
            self.restart(**environment)
        else:
            # The stack may have started a moment ago.
            self._wait_until("ready.", self._whole_log)

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.stack.group.pid("worker"))

    def restart(self, *, ready: str = "ready.", **environment: str) -> None:
        self.stack.group.kill("worker")
        self.begin()
        self._settings = None
        self.stack.group.start("worker", LINES["worker"], {**self.stack.environment, **environment})
        self.wait_for(ready)
        self._settings = environment

    def log(self) -> str:
        return self._whole_log()[self._mark :]

    def wait_for(self, text: str, seconds: float = PATIENCE) -> None:
        self._wait_until(text, self.log, seconds)

    def wait_for_end(self, seconds: float = PATIENCE) -> int:
        """Return the exit code."""
        patience = time.monotonic() + seconds
        while (code := self.stack.group.exit_code("worker")) is None:
            assert time.monotonic() < patience, self.log()
            time.sleep(0.05)
        return code

    def _wait_until(self, text: str, log: Callable[[], str], seconds: float = PATIENCE) -> None:
        patience = time.monotonic() + seconds
        while text not in log():
            assert time.monotonic() < patience, log()
            time.sleep(0.05)

    def _whole_log(self) -> str:
        return self.stack.group.log("worker").read_text(encoding="utf-8")


def slow_insider(stack: Stack, seconds: float, *, partner: str | None = None) -> None:
    """Let Insider answer slowly, to all partners or only to one."""
    fault = {"kind": "slow", "delay_ms": round(seconds * 1000), "processed": True, "partner": partner}
    requests.post(f"{stack.insider_url}/_sandbox/faults", json=fault, timeout=10).raise_for_status()


def quick_insider(stack: Stack) -> None:
    requests.delete(f"{stack.insider_url}/_sandbox/faults", timeout=10).raise_for_status()
