"""Real servers for the tests: PostgreSQL and Redis, the simulator of Insider, and the whole connector.

There are no mocks: tests see what the servers answer.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import requests
import structlog

from connector.journal import stores
from connector.journal.database import Database
from connector.journal.vault import Vault
from connector.sandbox.processes import Group, free_port
from connector.sandbox.servers import EmbeddedRedis
from tests import ROOT, SECRET_KEY
from tests.commands import QuickStack
from tests.delivery.pipelines import Connector
from tests.mapping.shipped import SET
from tests.postgres import Cluster, SharedCluster, shared
from tests.sandbox.yotpo.simulators import simulator
from tests.scheduling import Groups, sort
from tests.sync.shops import SHOP, Shop
from tests.workers.worker import Worker, quick_insider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping import MappingSet
    from connector.model import Store
    from connector.sandbox.stack import Stack
    from tests.sandbox.yotpo.simulators import Yotpo

#: TEST_STATE lets two runs work at the same time. Each process of a run has its own directory in it.
BASE = Path(os.environ.get("TEST_STATE") or ROOT / ".local" / "test")
_PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")
STATE = BASE / _PROCESS
_CLUSTER = pytest.StashKey[SharedCluster]()

# The machines that run the tests are shared and slow at times, so no test has a deadline. The usual profile tries the
# same examples in each run. HYPOTHESIS_PROFILE=thorough tries many new ones.
hypothesis.settings.register_profile("usual", deadline=None, derandomize=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

# Tracebacks as Python prints them: structlog's own, with the values of all variables, take half a minute.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Hide the environment variables of the shell that runs the tests."""
    hidden = {name: os.environ.pop(name) for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY") if name in os.environ}
    yield
    os.environ.update(hidden)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Start PostgreSQL for the processes over which the tests are spread."""
    config.stash[_CLUSTER] = SharedCluster(BASE)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups | None:
    return Groups(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if _PROCESS:
        sort(items)


def pytest_unconfigure(config: pytest.Config) -> None:
    if cluster := config.stash.get(_CLUSTER, None):
        cluster.stop()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if _PROCESS:
        yield shared(BASE)
    else:
        with Cluster(BASE) as started:
            yield started


@pytest.fixture
def database_url(cluster: Cluster) -> Iterator[str]:
    """The URL of an empty journal."""
    with cluster.database() as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, connections=4, wait_seconds=5)
    yield opened
    opened.close()


@pytest.fixture
def vault() -> Vault:
    return Vault([SECRET_KEY])


@pytest.fixture(scope="session")
def mappings() -> MappingSet:
    return SET


class Insider:
    """The simulator of Insider: its address and its state."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: object) -> list[dict]:  # type: ignore[type-arg]
        wanted = {name: str(value) for name, value in parameters.items()}
        answer = requests.get(f"{self.url}/_sandbox/{path}", params=wanted, timeout=30)
        answer.raise_for_status()
        return answer.json()  # type: ignore[no-any-return]

    def post(self, path: str, **content: object) -> None:
        requests.post(f"{self.url}/_sandbox/{path}", json=content, timeout=30).raise_for_status()

    def user(self, email: str, partner: str = "acme") -> dict:  # type: ignore[type-arg]
        (user,) = self.get("users", email=email, partner=partner)
        return user


@pytest.fixture(scope="session")
def insider_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    with Group(tmp_path_factory.mktemp("insider")) as group:
        command = [sys.executable, "-m", "connector.sandbox.insider", "--port", str(port)]
        group.start("insider", command, dict(os.environ))
        group.wait_for_http("insider", f"http://127.0.0.1:{port}/_sandbox/health")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def insider(insider_process: str) -> Insider:
    simulator = Insider(insider_process)
    simulator.post("reset")
    return simulator


@pytest.fixture
def store(database: Database, vault: Vault, insider_process: str) -> Store:
    with database.connection() as connection:
        return stores.add(
            connection, vault, name="acme", insider_partner="acme", insider_token="token", insider_url=insider_process
        )


@pytest.fixture
def connector(database: Database, vault: Vault, mappings: MappingSet, store: Store, insider: Insider) -> Connector:
    assert store.insider_url == insider.url
    return Connector(database, vault, mappings, store)


#: A port of its own: several runs at the same time would share the usual one.
_OWN = {"REFRESH_QUIET_SECONDS": "1", "PORT": str(free_port())}


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole connector, started by the lines of the Procfile."""
    state = STATE / "stack"
    shutil.rmtree(state, ignore_errors=True)
    with QuickStack(state, durable=False, environment=_OWN) as running:
        yield running
        if running.postgres:
            running.postgres.remove()


@pytest.fixture(scope="session")
def stacks_worker(stack: Stack) -> Worker:
    return Worker(stack)


@pytest.fixture
def worker(stacks_worker: Worker) -> Iterator[Worker]:
    """The stack's worker, which tests may restart and end. It runs as the last test left it."""
    stacks_worker.begin()
    yield stacks_worker
    quick_insider(stacks_worker.stack)


@pytest.fixture(autouse=True)
def usual_worker(request: pytest.FixtureRequest) -> None:
    """Let the stack's worker run with its usual settings for the tests that do not restart it."""
    if "stack" in request.fixturenames and "worker" not in request.fixturenames:
        request.getfixturevalue("stacks_worker").run()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    STATE.mkdir(parents=True, exist_ok=True)
    server = EmbeddedRedis(STATE)
    with server:
        yield server


@pytest.fixture(scope="session")
def yotpo_process() -> Iterator[Yotpo]:
    with simulator() as running:
        yield running


@pytest.fixture
def yotpo(yotpo_process: Yotpo) -> Yotpo:
    """The simulator of Yotpo, with a store `shop` of 1,000 customers and no limit to its rate."""
    return yotpo_process.cleared()


@pytest.fixture
def shop(connector: Connector, yotpo: Yotpo, vault: Vault) -> Shop:
    yotpo.switch(visibility_seconds=0)
    yotpo.tell("stores", {"app_key": "shop", "size": SHOP})
    return Shop(connector, yotpo, vault)
