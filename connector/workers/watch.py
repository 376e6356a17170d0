"""Watches over a worker's main process: ends it where it has stopped taking hints, and sees that it ends in time.

A worker that hangs looks alive to the host, which starts only those again that have ended. Hosts send SIGTERM to each
process; children ignore it by REMAP_SIGTERM in the Procfile, so that what they are sending is finished and recorded.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, cast

import celery.worker.state
from celery import bootsteps

from connector import observability

if TYPE_CHECKING:
    from kombu.asynchronous.hub import Hub

#: So many looks for a sign of life within WORKER_STALL_SECONDS have to be in vain. They are counted, because a process
#: that was stopped as a whole for an hour has not been silent for an hour.
_LOOKS = 12
_TICK_SECONDS = 1.0
#: A worker that is to end because it hangs is given so long.
_LAST_SECONDS = 30.0
_FAILED = 1

#: What Celery's own handlers of signals tell its loop, and what the loop knows of running tasks.
_state = cast("Any", celery.worker.state)
_RUN = cast("Any", bootsteps).RUN
_log = observability.logger("worker")


class Watch(bootsteps.StartStopStep):
    """A thread beside Celery's loop, which needs nothing of it to end the process."""

    requires = ("celery.worker.components:Pool",)
    #: See `watching`.
    stall_seconds: float

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._worker = worker
        self._end_seconds: float = worker.app.conf.worker_soft_shutdown_timeout
        self._heard = False
        self._answered_at = 0.0
        self._ends_at: float | None = None
        self._exit_code = os.EX_OK

    def start(self, _worker: Any) -> None:
        # At SIGTERM Celery would sleep through its soft shutdown; this ends as soon as what runs has ended.
        signal.signal(signal.SIGTERM, self._end)
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def stop(self, _worker: Any) -> None:
        _log.info("worker.ending", running=len(_state.active_requests))

    def register_with_event_loop(self, _worker: Any, hub: Hub) -> None:
        """Celery calls this each time that it has connected."""
        hub.call_repeatedly(_TICK_SECONDS, self._tick)

    def _end(self, *_: object) -> None:
        # Without a lock and a line in the log: the main thread, which a signal interrupts anywhere, may hold theirs.
        _state.should_stop = self._exit_code
        self._ends_at = self._ends_at or time.monotonic() + self._end_seconds

    def _tick(self) -> None:
        """Note a sign of life: the loop runs, and Redis has answered it, or no child is free to be given a hint."""
        consumer = self._worker.consumer.task_consumer
        answered_at = consumer.channel.answered_at if consumer else 0.0
        if answered_at != self._answered_at or len(_state.active_requests) >= self._worker.pool.num_processes:
            self._heard = True
        self._answered_at = answered_at

    def _watch(self) -> None:
        silent = 0
        while self._ends_at is None and self._worker.blueprint.state == _RUN:
            time.sleep(self.stall_seconds / _LOOKS)
            heard, self._heard = self._heard, False
            silent = 0 if heard or not self._is_redis_there() else silent + 1
            if silent >= _LOOKS:
                _log.error("worker.stalled", seconds=self.stall_seconds)
                self._exit_code = _FAILED
                self._ends_at = time.monotonic() + _LAST_SECONDS
                os.kill(os.getpid(), signal.SIGTERM)
        self._see_the_end()

    def _is_redis_there(self) -> bool:
        try:
            with self._worker.app.connection_for_read() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0)
        except Exception:  # noqa: BLE001 - whatever it is, the worker need not have fared better
            return False
        return True

    def _see_the_end(self) -> None:
        ends_at = self._ends_at or time.monotonic() + self._end_seconds
        time.sleep(max(0.0, ends_at - time.monotonic()))
        _log.error("worker.cut_off", running=len(_state.active_requests))
        # The children go with it; what they have not recorded is done again.
        os._exit(_FAILED)


def watching(stall_seconds: float) -> type[Watch]:
    """Return the step that Celery makes a part of each worker."""
    return type("Watch", (Watch,), {"stall_seconds": stall_seconds})
