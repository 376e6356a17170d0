"""A backfill beside webhooks, which must not notice it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import compress
from statistics import median
from typing import TYPE_CHECKING

from faults.latency import Latency
from faults.registry import scenario
from faults.stores import YotpoStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from faults.checking import Findings
    from faults.run import Run

#: Webhooks in a second: the load of customer-hot, which leaves the machine room.
_RATE = 30
#: How long a backfill runs, and is paused, by turns; shorter where there are so few webhooks that little time is left.
_PHASE_SECONDS = 20.0
_PHASES = 10
#: The webhooks of a phase's beginning and end are left out: what was read before is still being delivered then.
_BEGINNING, _END = 0.15, 0.05
#: The 95th percentile may be so many times that without a backfill, if there are enough events to tell.
_TIMES, _ENOUGH = 1.2, 4_000


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Some seconds with a backfill, or without."""

    #: In seconds since 1970.
    started: float
    ended: float
    filling: bool
    #: Whether customers were looked up meanwhile.
    looking_up: bool

    def holds(self, at: float) -> bool:
        length = self.ended - self.started
        return self.started + _BEGINNING * length <= at < self.ended - _END * length


@scenario(share=0.8, rate=_RATE)
def backfill_beside_live(run: Run) -> None:
    """A backfill runs and is paused by turns, while webhooks of other customers come, who are looked up as well."""
    store = YotpoStore(run.stack, run.store, customers=run.store_size)
    store.start_backfill()
    store.pause()
    left = (len(run.load.events) - run.load.accepted) / _RATE
    seconds = min(_PHASE_SECONDS, left / _PHASES)
    # The first minute is without.
    phases = [_phase(run, store, seconds, filling=False) for _ in range(3)]
    while run.load.is_alive() and _is_unfinished(store):
        filling = not phases[-1].filling
        (store.resume if filling else store.pause)()
        phases.append(_phase(run, store, seconds, filling=filling))
    store.cancel()
    run.over()
    told = store.progress()
    filled = sum(phase.ended - phase.started for phase in phases if phase.filling)
    run.notes.append(f"{told.seen if told else 0:,} of {run.store_size:,} customers were read, in {filled:.0f} s")
    run.measures.append(lambda found: _compare(run, found, phases))


def _is_unfinished(store: YotpoStore) -> bool:
    now = store.progress()
    return now is None or now.state != "done"


def _phase(run: Run, store: YotpoStore, seconds: float, *, filling: bool) -> Phase:
    started, before, asked = time.time(), store.progress(), store.questions()
    run.hold(seconds)
    after, questions = store.progress(), store.questions() - asked
    pages = after.pages - before.pages if before and after else 0
    # Two questions a customer; one may be the token's.
    looking_up = questions - pages > 2  # noqa: PLR2004
    return Phase(started=started, ended=time.time(), filling=filling, looking_up=looking_up)


def _compare(run: Run, found: Findings, phases: list[Phase]) -> Iterator[str]:
    """Tell how long the load's webhooks took to Insider, with and without a backfill."""
    sent = [(event.sent_at, at - event.sent_at) for event, at in found.arrived.items() if event.sent_at]
    took = [[seconds for at, seconds in sent if phase.holds(at)] for phase in phases]
    for when, looking_up in {"while nobody is looked up": False, "while customers are looked up": True}.items():
        for what, filling in {"without a backfill": False, "beside it": True}.items():
            of_them = (phase.filling is filling and phase.looking_up is looking_up for phase in phases)
            latency = Latency.of([seconds for within in compress(took, of_them) for seconds in within])
            if latency:
                yield f"{when}, {what}: {latency}"
    times = times_as_long(phases, took)
    if times:
        yield (
            f"p95 of a phase beside a backfill, in terms of that of the two around it: {median(times):.2f} "
            f"(median of {len(times)}, from {min(times):.2f} to {max(times):.2f})"
        )
    if times and median(times) > _TIMES and sum(map(len, took)) >= _ENOUGH:
        run.problems.append(f"webhooks take {median(times):.2f} times as long beside a backfill (p95), not {_TIMES}")


def times_as_long(phases: Sequence[Phase], took: Sequence[Sequence[float]]) -> list[float]:
    """Return for each phase with a backfill between two without how many times as long webhooks took, by p95.

    `took` are the seconds that the webhooks of each phase took. What else goes on on the machine for a while hits
    neighbours alike.
    """
    times = []
    for before, at, after in zip(range(len(phases)), range(1, len(phases)), range(2, len(phases)), strict=False):
        latencies = [latency for each in (before, at, after) if (latency := Latency.of(took[each]))]
        if phases[at].filling and len(latencies) == 3:  # noqa: PLR2004 - the three of them
            times.append(2 * latencies[1].p95 / (latencies[0].p95 + latencies[2].p95))
    return times
