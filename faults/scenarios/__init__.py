"""All scenarios, in the order in which they run and are reported."""

from faults.registry import of_module
from faults.scenarios import (
    backfills,
    beside,
    broker,
    clocks,
    database,
    insider,
    mappings,
    processes,
    scale,
    upkeep,
    webhooks,
)

_ORDER = (processes, broker, database, upkeep, insider, webhooks, mappings, scale, backfills, beside, clocks)

SCENARIOS = {scenario.name: scenario for module in _ORDER for scenario in of_module(module)}
