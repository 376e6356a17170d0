"""A short cut of the fault suite's scenarios: each costs nothing but time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from faults.running import Runner
from faults.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator


from tests.conftest import STATE

#: One of each kind of part, and those of which the connector does most to survive them.
SHORT = (
    "worker-killed-in-a-batch",
    "all-killed",
    "worker-told-to-end",
    "redis-wiped",
    "postgres-killed",
    "insider-refuses-users",
    "webhooks-three-times",
)


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner(STATE / "faults", events=600, customers=50, seed=1, durable=False) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_a_fault_costs_nothing_but_time(runner: Runner, name: str) -> None:
    outcome = runner.run(SCENARIOS[name])

    assert outcome.problems == []
    assert outcome.found.at_insider + outcome.found.refused == 600
