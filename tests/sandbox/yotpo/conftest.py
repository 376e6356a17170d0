"""The server that takes the simulator's webhooks, one for each file of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.yotpo.receiver import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.yotpo.receiver import Receiver


@pytest.fixture(scope="module")
def listening() -> Iterator[Receiver]:
    with receiver() as running_receiver:
        yield running_receiver


@pytest.fixture
def webhooks(listening: Receiver) -> Receiver:
    return listening.cleared()
