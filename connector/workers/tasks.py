"""The Celery app. Tasks are hints that carry nothing: what there is to do stands in the journal.

The settings follow from how Celery on Redis fails: no ETA and no results, late acknowledgement of short tasks, one task
fetched at a time, a soft shutdown, and time-outs that fit into each other (request < task < visibility of a message).
"""

from __future__ import annotations

import ssl
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from celery import Celery, Task, signals
from celery.schedules import schedule
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from connector import mapping, observability
from connector.delivery.pipeline import Pipeline
from connector.delivery.steps import RefreshDelays
from connector.errors import ConnectorError, JournalUnavailable
from connector.insider.client import Insider
from connector.journal.database import Database
from connector.journal.vault import Vault
from connector.settings import Settings
from connector.sync.scheduler import STORES, Scheduler, is_wanted
from connector.workers import limits
from connector.workers.broker import Amqp
from connector.workers.wakeups import WakeUps
from connector.workers.watch import watching
from connector.workshop.activation import MappingSets
from connector.yotpo.client import Yotpo

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Together with a batch (sending.py) it fits into the soft shutdown.
_TASK_SECONDS = 5.0
_SWEEP_SECONDS = 5.0
_QUEUE = "connector"
#: For replays and snapshots, which have workers of their own, so that webhooks need not wait for them.
_BULK_QUEUE = "connector-bulk"
#: For what is asked of Yotpo, which waits most of the time.
_YOTPO_QUEUE = "connector-yotpo"
#: Those who deliver snapshots are woken so often, and rest so long after each of the partitions.
_SNAPSHOTS_SECONDS = 5.0
_REST_SECONDS = 0.2
#: A turn at a Yotpo that is slow, yet answers, may take long; its hint may come twice then, which does no harm.
_YOTPO_LIMIT_SECONDS = 600
#: Where so many hints wait already, one more tells nothing new, and would only fill Redis while no worker runs.
_HINTS = 64
#: By the sender's clock, and judged by the worker's: in a short time every hint would expire where they differ.
_EXPIRES_SECONDS = 3600.0
#: As many hints as the sweep gives at once; each worker process that takes one sends others if it finds too much.
_SWEEP_HINTS = 8

_log = observability.logger("tasks")


app = Celery("connector", amqp=Amqp)


@cache
def settings() -> Settings:
    return Settings.read()


def _uptime() -> datetime:
    return datetime.fromtimestamp(time.monotonic(), UTC)


@app.add_defaults
def _configuration() -> dict[str, Any]:
    tls = {"ssl_cert_reqs": ssl.CERT_REQUIRED if settings().redis_tls_verify else ssl.CERT_NONE}
    return {
        "broker_url": settings().redis_url,
        "broker_use_ssl": tls if settings().redis_url.startswith("rediss://") else None,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis that answers with an error is as good as one that does not answer: the worker connects anew.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "visibility_timeout": 300,
            "socket_connect_timeout": 5,
            # Longer than kombu's blocking read of one second. Every other command, the worker's main process waits for.
            "socket_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "retry_on_timeout": True,
        },
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        # A task ends by itself long before; this one has no soft counterpart, whose exception could strike anywhere.
        "task_time_limit": 120,
        "task_default_queue": _QUEUE,
        "worker_prefetch_multiplier": 1,
        "worker_soft_shutdown_timeout": 20.0,
        # There are no ETA tasks that an idle worker would have to give back: it may end at once.
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Two children and their parent fit into 512 MB.
        "worker_max_memory_per_child": 180_000,
        "worker_max_tasks_per_child": 10_000,
        # There are none; a belt.
        "worker_eta_task_limit": 100,
        # One more connection a process, which nobody uses.
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "beat_schedule": {
            "sweep": {
                "task": "connector.sweep",
                # By a clock that is never set: beat would sleep through the minutes that another is set back by.
                "schedule": schedule(_SWEEP_SECONDS, nowfun=_uptime),
            }
        },
    }


@cache
def mappings() -> mapping.MappingSet:
    """Return the mappings of this release."""
    return mapping.load(settings().mappings_dir)


@cache
def database() -> Database:
    """Return this process's connection. First called in the child that runs tasks, so nothing is shared over a fork."""
    return Database(settings().database_url, connections=1, wait_seconds=5.0)


@cache
def pipeline() -> Pipeline:
    """Return this process's pipeline."""
    return Pipeline(
        database=database(),
        vault=Vault(settings().secret_key),
        mappings=MappingSets(mappings()),
        insider=Insider(
            url=settings().insider_url,
            connect_seconds=settings().insider_connect_seconds,
            read_seconds=settings().insider_read_seconds,
        ),
        batch_size=settings().batch_size,
        retention=timedelta(days=settings().retention_days),
        refresh_delays=RefreshDelays(settings().refresh_quiet_seconds, settings().refresh_longest_seconds),
        rest_seconds=_REST_SECONDS,
    )


@cache
def scheduler() -> Scheduler:
    """Return this process's scheduler. First called in the child that runs tasks, so nothing is shared over a fork."""
    return Scheduler(
        database=Database(settings().database_url, connections=STORES + 1, wait_seconds=5.0),
        vault=Vault(settings().secret_key),
        yotpo=Yotpo.of(settings()),
        settling=timedelta(seconds=settings().yotpo_settling_seconds),
        quiet_seconds=settings().refresh_quiet_seconds,
        public_url=settings().public_url,
        wake=WakeUps(wake_bulk, interval_seconds=_SNAPSHOTS_SECONDS),
    )


class _Hint(Task):  # type: ignore[type-arg] # it has none at runtime
    """Is not sent where enough of them wait in its queue."""

    def apply_async(self, *args: Any, **options: Any) -> Any:
        queue = options.get("queue", _QUEUE)
        with self.app.connection_or_acquire() as connection:
            waiting = connection.default_channel.queue_declare(queue).message_count
        if waiting >= _HINTS:
            return None
        return super().apply_async(*args, **{"expires": _EXPIRES_SECONDS, **options})


@app.task(name="connector.advance", base=_Hint)
def advance() -> None:
    """Map and deliver what there is; where it is too much for one task, wake another."""
    with _in_peace():
        advanced = pipeline().advance(seconds=_TASK_SECONDS)
        if advanced.queued_low_priority:
            wake_bulk()
        if advanced.unfinished:
            wake()


@app.task(name="connector.advance_bulk", base=_Hint)
def advance_bulk() -> None:
    """Map what is replayed and deliver what gives way to webhooks; where it is too much for one task, wake another."""
    with _in_peace():
        ends_at = time.monotonic() + _TASK_SECONDS
        mapped = True
        while mapped:
            mapped = pipeline().map_replayed() > 0
            if pipeline().advance(seconds=ends_at - time.monotonic(), low_priority=True).unfinished:
                wake_bulk()
                return


@app.task(name="connector.advance_yotpo", base=_Hint, time_limit=_YOTPO_LIMIT_SECONDS)
def advance_yotpo() -> None:
    """Ask Yotpo what there is to ask; where it is too much for one task, wake another."""
    with _in_peace():
        if scheduler().run(seconds=_TASK_SECONDS):
            wake_yotpo()


@app.task(name="connector.sweep", base=_Hint)
def sweep() -> None:
    """Find what was left lying, because a hint was lost or a pause is over."""
    with _in_peace():
        for _ in range(min(pipeline().busy(), _SWEEP_HINTS)):
            wake()
        if pipeline().is_low_priority_waiting():
            wake_bulk()
        with database().connection() as connection:
            wanted = is_wanted(connection, reconcile_at=settings().reconcile_at)
        if wanted:
            wake_yotpo()


def wake() -> None:
    """Tell the workers that there is something to do. Raises where the broker cannot be reached."""
    advance.apply_async(retry=False)


def wake_bulk() -> None:
    """Tell the workers for replays and snapshots that there is something to do."""
    advance_bulk.apply_async(queue=_BULK_QUEUE, retry=False)


def wake_yotpo() -> None:
    """Tell the workers who speak to Yotpo that there is something to ask."""
    advance_yotpo.apply_async(queue=_YOTPO_QUEUE, retry=False)


@contextmanager
def _in_peace() -> Iterator[None]:
    """End a task without an exception, which Celery would quote: nothing has changed, and a sweep tries again."""
    try:
        yield
    except JournalUnavailable as error:
        _log.warning("task.deferred", error=str(error))
    except (OperationalError, RedisError) as error:
        # What there was to do has been done; the next sweep tells of the rest.
        _log.warning("wakeup.failed", error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - its message may hold people's data
        _log.error("task.failed", exc_info=error)


@signals.setup_logging.connect
def _logging(**_: Any) -> None:
    observability.configure(settings().log_level)


@signals.worker_init.connect
def _prepare(sender: Any, **_: Any) -> None:
    try:
        limits.check(sender, settings(), slice_seconds=_TASK_SECONDS)
        # Once, before the children are forked; a mapping that is wrong stops the worker here, with its place.
        mappings()
    except ConnectorError as error:
        # Of any other exception Celery would write a line, and go on.
        raise SystemExit(str(error)) from None
    app.steps["worker"].add(watching(settings().worker_stall_seconds))


@signals.celeryd_after_setup.connect
def _tell_of_worker(instance: Any, **_: Any) -> None:
    _log.info("worker.configured", **limits.of_worker(instance, settings(), slice_seconds=_TASK_SECONDS))


@signals.beat_init.connect
def _tell_of_beat(**_: Any) -> None:
    _log.info("beat.configured", **limits.of_beat(app, sweep_seconds=_SWEEP_SECONDS))
