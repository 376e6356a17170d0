"""Sends wake-ups: messages without content that tell the workers that there is work.

A thread sends them, and many wake-ups in a short time become one message. A wake-up may be lost: the sweep finds the
work later. So if Redis is down, slow or wiped, no webhook is lost and no request waits.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from connector import observability

if TYPE_CHECKING:
    from collections.abc import Callable

#: Each process sends at most one wake-up in this time: 20 per second.
_INTERVAL_SECONDS = 0.05
#: The wait before the next try, if no wake-up is needed now.
_POSTPONED_SECONDS = 0.05
#: The wait after a failure, before the next try.
_REST_SECONDS = 1.0

_log = observability.logger("wakeups")


class WakeUps:
    """Sends a wake-up soon after each call, from its own thread. Each process creates one object, after the fork."""

    def __init__(self, send: Callable[[], bool | None], *, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        """Send at most one wake-up in `interval_seconds`. The first wake-up is sent at once.

        If `send` returns False, it has sent nothing, because no wake-up is needed now. Then it is called again soon.
        """
        self._send = send
        self._interval_seconds = interval_seconds
        self._requested = threading.Event()
        threading.Thread(target=self._run, name="wake-ups", daemon=True).start()

    def __call__(self) -> None:
        self._requested.set()

    def _run(self) -> None:
        failing = False
        while True:
            self._requested.wait()
            self._requested.clear()
            try:
                sent = self._send()
            except Exception as error:  # noqa: BLE001 - a failed wake-up is no worse than a lost one
                if not failing:
                    _log.warning("wakeup.failed", error=type(error).__name__)
                failing = True
                self._requested.set()
                time.sleep(_REST_SECONDS)
            else:
                failing = False
                if sent is False:
                    self._requested.set()
                    time.sleep(_POSTPONED_SECONDS)
                else:
                    time.sleep(self._interval_seconds)
