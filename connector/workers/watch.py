"""Ends a worker's main process if it no longer takes messages, or if it takes too long to end by itself.

A worker that hangs looks alive to the host, and a host restarts only processes that have ended. Hosts send SIGTERM to
each process. The children ignore it (REMAP_SIGTERM in the Procfile), so that they finish and record what they are
sending.
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

#: The worker counts as stalled after this many checks without a heartbeat, spread over WORKER_STALL_SECONDS. Checks are
#: counted instead of seconds, because the host may suspend a process for an hour. Such a process has not stalled.
_CHECKS = 12
_TICK_SECONDS = 1.0
#: How long a stalled worker may take to end.
_STALLED_END_SECONDS = 30.0
_FAILED = 1

#: This module of Celery contains the running tasks, and `should_stop`, which its signal handlers set for its loop.
_state = cast("Any", celery.worker.state)
_RUN = cast("Any", bootsteps).RUN
_log = observability.logger("worker")


class Watch(bootsteps.StartStopStep):
    """Runs a thread beside Celery's loop. The thread can end the process without the help of the loop."""

    requires = ("celery.worker.components:Pool",)
    #: Set by `watching`.
    stall_seconds: float

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._worker = worker
        self._end_seconds: float = worker.app.conf.worker_soft_shutdown_timeout
        self._is_alive = False
        self._answered_at = 0.0
        self._ends_at: float | None = None
        self._exit_code = os.EX_OK

    def start(self, _worker: Any) -> None:
        # Celery's own handler for SIGTERM would sleep for the whole soft shutdown. With the handler `_end`, the worker
        # ends as soon as its tasks end.
        signal.signal(signal.SIGTERM, self._end)
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def stop(self, _worker: Any) -> None:
        _log.info("worker.ending", running=len(_state.active_requests))

    def register_with_event_loop(self, _worker: Any, hub: Hub) -> None:
        """Start the heartbeat. Celery calls this each time it has connected."""
        hub.call_repeatedly(_TICK_SECONDS, self._beat)

    def _end(self, *_: object) -> None:
        # This handler takes no lock and writes no log line: the signal may interrupt the main thread while that thread
        # has the lock.
        _state.should_stop = self._exit_code
        self._ends_at = self._ends_at or time.monotonic() + self._end_seconds

    def _beat(self) -> None:
        """Record a heartbeat if Redis has answered since the last call, or if all children are busy.

        Celery's loop calls this method, so a heartbeat also shows that the loop runs.
        """
        consumer = self._worker.consumer.task_consumer
        answered_at = consumer.channel.answered_at if consumer else 0.0
        if answered_at != self._answered_at or len(_state.active_requests) >= self._worker.pool.num_processes:
            self._is_alive = True
        self._answered_at = answered_at

    def _watch(self) -> None:
        checks_without_heartbeat = 0
        while self._ends_at is None and self._worker.blueprint.state == _RUN:
            time.sleep(self.stall_seconds / _CHECKS)
            is_alive, self._is_alive = self._is_alive, False
            if is_alive or not self._can_reach_redis():
                checks_without_heartbeat = 0
            else:
                checks_without_heartbeat += 1
            if checks_without_heartbeat >= _CHECKS:
                _log.error("worker.stalled", seconds=self.stall_seconds)
                self._exit_code = _FAILED
                self._ends_at = time.monotonic() + _STALLED_END_SECONDS
                os.kill(os.getpid(), signal.SIGTERM)
        self._end_in_time()

    def _can_reach_redis(self) -> bool:
        try:
            with self._worker.app.connection_for_read() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0)
        except Exception:  # noqa: BLE001 - any error may keep the worker from Redis as well
            return False
        return True

    def _end_in_time(self) -> None:
        """Give the worker until `_ends_at` to end by itself, then end the process."""
        ends_at = self._ends_at or time.monotonic() + self._end_seconds
        time.sleep(max(0.0, ends_at - time.monotonic()))
        _log.error("worker.cut_off", running=len(_state.active_requests))
        # The children end with the process. Work that they have not recorded is done again.
        os._exit(_FAILED)


def watching(stall_seconds: float) -> type[Watch]:
    """Return the bootstep that Celery adds to each worker."""
    return type("Watch", (Watch,), {"stall_seconds": stall_seconds})
