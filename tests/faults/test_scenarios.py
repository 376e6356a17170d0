"""A short run of some of the fault suite's scenarios: each fault costs only time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.running import Runner
from faults.scenarios import SCENARIOS
from tests.commands import QuickStack
from tests.conftest import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

#: One for each part, and the faults that are the hardest to survive.
SHORT = (
    "worker-killed-in-a-batch",
    "all-killed",
    "worker-told-to-end",
    "redis-wiped",
    "postgres-killed",
    "insider-refuses-users",
    "webhooks-three-times",
    "web-told-to-end",
    "migration-killed",
    "period-dropped",
)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner(STATE / "faults", events=600, customers=50, seed=1, durable=False, formation=QuickStack) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_fault_costs_only_time(runner: Runner, name: str) -> None:
    outcome = runner.run(SCENARIOS[name])

    assert outcome.problems == []
    assert outcome.found.at_insider + outcome.found.refused == outcome.found.planned >= 300
