"""Wake-ups: hints to the workers that there is something to do, coalesced and sent from outside of the request.

A wake-up carries nothing and may be lost; the sweep finds what was left lying. So a Redis that is away, slow or wiped
costs no webhook and holds up no request.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from connector import observability

if TYPE_CHECKING:
    from collections.abc import Callable

#: At most one wake-up in this time from each process: 20 a second.
_INTERVAL_SECONDS = 0.05
#: After a failure the broker is left alone for so long.
_REST_SECONDS = 1.0

_log = observability.logger("wakeups")


class WakeUps:
    """Sends a wake-up soon after `__call__`, from a thread of its own. Made after the fork, one a process."""

    def __init__(self, send: Callable[[], None], *, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        """At most one wake-up in `interval_seconds`, the first at once."""
        self._send = send
        self._interval_seconds = interval_seconds
        self._wanted = threading.Event()
        threading.Thread(target=self._run, name="wake-ups", daemon=True).start()

    def __call__(self) -> None:
        self._wanted.set()

    def _run(self) -> None:
        broken = False
        while True:
            self._wanted.wait()
            self._wanted.clear()
            try:
                self._send()
            except Exception as error:  # noqa: BLE001 - a hint that fails is no more than a hint that is missing
                if not broken:
                    _log.warning("wakeup.failed", error=type(error).__name__)
                broken = True
                self._wanted.set()
                time.sleep(_REST_SECONDS)
            else:
                broken = False
                time.sleep(self._interval_seconds)
