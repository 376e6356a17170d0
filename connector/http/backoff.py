"""Calculates how long to wait after a failure: longer after each failure, up to a limit, and with jitter.

The functions are pure, except for the random numbers.
"""

from __future__ import annotations

import random

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
_LONGEST_RETRY_AFTER_SECONDS = 3600.0
#: A person waits for a command, so the command tries again sooner than a worker does.
_LONGEST_COMMAND_SECONDS = 60.0


def pause_seconds(asked: float, retry_after: float | None, *, failures: int, jitter: float | None = None) -> float:
    """Return how long a store is paused.

    If `asked` is not 0, the pause is `asked`. Otherwise, if the server named a `retry_after`, the pause is that time,
    but at least a second and at most an hour. Otherwise the pause is an exponential wait with full jitter, up to five
    minutes.

    `failures` counts the failures in a row before this one. `jitter` is a number from 0 to 1; if it is None, a random
    number is drawn.
    """
    if asked:
        return asked
    if retry_after is not None:
        return min(max(retry_after, _FIRST_PAUSE_SECONDS), _LONGEST_RETRY_AFTER_SECONDS)
    ceiling = exponential_seconds(_FIRST_PAUSE_SECONDS, failures + 1, longest=_LONGEST_PAUSE_SECONDS)
    return max(_FIRST_PAUSE_SECONDS, ceiling * (_drawn(0) if jitter is None else jitter))


def command_seconds(failures: int) -> float:
    """Return how long a command waits before it tries again, after this many failures in a row."""
    return exponential_seconds(0.5, failures, longest=_LONGEST_COMMAND_SECONDS) * _drawn(0.75)


def exponential_seconds(first: float, failures: int, *, longest: float) -> float:
    """Return `first` doubled for each failure, up to `longest`."""
    return min(first * 2.0 ** min(failures, 30), longest)


def _drawn(least: float) -> float:
    return random.uniform(least, 1)  # noqa: S311 - no secret depends on it
