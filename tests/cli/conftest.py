"""The command line that the tests of its commands type at."""

from __future__ import annotations

import pytest

from tests.commands import Cli


@pytest.fixture
def cli(database_url: str) -> Cli:
    return Cli(database_url)
