"""How much memory the connector's processes take at most."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import psutil

from connector.sandbox.stack import PROCESSES

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack

_LOOK_SECONDS = 0.5
_MEGABYTE = 1_000_000


class MemoryWatch:
    """Looks twice a second how much memory (RSS) each process of the connector and each of its children takes."""

    def __init__(self, stack: Stack) -> None:
        #: By the line of the Procfile, the most that any one process of it has taken, in megabytes.
        self.highest: dict[str, float] = dict.fromkeys(PROCESSES, 0.0)
        self._stack = stack
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for name in PROCESSES:
                self.highest[name] = max([self.highest[name], *_megabytes(self._stack.group.pid(name))])


def _megabytes(pid: int) -> list[float]:
    """Return what a process and its children take; nothing of those that have just ended."""
    taken = []
    try:
        for process in (first := psutil.Process(pid), *first.children(recursive=True)):
            taken.append(process.memory_info().rss / _MEGABYTE)
    except psutil.NoSuchProcess:
        pass  # The next look finds the one that takes its place.
    return taken
