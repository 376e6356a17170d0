"""Restarts processes that have ended, as a hosting platform does, and lists those that ended by themselves."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import psutil

from connector.errors import OperatorError
from connector.sandbox.stack import PROCESSES

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack

_RESTART_SECONDS = 1.0
_START_SECONDS = 30.0
_POLL_SECONDS = 0.05
#: How many characters of a log's last line are shown.
_MAX_LINE = 300


class Supervisor:
    """Watches the connector's processes. While it watches, scenarios must start and stop processes only through it.

    If it stops a process, the end is announced: the scenario wanted this end. Any other end counts as an exit.
    """

    def __init__(self, stack: Stack) -> None:
        self.exits: list[str] = []
        self._stack = stack
        self._lock = threading.RLock()
        #: For each process by name: its line of the Procfile, and its own environment variables.
        self._kept: dict[str, tuple[str, dict[str, str]]] = {name: (name, {}) for name in PROCESSES}
        self._announced: set[int] = set()
        self._ended: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def kill(self, *names: str) -> None:
        """Kill processes with all their child processes."""
        with self._lock:
            self._announce(*names)
            self._stack.group.kill(*names)

    def kill_child(self, name: str) -> None:
        """Kill one child of a process, and nothing else."""
        children = psutil.Process(self._stack.group.pid(name)).children()
        if children:
            with suppress(psutil.NoSuchProcess):
                children[0].kill()

    def terminate(self, *names: str, within: float) -> dict[str, float | None]:
        """Send SIGTERM to every process of the process groups; return how many seconds each took to end.

        A process that takes longer than `within` is killed; its value is None.
        """
        started = time.monotonic()
        with self._lock:
            self._announce(*names)
            waiting = {name: self._stack.group.pid(name) for name in names}
            for pid in waiting.values():
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGTERM)
        took: dict[str, float | None] = {}
        while waiting and time.monotonic() - started < within:
            for name, pid in list(waiting.items()):
                if self._has_ended(name, pid):
                    took[name] = time.monotonic() - started
                    del waiting[name]
            time.sleep(_POLL_SECONDS / 2)
        if waiting:
            with self._lock:
                self._stack.group.kill(*waiting)
        return took | dict.fromkeys(waiting)

    def keep(self, name: str, line: str | None = None, **environment: str) -> None:
        """(Re)start a process by a line of the Procfile, with its own environment variables, and keep it running."""
        with self._lock:
            self._kept[name] = (line or name, environment)
            if name in self._stack.group.alive():
                self._end(name)
            self._start(name)

    def let_go(self, name: str) -> None:
        """Stop a process for good."""
        with self._lock:
            del self._kept[name]
            self._end(name)

    def wait_for_all(self) -> None:
        """Wait until every process runs again. Raises OperatorError if one does not."""
        deadline = time.monotonic() + _START_SECONDS
        while missing := set(self._kept) - set(self._stack.group.alive()):
            if time.monotonic() > deadline:
                raise OperatorError(f"{', '.join(sorted(missing))} did not start again")
            time.sleep(_POLL_SECONDS)

    def heal(self) -> None:
        """Restore the usual processes, each with the common environment; stop the others."""
        with self._lock:
            for name in set(self._kept) - set(PROCESSES):
                self.let_go(name)
            for name in PROCESSES:
                if self._kept[name] != (name, {}):
                    self.keep(name)

    def _announce(self, *names: str) -> None:
        self._announced |= {self._stack.group.pid(name) for name in names}

    def _end(self, name: str) -> None:
        self._announce(name)
        self._stack.group.terminate(30, name)

    def _has_ended(self, name: str, pid: int) -> bool:
        with self._lock:
            return self._stack.group.pid(name) != pid or self._stack.group.exit_code(name) is not None

    def _run(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            with self._lock:
                for name in self._kept:
                    self._check(name)

    def _check(self, name: str) -> None:
        """Restart a process a second after its end."""
        group = self._stack.group
        code, pid = group.exit_code(name), group.pid(name)
        if code is None:
            return
        if pid not in self._ended:
            self._ended[pid] = time.monotonic()
            if pid not in self._announced:
                self.exits.append(f"{name} ended by itself with exit code {code}: {group.tail(name, 1)[:_MAX_LINE]}")
        if time.monotonic() - self._ended[pid] > _RESTART_SECONDS:
            # On a hosting platform the container ends. This also ends the children that the process has left behind.
            group.kill(name)
            self._start(name)

    def _start(self, name: str) -> None:
        line, environment = self._kept[name]
        self._stack.launch(name, line, **environment)
