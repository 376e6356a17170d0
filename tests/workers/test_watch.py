"""Workers started by the line of the Procfile: how they end, when they end themselves, and what they log at start."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from connector.sandbox.stack import ROOT, Stack
from tests.sandbox.stores import Store, changed
from tests.workers.proxies import proxy
from tests.workers.worker import LINES, quick_insider, slow_insider

if TYPE_CHECKING:
    from tests.workers.worker import Worker

pytestmark = pytest.mark.slow


@pytest.fixture
def store(stack: Stack) -> Store:
    return Store(stack)


def wait_until_busy(stack: Stack, store: Store, seconds: float = 60) -> None:
    """Wait until Insider is handling a request."""
    patience = time.monotonic() + seconds
    while stack.command("events", "list", "--store", store.partner, "--state", "mapped") == []:
        assert time.monotonic() < patience
        time.sleep(0.1)


def wait_until_idle(processes: list[psutil.Process]) -> None:
    """Wait until the processes have used no CPU time for a second."""
    used = None
    while used != (used := [process.cpu_times() for process in processes]):
        time.sleep(1)


def is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_sigterm_to_every_process_lets_running_tasks_finish_and_record(worker: Worker, store: Store) -> None:
    emails = [f"c{number}@example.com" for number in range(40)]
    worker.run(BATCH_SIZE="4")
    slow_insider(worker.stack, 2)
    store.post_all(changed(email, 1) for email in emails)
    wait_until_busy(worker.stack, store)

    os.killpg(worker.process.pid, signal.SIGTERM)
    assert worker.wait_for_end() == 0

    # The soft shutdown ends early, because the running tasks have ended.
    assert "worker.cut_off" not in worker.log()
    arrived = store.users()
    mine = store.state()
    assert 0 < len(arrived) == len(emails) - mine["received"] - mine["waiting"] < len(emails)
    quick_insider(worker.stack)
    worker.run()
    users = store.wait_for(emails)
    assert {event["transmissions"] for user in users.values() for event in user["events"]} == {1}


def test_a_worker_that_does_not_end_is_cut_off_before_the_host_does_it(worker: Worker) -> None:
    worker.run()
    children = worker.process.children()
    for child in children:
        child.suspend()

    asked = time.monotonic()
    os.killpg(worker.process.pid, signal.SIGTERM)

    assert worker.wait_for_end() == 1
    # The task had the whole soft shutdown of 20 seconds. The host would kill the process after 30.
    assert 15 < time.monotonic() - asked < 28
    assert "worker.cut_off" in worker.log()
    psutil.wait_procs(children, timeout=30)
    assert not any(map(is_running, children))


def test_children_go_with_a_killed_worker(worker: Worker) -> None:
    worker.run()
    children = worker.process.children()
    assert len(children) == 2

    worker.process.kill()

    psutil.wait_procs(children, timeout=30)
    assert not any(map(is_running, children))


def test_a_worker_with_silent_connections_ends_itself(worker: Worker, store: Store) -> None:
    assert worker.stack.redis
    redis_url = worker.stack.environment["REDIS_URL"]
    port = redis_url.rpartition(":")[2].partition("/")[0]
    with proxy(int(port)) as between:
        worker.restart(WORKER_STALL_SECONDS="5", REDIS_URL=redis_url.replace(port, str(between.port)))
        assert store.post(changed("ann@example.com", 1)) == 200
        store.wait_for(["ann@example.com"])

        between.swallow()

        worker.wait_for("worker.stalled")
        assert worker.wait_for_end() == 1


def test_a_worker_with_hanging_children_ends_itself(worker: Worker) -> None:
    worker.run(WORKER_STALL_SECONDS="5")
    children = worker.process.children()
    # A child that hangs in a task is not a stall: the task's time limit ends it. So suspend the children between tasks.
    worker.process.suspend()
    wait_until_idle(children)
    for child in children:
        child.suspend()
    worker.process.resume()

    worker.wait_for("worker.stalled")
    for child in children:
        child.resume()
    assert worker.wait_for_end() == 1


def test_neither_an_unreachable_redis_nor_long_work_is_a_stall(worker: Worker, store: Store) -> None:
    assert worker.stack.redis
    worker.run(WORKER_STALL_SECONDS="5", BATCH_SIZE="1")
    before = worker.process.pid
    slow_insider(worker.stack, 10)
    emails = [f"c{number}@example.com" for number in range(6)]
    store.post_all(changed(email, 1) for email in emails)
    time.sleep(8)
    for stop, start in ((worker.stack.redis.pause, worker.stack.redis.resume), (worker.stack.redis.stop, None)):
        stop()
        time.sleep(8)
        (start or worker.stack.redis.start)()
    quick_insider(worker.stack)

    store.wait_for(emails)
    assert worker.process.pid == before
    assert "worker.stalled" not in worker.log()


def test_the_limits_are_logged_at_start(worker: Worker) -> None:
    def line(name: str) -> str:
        log = worker.stack.group.log(name).read_text(encoding="utf-8")
        return next(line for line in log.splitlines() if f"event={name}.configured" in line)

    worker.restart(WORKER_CONCURRENCY="3", INSIDER_READ_SECONDS="7")
    told = next(line for line in worker.log().splitlines() if "event=worker.configured" in line)
    for part in (
        "visibility_timeout=300",
        "socket_timeout=5",
        "health_check_interval=25",
        "queues=connector ",
        "concurrency=3",
        "prefetch_multiplier=1",
        "task_time_limit=120",
        "soft_shutdown_timeout=20.0",
        "stall_seconds=60.0",
        "max_memory_per_child_kb=180000",
        "insider_read_seconds=7.0",
        "batch_size=1000",
        "celery=",
        "kombu=",
        "redis=",
    ):
        assert part in told
    assert "intake_timeout_seconds=1.5" in line("web")
    assert "sweep_seconds=5.0" in line("beat")


@pytest.mark.parametrize(
    ("option", "settings", "sentence"),
    [
        ("-- task.time_limit=300", {}, "task_time_limit (300 s) has to be less than visibility_timeout (300 s): lower"),
        ("-- task.time_limit=60", {}, "has to be less than task_time_limit (60 s): raise task_time_limit"),
        (
            "",
            {"INSIDER_CONNECT_SECONDS": "10", "INSIDER_READ_SECONDS": "20"},
            "INSIDER_CONNECT_SECONDS + 2 x INSIDER_READ_SECONDS (50 s) has to be less than the time of a step (50 s):",
        ),
        ("", {"MAPPINGS_DIR": "tests/mapping/broken_mappings/bad_path"}, "a.b.yaml:7:20: path-syntax:"),
    ],
)
def test_a_worker_does_not_start_if_its_limits_do_not_fit(
    stack: Stack, option: str, settings: dict[str, str], sentence: str
) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{LINES['worker']} {option}"],
        env={**stack.environment, **settings},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 1
    assert sentence in done.stderr


def test_two_beats_bring_nothing_twice(stack: Stack, store: Store) -> None:
    emails = [f"c{number}@example.com" for number in range(50)]
    stack.group.start("second-beat", LINES["beat"], stack.environment)
    store.post_all(changed(email, 1) for email in emails)
    store.wait_for(emails)
    time.sleep(11)
    stack.group.terminate(10, "second-beat")

    assert {event["transmissions"] for user in store.users().values() for event in user["events"]} == {1}
