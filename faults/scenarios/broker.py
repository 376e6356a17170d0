"""Redis is down, wiped, full or frozen. It carries only wake-ups, so these faults may cause delays, but no damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from faults.registry import scenario

if TYPE_CHECKING:
    from connector.sandbox.servers import EmbeddedRedis
    from faults.run import Run


@scenario(lasting=20)
def redis_stopped(run: Run) -> None:
    """Redis is stopped for 20 s."""
    server = _server(run)
    server.stop()
    run.hold(20)
    server.start()


@scenario()
def redis_restarted(run: Run) -> None:
    """Redis is killed and started again at once. It is empty then."""
    server = _server(run)
    server.kill()
    server.start()


@scenario()
def redis_wiped(run: Run) -> None:
    """All data in Redis are deleted under load by FLUSHALL, five times within two seconds."""
    with _client(run) as client:
        run.several_times(5, 0.4, client.flushall)


@scenario(lasting=15)
def redis_full(run: Run) -> None:
    """Redis has no memory left for 15 s: `maxmemory` is lower than the memory in use, with `noeviction`."""
    with _client(run) as client:
        before = _refused_writes(client)
        # The limit is half of the used memory, because the use shrinks as soon as a worker has taken a wake-up.
        client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
        run.hold(15)
        client.config_set("maxmemory", 0)
        refused = _refused_writes(client) - before
    run.notes.append(f"Redis refused {refused} writes")
    if not refused:
        run.problems.append("Redis was not full")


@scenario(lasting=10)
def redis_frozen(run: Run) -> None:
    """Redis is frozen for 10 s by SIGSTOP: connections stay open, but Redis does not answer."""
    server = _server(run)
    server.pause()
    run.hold(10)
    server.resume()


def _server(run: Run) -> EmbeddedRedis:
    assert run.stack.redis is not None  # noqa: S101 - the runner always starts it
    return run.stack.redis


def _refused_writes(client: redis.Redis) -> int:
    return int(client.info("errorstats").get("errorstat_OOM", {}).get("count", 0))


def _client(run: Run) -> redis.Redis:
    return redis.Redis.from_url(_server(run).url, socket_timeout=10)
