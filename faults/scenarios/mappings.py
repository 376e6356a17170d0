"""A mapping raises an exception: its events become dead letters, and a replay brings them to Insider."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from faults import plan
from faults.checking import Rules
from faults.injecting import broken_topic
from faults.registry import scenario

if TYPE_CHECKING:
    from faults.run import Run

_SECONDS = 120.0
_POLL_SECONDS = 0.5


@scenario(lasting=10, rules=Rules(order_by_topic=True))
def mapping_fails(run: Run) -> None:
    """One topic's mapping raises exceptions until all webhooks are sent.

    Then the mapping is fixed, and its dead letters are replayed.
    """
    run.supervisor.keep("worker", **broken_topic(run.stack.state, plan.EARNED))
    run.send_all()
    if not run.wait_until_quiet(_SECONDS):
        run.problems.append("the failing topic delayed the other topics")
    dead = run.dead()
    topics = {event.topic for event in run.events if event.journal_id in dead}
    run.notes.append(f"{len(dead)} dead letters were replayed")
    if topics != {plan.EARNED}:
        run.problems.append(f"dead letters of the topics {sorted(topics)}")
    run.supervisor.keep("worker")
    run.over()
    for group in run.dead_groups():
        _replay(run, group)


def _replay(run: Run, group: str) -> None:
    """Replay the dead letters of a group, and wait until all of them have been mapped again."""
    options = ("--reason", "the mapping is fixed", "--by", "the fault suite", "--rate", "1000")
    replay = run.stack.command("dead-letters", "replay", group, *options)
    deadline = time.monotonic() + _SECONDS
    while run.stack.command("replays", "show", str(replay["id"]))["state"] == "running":
        if time.monotonic() > deadline:
            run.problems.append(f"the replay {replay['id']} is not over after {_SECONDS:g} s")
            return
        time.sleep(_POLL_SECONDS)
