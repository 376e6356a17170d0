"""Runs scenarios: starts the connector and the load, runs the fault, waits until everything is delivered, and checks.

Consecutive scenarios share a connector if they need the same environment and the previous one had no problem. Each
scenario has its own store, and so its own profiles at Insider.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import psycopg
import redis

from connector.errors import OperatorError
from connector.sandbox.processes import free_port
from connector.sandbox.stack import SANDBOX, Stack
from faults import plan as planning
from faults import stores
from faults.checking import Findings, check, seconds_to_recover
from faults.disk import small_disk
from faults.load import Load
from faults.registry import NotPossible
from faults.run import Run, tell
from faults.supervisor import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from faults.registry import Scenario

#: Events in a second. At a higher rate the workers of a small machine would fall behind even without a fault.
_RATE = 500.0
#: This share of the load is accepted before the fault begins.
_BEFORE = 0.2
#: This share of the load is sent during the fault.
_DURING = 0.6
_READY_SECONDS = 60.0
#: If the connector does not recover by itself, its usual processes are restored. They get this long to deliver the
#: rest, so that the report can say whether events were late or lost.
_HEALED_SECONDS = 60.0
_POLL_SECONDS = 0.2


@dataclass(kw_only=True)
class Outcome:
    """The result of one scenario."""

    scenario: Scenario
    found: Findings = field(default_factory=Findings)
    #: Seconds from the end of the fault. None if the connector did not recover.
    seconds_to_recover: float | None = None
    #: Processes that ended by themselves.
    exits: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: Why the scenario failed.
    problems: list[str] = field(default_factory=list)
    #: Why this machine cannot produce the fault.
    impossible: str = ""


class Runner:
    """Runs one scenario after another."""

    def __init__(
        self,
        state: Path,
        *,
        events: int,
        customers: int,
        seed: int,
        store_size: int = 100_000,
        durable: bool = True,
        formation: type[Stack] = Stack,
    ) -> None:
        """The load sends `events` of `customers`; a backfill's store has `store_size` customers."""
        self._formation = formation
        self._state = state
        self._events = events
        self._customers = customers
        self._seed = seed
        self._store_size = store_size
        self._durable = durable
        self._exits = ExitStack()
        self._running: tuple[dict[str, str], Stack] | None = None
        self._warmed = 0
        #: The names and versions of the servers that the connector runs on.
        self.servers = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def run(self, scenario: Scenario) -> Outcome:
        """Run a scenario. Exceptions become problems of the outcome, so that other scenarios can still run."""
        outcome = Outcome(scenario=scenario)
        try:
            stack = self._stack(scenario)
            self._run(scenario, stack, outcome)
        except NotPossible as reason:
            outcome.impossible = str(reason)
        except Exception as error:  # noqa: BLE001 - the other scenarios do not need this one
            outcome.problems.append(f"the scenario broke off: {type(error).__name__}: {error}")
        if outcome.problems or scenario.disk:
            self._keep_logs(scenario)
            self._close()
        return outcome

    def _run(self, scenario: Scenario, stack: Stack, outcome: Outcome) -> None:
        url = self._ready(stack, scenario)
        events = round(self._events * scenario.share)
        names = [f"c{number}@example.com" for number in range(self._customers)]
        plan = planning.make(events, names, self._seed, scenario.arrange)
        rate = min(_RATE, scenario.rate or _RATE, _DURING * events / scenario.lasting)
        load = Load(url, plan, rate=rate, copies=scenario.copies)
        with Supervisor(stack) as supervisor:
            run = Run(
                stack=stack,
                supervisor=supervisor,
                store=_store(scenario),
                url=url,
                plan=plan,
                load=load,
                seed=self._seed,
                store_size=self._store_size,
            )
            load.start()
            try:
                if not load.wait_for(_BEFORE, _READY_SECONDS + events / rate):
                    raise OperatorError("a fifth of the load was not accepted in time")
                scenario.body(run)
                run.ended_at = run.ended_at or time.time()
                load.finish(events / rate + scenario.patience)
                recovered = run.wait_until_quiet(scenario.patience)
                if not recovered:
                    run.problems.append(f"it did not recover within {scenario.patience:g} s: {run.status()}")
            finally:
                load.stop()
                supervisor.heal()
            supervisor.wait_for_all()
            if not recovered and run.wait_until_quiet(_HEALED_SECONDS):
                run.notes.append("the rest was delivered after the usual processes had been restored")
        outcome.exits, outcome.notes, outcome.problems = supervisor.exits, run.notes, run.problems
        self._judge(run, scenario, outcome, recovered=recovered)

    def _judge(self, run: Run, scenario: Scenario, outcome: Outcome, *, recovered: bool) -> None:
        findings = outcome.found = check(run.plan, run.users(), run.dead(), scenario.rules)
        outcome.seconds_to_recover = seconds_to_recover(findings, run.ended_at or time.time()) if recovered else None
        outcome.notes += [note for measure in run.measures for note in measure(findings)]
        if findings.accepted < findings.planned:
            outcome.problems.append(f"{findings.planned - findings.accepted} events were not accepted in the end")
        for kind in ("lost", "doubled", "out_of_order", "wrong"):
            if number := getattr(findings, kind):
                outcome.problems.append(f"{kind.replace('_', ' ')}: {number}")
        outcome.problems += findings.examples
        # These times are no longer needed. They take megabytes in each of dozens of scenarios.
        findings.arrived.clear()

    def _ready(self, stack: Stack, scenario: Scenario) -> str:
        """Wait until a first webhook has reached Insider, reset the simulator, and return the URL of a new store."""
        self._warmed += 1
        customer = f"warm-up-{self._warmed}@example.com"
        deadline = time.monotonic() + _READY_SECONDS
        warm_up = {"warm-up": planning.make(1, [customer], 0)[customer]}
        load = Load(self._warm_up_url, warm_up, rate=_RATE)
        load.start()
        load.finish(_READY_SECONDS)
        while not stack.insider("users", email=customer):
            if time.monotonic() > deadline:
                raise OperatorError("the first webhook did not arrive at Insider")
            time.sleep(_POLL_SECONDS / 4)
        tell(stack, "reset", {})
        tell(stack, "settings", {"requests_per_minute": 10**7, "log_size": 100, "log_bytes": 10**6})
        return stores.add(stack, _store(scenario))

    def _stack(self, scenario: Scenario) -> Stack:
        if self._running and (scenario.disk or self._running[0] != scenario.environment):
            self._close()
        if self._running is None:
            state = self._state / "disk" if scenario.disk else self._state
            if scenario.disk:
                self._exits.enter_context(small_disk(state, scenario.disk))
            # The servers are always embedded, whatever our environment says, because scenarios kill them.
            environment = {"DATABASE_URL": "", "REDIS_URL": "", "SECRET_KEY": "", "PORT": str(free_port())}
            (state / "secret-key").unlink(missing_ok=True)  # Without the key, Stack removes the data of the last run.
            stack = self._exits.enter_context(
                self._formation(state, durable=self._durable, environment=environment | scenario.environment)
            )
            self._warm_up_url = stores.add(stack, f"{SANDBOX}-warm-up")
            self._running = scenario.environment, stack
            self.servers = _servers(stack)
        return self._running[1]

    def _close(self) -> None:
        """Stop the connector, and remove the data of its PostgreSQL."""
        stack = self._running[1] if self._running else None
        self._running = None
        self._exits.close()
        if stack and stack.postgres:
            stack.postgres.remove()

    def _keep_logs(self, scenario: Scenario) -> None:
        """Copy the logs of a scenario, because the next start overwrites them."""
        directory = self._state / "logs" / scenario.name
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        state = self._state / "disk" if scenario.disk else self._state
        for log in state.glob("*.log"):
            shutil.copy(log, directory)


def _servers(stack: Stack) -> str:
    """Return the names and versions of the servers that the connector runs on."""
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        postgres = str(connection.info.parameter_status("server_version"))
    with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        return f"PostgreSQL {postgres}, Redis {client.info('server')['redis_version']}"


def _store(scenario: Scenario) -> str:
    return f"{SANDBOX}-{scenario.name}"
