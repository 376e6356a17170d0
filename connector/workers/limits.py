"""Checks at start that all time-outs fit together, and logs them in one line.

::

    a request to Insider < a step < an idle transaction < a task < the visibility of a message
    a task's slice + a batch <= the soft shutdown < the time that hosts grant

The time-outs are read from Celery after its start, because the command line may override the values in `tasks.py`.
"""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from kombu.transport.redis import Transport

from connector.delivery import sending
from connector.errors import SettingsError
from connector.journal import database

if TYPE_CHECKING:
    from celery import Celery

    from connector.settings import Settings

#: The time from SIGTERM to SIGKILL on Heroku and similar hosts.
_HOST_SECONDS = 30.0
#: The options of the broker that may be logged. Other options may contain a password.
_LOGGED_OPTIONS = ("visibility_timeout", "socket_timeout", "socket_connect_timeout", "health_check_interval")


class _Limit(NamedTuple):
    name: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.name} ({self.seconds:g} s)"


def check(worker: Any, settings: Settings, *, slice_seconds: float) -> None:
    """Raise SettingsError if the time-outs of this worker do not fit together."""
    conf = worker.app.conf
    options = conf.broker_transport_options
    insider = _Limit(
        "INSIDER_CONNECT_SECONDS + 2 x INSIDER_READ_SECONDS",
        settings.insider_connect_seconds + 2 * settings.insider_read_seconds,
    )
    step = _Limit("the time of a step", sending.LONGEST_SECONDS)
    idle = _Limit("idle_in_transaction_session_timeout", database.IDLE_SECONDS)
    whole = _Limit("a task's slice, a step and a request", slice_seconds + step.seconds + insider.seconds)
    task = _Limit("task_time_limit", _task_seconds(worker))
    visibility = _Limit("visibility_timeout", options.get("visibility_timeout", 0))
    read = _Limit("kombu's blocking read", Transport.brpop_timeout)
    answer = _Limit("socket_timeout", options.get("socket_timeout") or 0)
    ending = _Limit("worker_soft_shutdown_timeout", conf.worker_soft_shutdown_timeout)
    host = _Limit("the time from SIGTERM to SIGKILL on hosts", _HOST_SECONDS)
    for shorter, longer, remedy in (
        (insider, step, "lower INSIDER_CONNECT_SECONDS or INSIDER_READ_SECONDS"),
        (step, idle, "raise idle_in_transaction_session_timeout"),
        (idle, task, "raise task_time_limit"),
        (whole, task, "raise task_time_limit or lower INSIDER_READ_SECONDS"),
        (task, visibility, "lower task_time_limit or raise visibility_timeout"),
        (read, answer, "raise socket_timeout"),
        (ending, host, "lower worker_soft_shutdown_timeout"),
    ):
        if not shorter.seconds < longer.seconds:
            raise SettingsError(f"{shorter} has to be less than {longer}: {remedy}.")
    batch = _Limit("a task's slice and a batch", slice_seconds + sending.BATCH_SECONDS)
    if batch.seconds > ending.seconds:
        raise SettingsError(f"{batch} may not be more than {ending}: raise worker_soft_shutdown_timeout.")


def of_worker(worker: Any, settings: Settings, *, slice_seconds: float) -> dict[str, Any]:
    """Return a worker's limits, for the log."""
    conf = worker.app.conf
    return {
        **_of_broker(worker.app),
        "queues": ",".join(worker.app.amqp.queues.consume_from),
        "concurrency": worker.concurrency,
        "prefetch_multiplier": worker.prefetch_multiplier,
        "acks_late": conf.task_acks_late,
        "task_slice": slice_seconds,
        "task_time_limit": _task_seconds(worker),
        "soft_shutdown_timeout": conf.worker_soft_shutdown_timeout,
        "stall_seconds": settings.worker_stall_seconds,
        "max_memory_per_child_kb": worker.max_memory_per_child,
        "max_tasks_per_child": worker.max_tasks_per_child,
        "insider_connect_seconds": settings.insider_connect_seconds,
        "insider_read_seconds": settings.insider_read_seconds,
        "yotpo_connect_seconds": settings.yotpo_connect_seconds,
        "yotpo_read_seconds": settings.yotpo_read_seconds,
        "batch_size": settings.batch_size,
        **_versions("celery", "kombu", "redis", "psycopg"),
    }


def of_beat(app: Celery, *, sweep_seconds: float) -> dict[str, Any]:
    """Return the limits of the beat process, which starts the sweeps, for the log."""
    return {**_of_broker(app), "sweep_seconds": sweep_seconds, **_versions("celery", "kombu", "redis")}


def of_web(app: Celery, settings: Settings, *, connections: int) -> dict[str, Any]:
    """Return a web process's limits, for the log."""
    return {
        **_of_broker(app),
        "intake_timeout_seconds": settings.intake_timeout_seconds,
        "connections": connections,
        **_versions("flask", "granian", "kombu", "redis", "psycopg"),
    }


def _task_seconds(worker: Any) -> float:
    # The setting comes first: Celery uses the option --time-limit only if the setting is empty.
    return worker.app.conf.task_time_limit or worker.time_limit or math.inf


def _of_broker(app: Celery) -> dict[str, Any]:
    return {name: app.conf.broker_transport_options.get(name) for name in _LOGGED_OPTIONS}


def _versions(*packages: str) -> dict[str, str]:
    return {package: version(package) for package in packages}
