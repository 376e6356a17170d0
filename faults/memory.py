"""Measures the highest memory use of the connector's processes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import psutil

from connector.sandbox.stack import PROCESSES

if TYPE_CHECKING:
    from connector.sandbox.stack import Stack

_POLL_SECONDS = 0.5
_MEGABYTE = 1_000_000


class MemoryWatch:
    """Measures twice a second how much memory (RSS) each process of the connector and each of its children uses."""

    def __init__(self, stack: Stack) -> None:
        #: The highest memory use of a single process, in megabytes, by the name of its line in the Procfile.
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
        while not self._over.wait(_POLL_SECONDS):
            for name in PROCESSES:
                self.highest[name] = max([self.highest[name], *_megabytes(self._stack.group.pid(name))])


def _megabytes(pid: int) -> list[float]:
    """Return the memory of a process and of each of its children; the list is incomplete if one has just ended."""
    megabytes = []
    try:
        for process in (first := psutil.Process(pid), *first.children(recursive=True)):
            megabytes.append(process.memory_info().rss / _MEGABYTE)
    except psutil.NoSuchProcess:
        pass  # The next measurement finds the process that replaces it.
    return megabytes
