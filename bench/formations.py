"""The running programs that the benchmark compares: the connector by its Procfile, and the baselines.

Each formation takes webhooks at `url` and sends users to the dummy customer data platform (`bench.cdp`). It tells the
CPU seconds of its processes by kind.
"""

from __future__ import annotations

import abc
import os
import sys
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import psycopg
from psycopg.rows import namedtuple_row

from bench import history
from bench.baselines import BATCHES, SINGLE
from connector.http import urls
from connector.journal import stores
from connector.journal.vault import Vault
from connector.sandbox.processes import Group, Running, free_port
from connector.sandbox.servers import EmbeddedRedis
from connector.sandbox.stack import ROOT, SANDBOX, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

WEB_WORKERS = "2"
#: celery-batches needs an older Celery than the connector, so the baselines have packages of their own (Makefile).
_CELERY = ROOT / ".local/bench/celery-batches"
_TERMINATE_SECONDS = 40
_POSTGRES = "PostgreSQL"
STORES = 20
#: How many events each customer of a history has.
_EVENTS_EACH = 5


class Formation(Running):
    """A running program with all of its servers."""

    name: str
    #: Where the formation takes webhooks of its first store, and of many stores.
    url: str
    urls: Sequence[str]
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

    def __init__(self, state: Path, cdp_url: str, *, history: int = 0) -> None:
        """`history` is the number of events that the journal has at the start, of a fifth as many customers."""
        super().__init__(state, cdp_url)
        self._history = history
        if history:
            self.name = f"connector with {history:,} events"

    def _start(self) -> None:
        # The servers are always embedded, whatever our environment says. Without the key, Stack removes the data of the
        # last run.
        (self.state / "secret-key").unlink(missing_ok=True)
        environment = {"DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": ""}
        environment |= {"WEB_CONCURRENCY": WEB_WORKERS, "PORT": str(free_port())}
        self.stack = Stack(self.state, environment=environment)
        self._exits.callback(self._remove)
        self._exits.enter_context(self.stack)
        self.group = self.stack.group
        vault = Vault([self.stack.environment["SECRET_KEY"]])
        public_url = self.stack.environment["PUBLIC_URL"]
        with psycopg.connect(self.database_url, autocommit=True, row_factory=namedtuple_row) as connection:
            added = [
                stores.add(
                    connection,
                    vault,
                    name=(name := f"{SANDBOX}-bench-{number}"),
                    insider_partner=name,
                    insider_token="t",  # noqa: S106 - the dummy accepts every token
                    insider_url=self._cdp_url,
                )
                for number in range(STORES)
            ]
            if self._history:
                history.fill(
                    connection, store_id=added[0].id, events=self._history, customers=self._history // _EVENTS_EACH
                )
        self.store = added[0].name
        self.urls = [urls.webhook(public_url, store.webhook_token) for store in added]
        self.url = self.urls[0]

    @property
    def database_url(self) -> str:
        return self.stack.environment["DATABASE_URL"]

    def _remove(self) -> None:
        """Delete the journal, which may have a gigabyte."""
        if self.stack.postgres:
            self.stack.postgres.remove()

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
        self.urls = [self.url]
        self.start_workers()

    def start_workers(self) -> None:
        celery = "-m celery --app bench.baselines.app worker --queues baseline --concurrency 2"
        quiet = "--without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
        self.group.start("worker", [sys.executable, *celery.split(), *quiet.split()], self._environment)

    def _roots(self) -> Iterator[tuple[str, int]]:
        for name in self.group.alive():
            yield name, self.group.pid(name)
        yield "Redis", self._redis.pid
