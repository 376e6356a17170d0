"""The Celery app. A message is only a wake-up, without content: the work is in the journal.

The settings prevent problems that Celery has with Redis. Tasks have no ETA and no results. Short tasks are acknowledged
late. A worker fetches one task at a time, and has a soft shutdown. The time-outs are in the right order (request < task
< visibility of a message).
"""

from __future__ import annotations

import gc
import ssl
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from celery import Celery, Task, signals
from celery.schedules import schedule
from kombu.exceptions import OperationalError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from connector import mapping, observability
from connector.delivery.pipeline import Pipeline
from connector.delivery.steps import RefreshDelays
from connector.errors import ConnectorError, JournalUnavailable
from connector.insider.client import Insider
from connector.journal.database import Database
from connector.journal.upkeep import retention
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

#: How long a task works. This time and the time of a batch (`delivery.sending`) together fit into the soft shutdown.
_TASK_SECONDS = 5.0
_SWEEP_SECONDS = 5.0
_QUEUE = "connector"
#: The low-priority queue, for replays and snapshots. It has its own workers, so that webhooks do not wait for them.
_BULK_QUEUE = "connector-bulk"
#: The queue for requests to Yotpo. Its workers mostly wait for responses.
_YOTPO_QUEUE = "connector-yotpo"
#: In this time, at most one wake-up is sent for new snapshots.
_SNAPSHOTS_SECONDS = 5.0
#: How long a low-priority worker rests after it has worked on a partition.
_REST_SECONDS = 0.2
#: How long webhooks gather under load before the next step.
_GATHER_SECONDS = 0.1
#: A task may take long if Yotpo is slow. Redis may then deliver its message twice, which does no harm.
_YOTPO_LIMIT_SECONDS = 600
#: How long one run of the upkeep takes at most.
_UPKEEP_SECONDS = 20.0
#: With this many messages in a queue, another wake-up is useless: it would only fill Redis while no worker runs.
_QUEUE_LIMIT = 64
#: The sender's clock sets the expiry and the worker's clock checks it. If this time were short and the clocks were
#: different, every wake-up would expire.
_EXPIRES_SECONDS = 3600.0
#: This key exists in Redis while a worker for webhooks is awake, or soon will be.
_AWAKE = "connector.awake"
#: A worker that is awake looks for webhooks at least this often, unless it waits for Insider. If it waits longer, the
#: key expires, and the next webhook wakes another worker.
_AWAKE_MILLISECONDS = 700
#: So long, no other wake-up is sent, because a worker soon takes the last one.
_WOKEN_MILLISECONDS = round((_TASK_SECONDS + 1) * 1000)
_REDIS_SECONDS = 1.0
#: A sweep sends at most this many wake-ups. A worker that finds too much work for one task sends more.
_SWEEP_LIMIT = 8

_log = observability.logger("tasks")


app = Celery("connector", amqp=Amqp)


@cache
def settings() -> Settings:
    return Settings.read()


def _monotonic_now() -> datetime:
    return datetime.fromtimestamp(time.monotonic(), UTC)


def _tls() -> dict[str, Any]:
    """Return the options for a connection to Redis with TLS; empty without TLS."""
    if not settings().redis_url.startswith("rediss://"):
        return {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED if settings().redis_tls_verify else ssl.CERT_NONE}


@app.add_defaults
def _configuration() -> dict[str, Any]:
    return {
        "broker_url": settings().redis_url,
        "broker_use_ssl": _tls() or None,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # If Redis answers with an error, the worker connects again, as if Redis had not answered.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "visibility_timeout": 300,
            "socket_connect_timeout": 5,
            # This time is longer than kombu's blocking read of one second. It is short, because commands block the
            # worker's main process.
            "socket_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "retry_on_timeout": True,
        },
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        # A task ends by itself long before this limit. There is no soft limit, because its exception could be raised
        # anywhere in the code.
        "task_time_limit": 120,
        "task_default_queue": _QUEUE,
        "worker_prefetch_multiplier": 1,
        "worker_soft_shutdown_timeout": 20.0,
        # An idle worker may end at once: there are no ETA tasks that it would have to give back.
        "worker_enable_soft_shutdown_on_idle": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Two children and their parent fit into 512 MB.
        "worker_max_memory_per_child": 180_000,
        "worker_max_tasks_per_child": 10_000,
        # This limit is only a safeguard: there are no ETA tasks.
        "worker_eta_task_limit": 100,
        # Remote control is not used, and would need one more connection in each process.
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "beat_schedule": {
            "sweep": {
                "task": "connector.sweep",
                # Beat uses the monotonic clock. With the wall clock, it would send nothing for minutes after that clock
                # was set back by minutes.
                "schedule": schedule(_SWEEP_SECONDS, nowfun=_monotonic_now),
            }
        },
    }


@cache
def mappings() -> mapping.MappingSet:
    """Return the mappings of this release."""
    return mapping.load(settings().mappings_dir)


@cache
def database() -> Database:
    """Return this process's `Database`. Tasks call this in the child process, so nothing is shared over a fork."""
    return Database.of(settings(), connections=1, wait_seconds=5.0)


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
        gather_seconds=_GATHER_SECONDS,
    )


@cache
def scheduler() -> Scheduler:
    """Return this process's scheduler. Tasks call this in the child process, so nothing is shared over a fork."""
    return Scheduler(
        database=Database.of(settings(), connections=STORES + 1, wait_seconds=5.0),
        vault=Vault(settings().secret_key),
        yotpo=Yotpo.of(settings()),
        settling=timedelta(seconds=settings().yotpo_settling_seconds),
        quiet_seconds=settings().refresh_quiet_seconds,
        public_url=settings().public_url,
        wake=WakeUps(wake_bulk, interval_seconds=_SNAPSHOTS_SECONDS),
    )


class _WakeUp(Task):  # type: ignore[type-arg] # it has none at runtime
    """A task whose message is sent only if its queue is not full of wake-ups already."""

    def apply_async(self, *args: Any, **options: Any) -> Any:
        queue = options.get("queue", _QUEUE)
        with self.app.connection_or_acquire() as connection:
            waiting = connection.default_channel.queue_declare(queue).message_count
        if waiting >= _QUEUE_LIMIT:
            return None
        return super().apply_async(*args, **{"expires": _EXPIRES_SECONDS, **options})


@app.task(name="connector.advance", base=_WakeUp)
def advance() -> None:
    """Map and deliver the events of webhooks; wake another worker if there is too much work for one task."""
    with _errors_logged():
        try:
            advanced = pipeline().advance(seconds=_TASK_SECONDS, call_for_help=_call_for_help, on_pass=_stay_awake)
        finally:
            _fall_asleep()
        if advanced.queued_low_priority:
            wake_bulk()
        if advanced.unfinished:
            wake()


@app.task(name="connector.advance_bulk", base=_WakeUp)
def advance_bulk() -> None:
    """Map and deliver replays and snapshots; wake another worker if there is too much work for one task."""
    with _errors_logged():
        ends_at = time.monotonic() + _TASK_SECONDS
        mapped = True
        while mapped:
            mapped = pipeline().map_replayed() > 0
            if pipeline().advance(seconds=ends_at - time.monotonic(), low_priority=True).unfinished:
                wake_bulk()
                return


@app.task(name="connector.advance_yotpo", base=_WakeUp, time_limit=_YOTPO_LIMIT_SECONDS)
def advance_yotpo() -> None:
    """Send the requests to Yotpo that are due; wake another worker if they are too many for one task."""
    with _errors_logged():
        if scheduler().run(seconds=_TASK_SECONDS):
            wake_yotpo()


@app.task(name="connector.keep_up", base=_WakeUp)
def keep_up() -> None:
    """Make the journal's next periods, and delete what is older than the settings say."""
    ages = retention.Retention.of(settings())
    with _errors_logged():
        with database().connection() as connection:
            # Several sweeps may have found the upkeep due before it began.
            if not retention.is_due(connection, ages):
                return
        done = retention.keep_up(database(), ages, seconds=_UPKEEP_SECONDS)
        if done:
            _log.info("journal.pruned", **done)


@app.task(name="connector.sweep", base=_WakeUp)
def sweep() -> None:
    """Send wake-ups for work that still waits: a wake-up may have been lost, or a pause may have ended."""
    with _errors_logged():
        for _ in range(min(pipeline().busy(), _SWEEP_LIMIT)):
            wake()
        if pipeline().is_low_priority_waiting():
            wake_bulk()
        with database().connection() as connection:
            yotpo_has_work = is_wanted(connection, reconcile_at=settings().reconcile_at)
            upkeep_is_due = retention.is_due(connection, retention.Retention.of(settings()))
        if yotpo_has_work:
            wake_yotpo()
        if upkeep_is_due:
            keep_up.apply_async(queue=_BULK_QUEUE, retry=False)


def wake() -> None:
    """Send a wake-up to the workers for webhooks. Raises if the broker cannot be reached."""
    advance.apply_async(retry=False)


def wake_if_asleep() -> bool:
    """Send a wake-up to the workers for webhooks, unless one of them is awake; return whether it was sent.

    A worker that is awake finds new webhooks by itself. Raises if Redis cannot be reached.
    """
    if not _redis().set(_AWAKE, 1, nx=True, px=_WOKEN_MILLISECONDS):
        return False
    wake()
    return True


def _call_for_help() -> None:
    """Wake another worker. If that fails, this worker does the work alone."""
    with suppress(OperationalError, RedisError):
        wake()


def _stay_awake() -> None:
    """Keep the web processes from sending wake-ups for a moment. Without Redis they cannot send them anyway."""
    with suppress(RedisError):
        _redis().set(_AWAKE, 1, px=_AWAKE_MILLISECONDS)


def _fall_asleep() -> None:
    """Let the next webhook wake a worker again."""
    with suppress(RedisError):
        _redis().delete(_AWAKE)


@cache
def _redis() -> Redis:
    """Return this process's connections to Redis. They wait for a second at most, because the work can do without."""
    return Redis.from_url(
        settings().redis_url,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
        retry=Retry(NoBackoff(), retries=0),
        **_tls(),
    )


def wake_bulk() -> None:
    """Send a wake-up to the workers for replays and snapshots. Raises if the broker cannot be reached."""
    advance_bulk.apply_async(queue=_BULK_QUEUE, retry=False)


def wake_yotpo() -> None:
    """Send a wake-up to the workers that send requests to Yotpo. Raises if the broker cannot be reached."""
    advance_yotpo.apply_async(queue=_YOTPO_QUEUE, retry=False)


@contextmanager
def _errors_logged() -> Iterator[None]:
    """Log exceptions instead of raising them: Celery would log their messages. The next sweep tries again."""
    try:
        yield
    except JournalUnavailable as error:
        _log.warning("task.deferred", error=str(error))
    except (OperationalError, RedisError) as error:
        # Only the wake-up failed, not the work. The next sweep sends another wake-up.
        _log.warning("wakeup.failed", error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - messages may hold people's data
        _log.error("task.failed", exc_info=error)


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    observability.configure(settings().log_level)


@signals.worker_init.connect
def _prepare(sender: Any, **_: Any) -> None:
    try:
        limits.check(sender, settings(), slice_seconds=_TASK_SECONDS)
        # The mappings are loaded once, before the children are forked. If a mapping file is wrong, the worker ends
        # here, and the error names the file.
        mappings()
    except ConnectorError as error:
        # SystemExit ends the worker. Celery would log any other exception and go on.
        raise SystemExit(str(error)) from None
    # The children share the memory of what was made until now, as long as the garbage collector does not touch it.
    gc.collect()
    gc.freeze()
    app.steps["worker"].add(watching(settings().worker_stall_seconds))


@signals.celeryd_after_setup.connect
def _log_worker(instance: Any, **_: Any) -> None:
    _log.info("worker.configured", **limits.of_worker(instance, settings(), slice_seconds=_TASK_SECONDS))


@signals.beat_init.connect
def _log_beat(**_: Any) -> None:
    _log.info("beat.configured", **limits.of_beat(app, sweep_seconds=_SWEEP_SECONDS))
