"""The running programs that the benchmark compares: the connector by its Procfile, and the baselines.

Each formation takes webhooks at `url` and sends users to the dummy customer data platform (`bench.cdp`). It tells the
CPU seconds of its processes by kind.
"""

from __future__ import annotations

import abc
import os
import sys
import time
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from bench.baselines import BATCHES, SINGLE
from connector.sandbox.processes import Group, Running, free_port
from connector.sandbox.servers import EmbeddedRedis
from connector.sandbox.stack import ROOT, SANDBOX, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WEB_WORKERS = "2"
#: celery-batches needs an older Celery than the connector, so the baselines have packages of their own (Makefile).
_CELERY = ROOT / ".local/bench/celery-batches"
_TERMINATE_SECONDS = 40
_POSTGRES = "PostgreSQL"


class Formation(Running):
    """A running program with all of its servers."""

    name: str
    #: Where the formation takes webhooks.
    url: str
    #: The processes that deliver.
    workers: tuple[str, ...]
    group: Group

    def __init__(self, state: Path, cdp_url: str) -> None:
        super().__init__()
        self.state = state
        self._cdp_url = cdp_url

    @abc.abstractmethod
    def start_workers(self) -> None: ...

    def stop_workers(self) -> None:
        self.group.terminate(_TERMINATE_SECONDS, *self.workers)

    @abc.abstractmethod
    def _roots(self) -> Iterator[tuple[str, int]]:
        """Yield the kind and the id of each process that the formation has started."""

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds so far, by kind of process."""
        seconds: defaultdict[str, float] = defaultdict(float)
        for kind, process in self._processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                # The children that have ended count with their parent.
                seconds[kind] += times.user + times.system + times.children_user + times.children_system
        return dict(seconds)

    def memory(self) -> float:
        """Return the PSS of all processes in MiB, without PostgreSQL."""
        size = 0
        for kind, process in self._processes():
            if kind != _POSTGRES:
                with suppress(psutil.NoSuchProcess):
                    size += process.memory_full_info().pss
        return size / 2**20

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        for kind, pid in self._roots():
            with suppress(psutil.NoSuchProcess):
                root = psutil.Process(pid)
                yield kind, root
                for child in root.children(recursive=True):
                    yield kind, child


class Connector(Formation):
    """The connector by its Procfile, with its own PostgreSQL and Redis."""

    name = "connector"
    workers = ("worker", "bulk", "yotpo", "beat")

    def _start(self) -> None:
        environment = {"WEB_CONCURRENCY": WEB_WORKERS, "PORT": str(free_port())}
        self.stack = self._exits.enter_context(Stack(self.state, environment=environment))
        self.group = self.stack.group
        name = f"{SANDBOX}-bench-{int(time.time())}"
        store = ("stores", "add", name, "--insider-partner", name, "--insider-token", "t")
        self.url = self.stack.command(*store, "--insider-url", self._cdp_url)["webhook_url"]

    def start_workers(self) -> None:
        self.stack.start(self.workers)

    def _roots(self) -> Iterator[tuple[str, int]]:
        yield "web", self.group.pid("web")
        for name in self.workers:
            if name in self.group.alive():
                yield "beat" if name == "beat" else "worker", self.group.pid(name)
        if self.stack.postgres:
            yield _POSTGRES, self.stack.postgres.pid
        if self.stack.redis:
            yield "Redis", self.stack.redis.pid


class Baseline(Formation):
    """Flask and Celery with Redis (`bench.baselines`)."""

    workers = ("worker",)

    def __init__(self, state: Path, cdp_url: str, *, kind: str) -> None:
        super().__init__(state, cdp_url)
        self._kind = kind
        self.name = {SINGLE: "Flask + Celery", BATCHES: "Flask + celery-batches"}[kind]

    def _start(self) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        self._redis = EmbeddedRedis(self.state)
        port = free_port()
        self._environment = {
            **os.environ,
            "REDIS_URL": self._exits.enter_context(self._redis),
            "CDP_URL": self._cdp_url,
            "BASELINE": self._kind,
            "PYTHONPATH": os.pathsep.join((str(_CELERY), str(ROOT))),
        }
        self.group = self._exits.enter_context(Group(self.state))
        gunicorn = f"-m gunicorn --worker-class gthread --workers {WEB_WORKERS} --threads 16 --no-control-socket"
        application = "bench.baselines.app:create_app()"
        command = [sys.executable, *gunicorn.split(), "--bind", f"127.0.0.1:{port}", application]
        self.group.start("web", command, self._environment)
        self.group.wait_for_http("web", f"http://127.0.0.1:{port}/health")
        self.url = f"http://127.0.0.1:{port}/webhooks/token"
        self.start_workers()

    def start_workers(self) -> None:
        celery = "-m celery --app bench.baselines.app worker --queues baseline --concurrency 2"
        quiet = "--without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
        self.group.start("worker", [sys.executable, *celery.split(), *quiet.split()], self._environment)

    def _roots(self) -> Iterator[tuple[str, int]]:
        for name in self.group.alive():
            yield name, self.group.pid(name)
        yield "Redis", self._redis.pid
