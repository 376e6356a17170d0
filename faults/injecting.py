"""Makes a process of the connector run other code before its own: Python imports `sitecustomize` when it starts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from connector.sandbox.stack import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_CLOCK = """
import datetime

import time_machine

# Only clocks of the time of day go wrong; time.monotonic and sleeps stay right.
now = datetime.datetime.now(datetime.timezone.utc)
time_machine.travel(now + datetime.timedelta(seconds={seconds}), tick=True).start()
"""

_BROKEN_TOPIC = """
from connector.mapping.running.topic import TopicMapping

apply = TopicMapping.apply


def broken(self, *arguments, **named):
    if self.topic == {topic!r}:
        raise RuntimeError("a mapping that fails")
    return apply(self, *arguments, **named)


TopicMapping.apply = broken
"""


def wrong_clock(state: Path, seconds: int) -> dict[str, str]:
    """Return the environment variables that set a process's clock ahead by `seconds`, or back if they are negative."""
    return _run_first(state / f"clock{seconds:+}", _CLOCK.format(seconds=seconds))


def broken_topic(state: Path, topic: str) -> dict[str, str]:
    """Return the environment variables that make the mapping of a topic raise an exception."""
    return _run_first(state / "broken", _BROKEN_TOPIC.format(topic=topic))


def _run_first(directory: Path, program: str) -> dict[str, str]:
    """Return the environment variables that make a process run a program before its own code."""
    directory.mkdir(exist_ok=True)
    (directory / "sitecustomize.py").write_text(program, encoding="utf-8")
    return {"PYTHONPATH": f"{directory}{os.pathsep}{ROOT}"}
