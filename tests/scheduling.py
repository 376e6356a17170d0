"""Distributes the test files over the processes: whole files, the slowest first.

A process starts once what its tests share, such as the whole connector. That takes long, so only two of them start it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped] # it has no types

if TYPE_CHECKING:
    import pytest

#: The tests that run first, by file or folder. The tests of a group run one after another in one process.
GROUPS = (
    (
        "tests/workers/test_watch.py",
        "tests/workshop/test_activation.py",
        "tests/sync/connecting/test_failures.py",
        "tests/intake/test_webhooks.py",
        "tests/faults/test_supervisor.py",
        "tests/sync/connecting/test_browser.py",
    ),
    (
        "tests/workers/test_broker.py",
        "tests/workers/test_clocks.py",
        "tests/sync/connecting/test_connecting.py",
        "tests/cli/test_connecting.py",
        "tests/sandbox/test_stack.py",
        "tests/test_coverage.py",
        "tests/intake/test_outages.py",
    ),
    ("tests/faults/test_backfills.py",),
    ("tests/faults/test_scenarios.py",),
    ("tests/sandbox/test_show.py",),
    ("tests/cli/test_customers.py",),
    ("tests/delivery/test_steps_blame.py",),
)
_GROUP = {file: number for number, files in enumerate(GROUPS) for file in files}
_RANK = {file: rank for rank, file in enumerate(file for files in GROUPS for file in files)}


class Groups(LoadScopeScheduling):  # type: ignore[misc] # as above
    """Hands out one group after another, then file after file."""

    def _split_scope(self, nodeid: str) -> str:
        file = _file(nodeid)
        return f"group {_GROUP[file]}" if file in _GROUP else file


def sort(items: list[pytest.Item]) -> None:
    """Put the tests of the groups first, in the order above."""
    items.sort(key=lambda item: _RANK.get(_file(item.nodeid), len(_RANK)))


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]
