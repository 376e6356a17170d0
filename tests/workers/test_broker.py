"""Workers and a Redis that is stopped, refuses writes, hangs, or has a self-signed certificate."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis

from tests.sandbox.stores import PATIENCE, Store, changed
from tests.workers.proxies import tls_proxy
from tests.workers.worker import LINES, quick_insider, slow_insider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from connector.sandbox.stack import Stack
    from tests.workers.worker import Worker

    #: Starts the trouble, and returns a function that ends it.
    Trouble = Callable[[redis.Redis], Callable[[], object]]

pytestmark = pytest.mark.slow


@pytest.fixture
def store(stack: Stack) -> Store:
    return Store(stack)


@pytest.fixture
def client(stack: Stack) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(stack.environment["REDIS_URL"], socket_timeout=60) as connected:
        yield connected


def fill(client: redis.Redis) -> Callable[[], object]:
    client.config_set("maxmemory", "1mb")
    return lambda: client.config_set("maxmemory", "0")


def make_a_replica(client: redis.Redis) -> Callable[[], object]:
    client.replicaof("127.0.0.1", 9)
    return lambda: client.replicaof("no", "one")


def keep_from_saving(client: redis.Redis) -> Callable[[], object]:
    directory = client.config_get("dir")["dir"] or ""
    client.config_set("dir", "/proc")
    client.config_set("save", "1 1")
    patience = time.monotonic() + PATIENCE
    while client.info("persistence")["rdb_last_bgsave_status"] != "err":
        assert time.monotonic() < patience
        client.incr("saved")
        time.sleep(0.2)

    def relieve() -> None:
        client.config_set("save", "")
        client.config_set("dir", directory)
        client.delete("saved")

    return relieve


def load(client: redis.Redis) -> Callable[[], object]:
    """Let Redis read its data from the disk for some seconds."""
    # While Redis loads, it answers only once for every two megabytes.
    client.config_set("rdbcompression", "no")
    client.config_set("key-load-delay", "50000")
    names = [f"ballast{number}" for number in range(160)]
    client.mset(dict.fromkeys(names, "x" * 100_000))
    client.client_kill_filter(_type="normal", skipme=True)
    ask: Any = client.execute_command
    loading = threading.Thread(target=ask, args=("DEBUG", "RELOAD"))
    loading.start()

    def relieve() -> None:
        loading.join()
        client.config_set("key-load-delay", "0")
        client.delete(*names)

    return relieve


@pytest.mark.parametrize(
    ("trouble", "busy"), [(fill, False), (make_a_replica, False), (keep_from_saving, True), (load, False)]
)
def test_a_redis_that_refuses_costs_seconds_and_no_worker(
    worker: Worker, store: Store, client: redis.Redis, trouble: Trouble, *, busy: bool
) -> None:
    worker.run(BATCH_SIZE="5")
    before = worker.process.pid
    emails = [f"c{number}@example.com" for number in range(20)]
    if busy:
        slow_insider(worker.stack, 1)
    assert set(store.post_all(changed(email, 1) for email in emails)) == {200}
    if not busy:
        store.wait_for(emails)

    relieve = trouble(client)
    later = [f"later{number}@example.com" for number in range(20)]
    assert set(store.post_all(changed(email, 1) for email in later)) == {200}
    time.sleep(7)
    lines = worker.log().count("\n")
    relieve()
    quick_insider(worker.stack)

    store.wait_for([*emails, *later])
    assert worker.process.pid == before
    assert "Unrecoverable" not in worker.log()
    # The worker tries to reach Redis every two seconds.
    assert lines < 150


@pytest.mark.parametrize("trouble", [fill, make_a_replica])
def test_a_worker_that_starts_before_its_redis_waits_for_it(
    worker: Worker, store: Store, client: redis.Redis, trouble: Trouble
) -> None:
    relieve = trouble(client)
    worker.restart(ready="Trying again in 2.00 seconds... (2/")
    assert store.post(changed("ann@example.com", 1)) == 200
    relieve()

    worker.wait_for("ready.")
    store.wait_for(["ann@example.com"])


def test_a_redis_that_is_killed_again_and_again_costs_no_worker(worker: Worker, store: Store) -> None:
    assert worker.stack.redis
    worker.run(WORKER_CONCURRENCY="4")
    before = worker.process.pid
    slow_insider(worker.stack, 1)
    emails = [f"c{number}@example.com" for number in range(40)]
    for number in range(4):
        for email in emails[number * 10 : (number + 1) * 10]:
            assert store.post(changed(email, 1)) == 200
            time.sleep(0.2)
        worker.stack.redis.kill()
        time.sleep(2)
        worker.stack.redis.start()
        time.sleep(3)
    quick_insider(worker.stack)

    store.wait_for(emails)
    assert worker.process.pid == before
    assert "Unrecoverable" not in worker.log()


def test_a_redis_that_hangs_holds_nothing_up_for_longer(worker: Worker, store: Store) -> None:
    assert worker.stack.redis
    worker.run()
    before = worker.process.pid
    slow_insider(worker.stack, 1)
    emails = [f"c{number}@example.com" for number in range(20)]
    store.post_all(changed(email, 1) for email in emails)
    worker.stack.redis.pause()
    store.post_all(changed(f"later.{email}", 1) for email in emails)
    time.sleep(15)
    worker.stack.redis.resume()
    quick_insider(worker.stack)

    store.wait_for([*emails, *(f"later.{email}" for email in emails)])
    assert worker.process.pid == before
    assert "Unrecoverable" not in worker.log()


def test_webhooks_do_not_wait_for_the_slow_insider_of_another_store(worker: Worker, store: Store) -> None:
    worker.run()
    slow, stack = Store(worker.stack), worker.stack
    # Without beat, no sweep sends wake-ups. The worker that is awake waits for the slow Insider.
    stack.group.kill("beat")
    slow_insider(stack, 5.5, partner=slow.partner)
    assert slow.post(changed("ann@example.com", 1)) == 200
    time.sleep(1)
    mark = len(worker.log())

    assert store.post(changed("bob@example.com", 1)) == 200

    store.wait_for(["bob@example.com"])
    assert f"store={slow.partner}" not in worker.log()[mark:]
    quick_insider(stack)
    slow.wait_for(["ann@example.com"])
    stack.group.start("beat", LINES["beat"], stack.environment)


def test_a_redis_that_has_lost_everything_gets_new_wake_ups(worker: Worker, store: Store, client: redis.Redis) -> None:
    worker.run()
    assert store.post(changed("ann@example.com", 1)) == 200
    store.wait_for(["ann@example.com"])
    before = worker.process.pid

    client.flushall()

    assert store.post(changed("bob@example.com", 1)) == 200
    store.wait_for(["bob@example.com"])
    assert worker.process.pid == before


def test_a_self_signed_certificate_is_accepted_if_the_check_is_off(
    worker: Worker, store: Store, tmp_path: Path
) -> None:
    url = worker.stack.environment["REDIS_URL"]
    port = url.rpartition(":")[2].partition("/")[0]
    with tls_proxy(int(port), tmp_path) as between:
        tls = url.replace("redis://", "rediss://").replace(port, str(between.port))
        worker.restart(REDIS_URL=tls, REDIS_TLS_VERIFY="false")
        assert store.post(changed("ann@example.com", 1)) == 200
        store.wait_for(["ann@example.com"])
        assert f"Connected to rediss://:**@127.0.0.1:{between.port}" in worker.log()

        worker.restart(REDIS_URL=tls, ready="certificate verify failed")
        assert "Connected to" not in worker.log()
