"""Yotpo sends the same webhook several times, webhooks in random order, or webhooks that come a day late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults import plan
from faults.registry import scenario

if TYPE_CHECKING:
    from faults.run import Run


@scenario(copies=3)
def webhooks_three_times(run: Run) -> None:
    """Each webhook is sent three times, at about the same time, over different connections."""
    run.send_all()


@scenario(arrange=plan.shuffled)
def webhooks_shuffled(run: Run) -> None:
    """All webhooks of a customer are sent in random order."""
    run.send_all()


@scenario(arrange=plan.half_late)
def webhooks_late(run: Run) -> None:
    """Every second webhook is about an event of the day before. It comes after webhooks about newer events."""
    run.send_all()
