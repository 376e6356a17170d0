"""Celery's transport over Redis: kombu's own, changed so that a worker survives when it loses Redis.

Kombu tries to keep every message: it returns or acknowledges messages over a connection that no longer exists. The
error ends the worker. Here messages are only wake-ups and may be lost, because the sweep finds the work later.
"""

from __future__ import annotations

import time
from typing import Any

import kombu
from celery.app.amqp import AMQP
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis import exceptions

#: The wait between two tries to reach Redis. Kombu would wait longer after each try.
_RETRY_SECONDS = 2
_PROBE = "connector.probe"
_PROBE_SECONDS = 60


class QoS(kombu_redis.QoS):
    """Counts the messages that are not acknowledged yet. Each of them occupies a child process of the worker."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        finally:
            # This must happen even if Redis cannot be reached: the child is free, but would count as occupied forever.
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


class Channel(kombu_redis.Channel):
    """A channel that closes without commands to Redis, and knows when Redis last answered."""

    QoS = QoS
    #: When the connection or the worker ends, its unacknowledged messages are not put back into the queue.
    do_restore = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: When Redis last answered a blocking read, with a message or without. It answers at least every second.
        self.answered_at = time.monotonic()

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        # A task may outlive its connection. Its message becomes visible again after the visibility time-out.
        if not self.closed:
            super().basic_ack(delivery_tag, multiple)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        if not self.closed:
            super().basic_reject(delivery_tag, requeue=requeue)

    def close(self) -> None:
        # A pending read is abandoned: waiting for it may fail, and then the channel would stay half open.
        self._in_poll = None
        self.auto_delete_queues.clear()
        super().close()

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc] # the stubs leave it out
        finally:
            self.answered_at = time.monotonic()


class Transport(kombu_redis.Transport):
    """Treats a Redis that refuses writes as unreachable: Redis may be full, a read-only replica, or unable to save."""

    Channel = Channel

    def establish_connection(self) -> Any:
        connection: Any = super().establish_connection()
        try:
            with connection._avail_channels[-1].conn_or_acquire() as client:  # noqa: SLF001 - the channel of this connection
                client.set(_PROBE, 1, ex=_PROBE_SECONDS)
        except exceptions.RedisError as error:
            self.close_connection(connection)
            raise exceptions.ConnectionError(str(error)) from error
        return connection


class Connection(kombu.Connection):
    """A connection that uses this transport for every URL scheme of Redis."""

    def get_transport_cls(self) -> type[Transport]:
        return Transport

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        return super().ensure_connection(*args, **{"interval_start": _RETRY_SECONDS, "interval_step": 0, **options})


class Amqp(AMQP):
    """Makes Celery use these connections."""

    Connection = Connection
