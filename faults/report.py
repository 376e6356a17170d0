"""Writes the report: the machine, the servers, a row for each scenario, and what columns and scenarios mean."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faults.running import Outcome

_COLUMNS = {
    "scenario": "what was broken; the list below says how",
    "sent": "events at Yotpo, each sent as a webhook until it was accepted",
    "accepted": "sent, and answered 200 in the end",
    "turned away": "responses to webhooks with a status other than 200, and broken connections; the webhooks were "
    "sent again later",
    "at Insider": "accepted, and stored by Insider as user events",
    "refused": "accepted, refused permanently by Insider, and kept as dead letters with the reason",
    "lost": "accepted, but neither stored nor refused by Insider",
    "doubled": "user events that Insider has stored more than once",
    "sent again": "identical user events sent to Insider again; this is harmless, because Insider recognises them",
    "order": "user events that Insider stored after a user event of the same customer that was accepted later",
    "wrong": "attributes whose final value is not the value of the newest event by Yotpo's clock",
    "recovered": "seconds from the end of the fault until the last delayed event reached Insider; an event counts as "
    "delayed if it was sent before the end of the fault, or took more than two seconds",
    "exits": "processes that ended by themselves; the suite starts them again after a second, as a host does",
}
#: The fields of Findings that fill the columns between the first column and the last two.
_NUMBERS = (
    *("sent", "accepted", "turned_away", "at_insider", "refused"),
    *("lost", "doubled", "sent_again", "out_of_order", "wrong"),
)
_INTRODUCTION = (
    "The whole connector runs by the lines of its Procfile, on one machine with the simulator of Insider and the",
    "sender of the webhooks. Each fault begins when a fifth of the load has been accepted, and the load goes on during",
    "the fault. A scenario fails, and is printed in bold, if anything is lost, doubled, out of order or wrong, if a",
    "webhook is not accepted in the end, or if a delivery still waits after the scenario's time limit.",
)


def cells(outcome: Outcome) -> list[str]:
    """Return the row of a scenario."""
    findings, seconds = outcome.found, outcome.seconds_to_recover
    if outcome.impossible:
        return [outcome.scenario.name, "not possible here", *[""] * (len(_COLUMNS) - 2)]
    recovered = "not" if seconds is None else f"{seconds:.1f}"
    name = f"**{outcome.scenario.name}**" if outcome.problems else outcome.scenario.name
    return [name, *(f"{getattr(findings, number):,}" for number in _NUMBERS), recovered, str(len(outcome.exits))]


def line(outcome: Outcome) -> str:
    """Return the line that is printed for a scenario while the suite runs."""
    if outcome.impossible:
        return f"{outcome.scenario.name:28} not possible here: {outcome.impossible}"
    values = zip(list(_COLUMNS)[1:], cells(outcome)[1:], strict=True)
    verdict = "FAILED" if outcome.problems else "ok"
    return f"{outcome.scenario.name:28} {verdict:6} " + ", ".join(f"{name} {value}" for name, value in values)


def details(outcome: Outcome) -> list[str]:
    """Return the problems, notes and exits as lines of text."""
    return [f"FAILED: {problem}" for problem in outcome.problems] + outcome.notes + outcome.exits


def markdown(outcomes: Sequence[Outcome], *, command: str, servers: str, seconds: float) -> str:
    """Return the report."""
    failed = sum(bool(outcome.problems) for outcome in outcomes)
    impossible = sum(bool(outcome.impossible) for outcome in outcomes)
    possible = len(outcomes) - impossible
    verdict = f"{possible - failed} of {possible} scenarios hold." + (
        f" {impossible} is not possible here." if impossible else ""
    )
    machine = f"{os.cpu_count()} cores ({platform.system()} {platform.machine()}), Python {platform.python_version()}"
    lines = [
        "# What faults cost",
        "",
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d} in {seconds / 60:.0f} minutes, on {machine}, {servers}.",
        "",
        *_INTRODUCTION,
        "",
        f"**{verdict}**",
        "",
        _row(list(_COLUMNS)),
        _row(["---", *["---:"] * (len(_COLUMNS) - 1)]),
        *(_row(cells(outcome)) for outcome in outcomes),
        "",
        "## What the columns mean",
        "",
        *(f"- **{name}**: {meaning}." for name, meaning in _COLUMNS.items()),
        "",
        "## What is done",
        "",
    ]
    for outcome in outcomes:
        lines.append(f"- **{outcome.scenario.name}**: {outcome.scenario.sentence}")
        items = [f"Not possible here: {outcome.impossible}"] if outcome.impossible else details(outcome)
        lines += [f"  - {' '.join(item.split())}" for item in items]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
