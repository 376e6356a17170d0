"""A scenario with a backfill beside webhooks: the backfill must not slow the webhooks down."""

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

#: Webhooks in a second. At this rate, as in the scenario customer-hot, the machine has CPU time to spare.
_RATE = 30
#: In turn, the backfill runs for this long and is paused for this long. Each phase is shorter if the load is too short
#: for ten phases.
_PHASE_SECONDS = 20.0
_PHASES = 10
#: These shares at the beginning and end of a phase are not measured. At the beginning, the snapshots of the phase
#: before are still being delivered.
_BEGINNING, _END = 0.15, 0.05
#: The 95th percentile with a backfill, divided by the 95th percentile without a backfill, may be at most this ratio. It
#: is checked only if there are enough events.
_MAX_RATIO, _ENOUGH_EVENTS = 1.2, 4_000


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A time of some seconds in which the backfill either runs or is paused."""

    #: In seconds since 1970.
    started: float
    ended: float
    filling: bool
    #: True if customers were looked up during the phase.
    looking_up: bool

    def holds(self, at: float) -> bool:
        """Return whether a time is in the measured part of the phase."""
        length = self.ended - self.started
        return self.started + _BEGINNING * length <= at < self.ended - _END * length


@scenario(share=0.8, rate=_RATE)
def backfill_beside_live(run: Run) -> None:
    """A backfill runs and pauses in turn.

    At the same time, webhooks of other customers come, and these cause look-ups.
    """
    store = YotpoStore(run.stack, run.store, customers=run.store_size)
    store.start_backfill()
    store.pause()
    left = (len(run.load.events) - run.load.accepted) / _RATE
    seconds = min(_PHASE_SECONDS, left / _PHASES)
    # During the first three phases (at most a minute), the backfill is paused.
    phases = [_phase(run, store, seconds, filling=False) for _ in range(3)]
    while run.load.is_alive() and _is_unfinished(store):
        filling = not phases[-1].filling
        (store.resume if filling else store.pause)()
        phases.append(_phase(run, store, seconds, filling=filling))
    store.cancel()
    run.over()
    progress = store.progress()
    filled = sum(phase.ended - phase.started for phase in phases if phase.filling)
    seen = progress.seen if progress else 0
    run.notes.append(f"{seen:,} of {run.store_size:,} customers were read, in {filled:.0f} s")
    run.measures.append(lambda findings: _compare(run, findings, phases))


def _is_unfinished(store: YotpoStore) -> bool:
    progress = store.progress()
    return progress is None or progress.state != "done"


def _phase(run: Run, store: YotpoStore, seconds: float, *, filling: bool) -> Phase:
    started, before, requests_before = time.time(), store.progress(), store.requests()
    run.hold(seconds)
    after, requests = store.progress(), store.requests() - requests_before
    pages = after.pages - before.pages if before and after else 0
    # A look-up takes two requests. One more request may be for a token.
    looking_up = requests - pages > 2  # noqa: PLR2004
    return Phase(started=started, ended=time.time(), filling=filling, looking_up=looking_up)


def _compare(run: Run, findings: Findings, phases: list[Phase]) -> Iterator[str]:
    """Yield how long the load's webhooks took to Insider, with and without a backfill.

    Record a problem if the backfill slowed them down.
    """
    sent = [(event.sent_at, at - event.sent_at) for event, at in findings.arrived.items() if event.sent_at]
    durations = [[seconds for at, seconds in sent if phase.holds(at)] for phase in phases]
    for when, looking_up in {"without look-ups": False, "during look-ups": True}.items():
        for what, filling in {"without a backfill": False, "beside a backfill": True}.items():
            chosen = (phase.filling is filling and phase.looking_up is looking_up for phase in phases)
            latency = Latency.of([seconds for phase in compress(durations, chosen) for seconds in phase])
            if latency:
                yield f"{when}, {what}: {latency}"
    ratios = slowdowns(phases, durations)
    if ratios:
        yield (
            f"p95 of a phase beside a backfill, relative to the two phases around it: {median(ratios):.2f} "
            f"(median of {len(ratios)}, from {min(ratios):.2f} to {max(ratios):.2f})"
        )
    if ratios and median(ratios) > _MAX_RATIO and sum(map(len, durations)) >= _ENOUGH_EVENTS:
        run.problems.append(
            f"webhooks take {median(ratios):.2f} times as long beside a backfill (p95), more than {_MAX_RATIO}"
        )


def slowdowns(phases: Sequence[Phase], durations: Sequence[Sequence[float]]) -> list[float]:
    """Return a ratio for each phase with a backfill: its p95 divided by the mean p95 of the two phases around it.

    `durations` lists, for each phase, the seconds that its webhooks took. A phase is compared with the phases before
    and after it, because other work on the machine slows neighbouring phases in the same way.
    """
    ratios = []
    for before, at, after in zip(range(len(phases)), range(1, len(phases)), range(2, len(phases)), strict=False):
        latencies = [latency for each in (before, at, after) if (latency := Latency.of(durations[each]))]
        if phases[at].filling and len(latencies) == 3:  # noqa: PLR2004 - the three of them
            ratios.append(2 * latencies[1].p95 / (latencies[0].p95 + latencies[2].p95))
    return ratios
