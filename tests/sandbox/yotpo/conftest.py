"""The server that receives the simulator's webhooks, one for each file of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.yotpo.receiver import receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.yotpo.receiver import Receiver


@pytest.fixture(scope="module")
def running_receiver() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def webhooks(running_receiver: Receiver) -> Receiver:
    return running_receiver.cleared()
