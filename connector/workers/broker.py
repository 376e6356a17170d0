"""How Celery speaks to Redis here: by kombu's own transport, for hints that nobody has to give back.

Kombu takes care that no message is lost, and some of this care ends a worker that loses its Redis: it gives messages
back over a connection that is gone, and acknowledges them there. A hint may be lost: the sweep finds what was meant.
"""

from __future__ import annotations

import time
from typing import Any

import kombu
from celery.app.amqp import AMQP
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis import exceptions

#: Looks so often whether a broker that is away is back, where kombu would look ever more seldom.
_RETRY_SECONDS = 2
_PROBE = "connector.probe"
_PROBE_SECONDS = 60


class QoS(kombu_redis.QoS):
    """Counts the hints under way; each of them takes the place of a child of the worker."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        finally:
            # Also where Redis could not be told: the child is free, and its place would never be filled again.
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        try:
            super().reject(delivery_tag, requeue=requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


class Channel(kombu_redis.Channel):
    """A channel that ends without a word to Redis, and knows when it last heard of it."""

    QoS = QoS
    #: Hints under way are not given back at the end, neither the connection's nor the worker's.
    do_restore = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: When Redis last answered a waiting read, be it with a hint or with none; it does so every second.
        self.answered_at = time.monotonic()

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        # A task may end after its connection; Redis lets go of the hint when its visibility time-out is over.
        if not self.closed:
            super().basic_ack(delivery_tag, multiple)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        if not self.closed:
            super().basic_reject(delivery_tag, requeue=requeue)

    def close(self) -> None:
        # What a read under way may yet bring is let go: waiting for it may fail, and leave the channel half open.
        self._in_poll = None
        self.auto_delete_queues.clear()
        super().close()

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc] # the stubs leave it out
        finally:
            self.answered_at = time.monotonic()


class Transport(kombu_redis.Transport):
    """Takes a Redis that refuses writes for one that is away: it is full, a read-only replica, or cannot save."""

    Channel = Channel

    def establish_connection(self) -> Any:
        connection: Any = super().establish_connection()
        try:
            with connection._avail_channels[-1].conn_or_acquire() as client:  # noqa: SLF001 - the one it was made with
                client.set(_PROBE, 1, ex=_PROBE_SECONDS)
        except exceptions.RedisError as error:
            self.close_connection(connection)
            raise exceptions.ConnectionError(str(error)) from error
        return connection


class Connection(kombu.Connection):
    """A connection by this transport, whichever of Redis's schemes the URL has."""

    def get_transport_cls(self) -> type[Transport]:
        return Transport

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        return super().ensure_connection(*args, **{"interval_start": _RETRY_SECONDS, "interval_step": 0, **options})


class Amqp(AMQP):
    """Hands Celery these connections."""

    Connection = Connection
