"""The command line for the tests of its commands."""

from __future__ import annotations

import pytest

from tests.commands import Cli


@pytest.fixture
def cli(database_url: str) -> Cli:
    return Cli(database_url)
