"""The loop of a worker. It finds the partitions that have work, runs their steps, and decides when to stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.delivery.steps import BATCH, LOW_PRIORITY_BATCH, Steps
from connector.errors import ConnectorError, JournalUnavailable
from connector.journal import partitions, replays
from connector.model import Partitions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from connector.delivery.merging import Destination
    from connector.delivery.steps import RefreshDelays, StepResult
    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.mapping import MappingSet
    from connector.workshop.activation import MappingSets

#: After a pass with fewer events, a worker waits for more: a step costs nearly as much for one event as for many.
_FEW = 200
#: If another worker holds a partition, this worker tries the partition again after this time.
_HELD_SECONDS = 0.05

_log = observability.logger("pipeline")


class Pipeline:
    """Brings events from the journal to Insider, step by step."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        mappings: MappingSets,
        insider: Destination,
        batch_size: int,
        retention: timedelta,
        refresh_delays: RefreshDelays,
        rest_seconds: float = 0.0,
        gather_seconds: float = 0.0,
    ) -> None:
        """`rest_seconds` is the wait after each low-priority step that was not full.

        `gather_seconds` is the wait after few webhooks, so that the next step finds several.
        """
        self._database = database
        self._mappings = mappings
        self._rest_seconds = rest_seconds
        self._gather_seconds = gather_seconds
        self._steps = Steps(
            database=database,
            vault=vault,
            mappings=mappings,
            insider=insider,
            batch_size=batch_size,
            retention=retention,
            refresh_delays=refresh_delays,
        )

    def advance(
        self,
        *,
        seconds: float,
        low_priority: bool = False,
        call_for_help: Callable[[], object] = lambda: None,
        on_pass: Callable[[], object] = lambda: None,
    ) -> Advanced:
        """Map events and send deliveries until no work is left, or until `seconds` have passed.

        If `low_priority` is true, process only replays and snapshots. If it is false, wait for partitions that another
        worker holds. That worker may be sending a low-priority batch, and the webhooks behind that batch should not
        have to wait for the next periodic sweep. If another worker could share the work at the beginning,
        `call_for_help` is called. `on_pass` is called before each look for work.
        """
        ends_at = time.monotonic() + seconds
        queued_low_priority = False
        is_first = True
        while True:
            on_pass()
            steps, mappings = self._next_steps(low_priority=low_priority)
            if is_first and len(steps) > 1:
                call_for_help()
            is_first = False
            current = self._pass(steps, mappings, ends_at, low_priority=low_priority)
            queued_low_priority |= current.queued_low_priority
            if time.monotonic() > ends_at:
                return Advanced(unfinished=True, queued_low_priority=queued_low_priority)
            if not current.progress and (low_priority or not current.held):
                return Advanced(unfinished=False, queued_low_priority=queued_low_priority)
            if not current.progress:
                time.sleep(_HELD_SECONDS)
            elif current.progress < _FEW and not low_priority:
                time.sleep(self._gather_seconds)

    def _next_steps(self, *, low_priority: bool) -> tuple[list[Partitions], MappingSet]:
        limit = LOW_PRIORITY_BATCH if low_priority else BATCH
        with self._database.connection() as connection:
            steps = partitions.steps(connection, low_priority=low_priority, limit=limit)
            return steps, self._mappings.in_force(connection)

    def _pass(self, steps: Sequence[Partitions], mappings: MappingSet, ends_at: float, *, low_priority: bool) -> _Pass:
        """Run these steps until the time is over, and pause the stores for which it is unclear what Insider refuses."""
        current = _Pass()
        for wanted in steps:
            if time.monotonic() > ends_at:
                break
            if wanted.store_id not in current.failed_stores:
                self._step(wanted, mappings, current, low_priority=low_priority)
                if low_priority and not current.step_was_full:
                    # Wait for more snapshots, which arrive page by page. A batch with one delivery costs nearly as much
                    # as a batch with a hundred. While a batch is being sent, webhooks may have to wait for the
                    # partition and the CPU.
                    time.sleep(self._rest_seconds)
        for store_id in current.refusals.keys() - current.delivered_stores:
            self._steps.pause_store(store_id, reason=current.refusals[store_id])
        return current

    def _step(self, wanted: Partitions, mappings: MappingSet, current: _Pass, *, low_priority: bool) -> None:
        """Run a step. If it fails, run it for each partition alone, so that the error stops only one of them."""
        store_id = wanted.store_id
        try:
            result = self._steps.advance(wanted, mappings, low_priority=low_priority)
        except JournalUnavailable:
            raise
        except ConnectorError as error:
            # The error concerns all partitions of the store. The store's events wait in the journal until the operator
            # has solved the problem.
            current.failed_stores.add(store_id)
            _log.error("store.failed", store_id=store_id, error=str(error))
        except Exception as error:  # noqa: BLE001 - no error may stop the work on other partitions
            _log.error("partitions.failed", store_id=store_id, partitions=wanted.numbers, exc_info=error)
            if len(wanted.numbers) > 1:
                for number in wanted.numbers:
                    self._step(Partitions(store_id, (number,)), mappings, current, low_priority=low_priority)
        else:
            current.add(store_id, result)

    def map_replayed(self) -> int:
        """Map the next events of all running replays, within their rates; return the number of events."""
        with self._database.connection() as connection:
            running = replays.running(connection)
            if not running:
                return 0
            mappings = self._mappings.in_force(connection)
        mapped = 0
        for replay_id in running:
            try:
                mapped += self._steps.map_replayed(replay_id, mappings)
            except JournalUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - no error may stop the other replays
                _log.error("replay.failed", replay_id=replay_id, exc_info=error)
        return mapped

    def busy(self) -> int:
        """Return how many partitions have webhooks to map or deliver."""
        with self._database.connection() as connection:
            return len(partitions.busy(connection))

    def is_low_priority_waiting(self) -> bool:
        """Return whether a replay is running, or whether low-priority events or deliveries are waiting."""
        with self._database.connection() as connection:
            return bool(replays.running(connection) or partitions.busy(connection, low_priority=True))


class Advanced(NamedTuple):
    """How `Pipeline.advance` ended."""

    #: True if the time ran out, so that work may be left.
    unfinished: bool
    #: True if `advance` journaled deliveries for the low-priority workers.
    queued_low_priority: bool


@dataclass(slots=True)
class _Pass:
    """The results of one pass over the busy partitions."""

    #: The number of mapped events plus the number of settled deliveries that had waited.
    progress: int = 0
    #: The stores for which Insider accepted at least one delivery.
    delivered_stores: set[int] = field(default_factory=set)
    #: By store: why Insider accepted nothing in a step. A store is included only if it is unclear whether the
    #: deliveries are wrong or Insider accepts nothing from the store.
    refusals: dict[int, str] = field(default_factory=dict)
    #: True if another worker holds a partition that has work.
    held: bool = False
    #: True if low-priority deliveries were journaled.
    queued_low_priority: bool = False
    #: True if the last step had enough work for a full low-priority step.
    step_was_full: bool = False
    #: The stores with an error. The rest of this pass skips them.
    failed_stores: set[int] = field(default_factory=set)

    def add(self, store_id: int, result: StepResult) -> None:
        """Add the result of a step."""
        self.progress += result.mapped + result.settled
        self.step_was_full = max(result.mapped, result.settled) >= LOW_PRIORITY_BATCH
        self.queued_low_priority |= result.queued_low_priority
        self.held |= result.held
        if result.delivered:
            self.delivered_stores.add(store_id)
        if result.refusal:
            self.refusals[store_id] = result.refusal
