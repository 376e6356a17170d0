"""The fault suite's backfills: a short run, and its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.latency import Latency
from faults.running import Runner
from faults.scenarios import SCENARIOS
from faults.scenarios.backfills import moments
from faults.scenarios.beside import Phase, slowdowns
from tests.commands import QuickStack
from tests.conftest import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

CUSTOMERS = 600


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    sizes = {"events": 900, "customers": 50, "store_size": CUSTOMERS}
    with Runner(STATE / "backfills", **sizes, seed=1, durable=False, formation=QuickStack) as running:
        yield running


def test_moments_are_spread_over_the_whole_and_the_same_for_the_same_seed() -> None:
    chosen = moments(100_000, 1)

    assert [seen // 5_000 for seen in chosen] == list(range(20))
    assert chosen == moments(100_000, 1) != moments(100_000, 2)
    assert len(moments(CUSTOMERS, 1)) == 1


def test_a_latency_shows_how_long_most_webhooks_take() -> None:
    latency = Latency.of([number / 1000 for number in range(1, 101)])

    assert str(latency) == "p50 50 ms, p95 96 ms, p99 100 ms (100 events)"
    assert Latency.of([0.1]) is None


def test_a_phase_with_a_backfill_is_compared_with_the_phases_around_it() -> None:
    phases = [
        Phase(started=at, ended=at + 20, filling=filling, looking_up=False)
        for at, filling in [(0, False), (20, True), (40, False), (60, True)]
    ]
    durations = [[0.1, 0.1], [0.3, 0.3], [0.2, 0.2], [0.9, 0.9]]

    assert slowdowns(phases, durations) == [pytest.approx(2)]
    assert slowdowns(phases, [[], *durations[1:]]) == []
    assert [phases[0].holds(at) for at in (2, 4, 18, 19.5)] == [False, True, True, False]


@pytest.mark.slow
def test_a_backfill_with_many_faults_brings_each_customer_once(runner: Runner) -> None:
    outcome = runner.run(SCENARIOS["backfill-killed"])

    assert outcome.problems == []
    assert outcome.found.at_insider == 450
    notes = "\n".join(outcome.notes)
    assert f"done: seen {CUSTOMERS}, " in notes
    assert f"Insider compared with Yotpo: {CUSTOMERS} customers, " in notes
    assert "highest memory of a single process: " in notes


@pytest.mark.slow
def test_webhooks_are_measured_with_and_without_a_backfill_beside_them(runner: Runner) -> None:
    outcome = runner.run(SCENARIOS["backfill-beside-live"])

    assert outcome.problems == []
    assert outcome.found.at_insider == 720
    notes = "\n".join(outcome.notes)
    assert "without a backfill: p50 " in notes
    assert "beside a backfill: p50 " in notes
