"""Writes each backfill report as a few lines of text for operators.

The JSON output shows every number with its name.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from connector.cli import shared

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    Report = Mapping[str, Any]


def text(reports: Iterable[Report]) -> str:
    """Return reports from `connector.journal.sync.backfills` as text, separated by empty lines."""
    return "\n\n".join("\n".join(_lines(report)) for report in reports) or "none"


def _lines(report: Report) -> list[str]:
    scope = "of changed customers" if report["changed_only"] else "of all customers"
    parts = {
        "read": _read(report),
        "sent": _sent(report),
        "left out": _left_out(report),
        "note": report["note"],
        "started": f"{_at(report['started_at'])} by {report['actor']}: {report['reason']}",
        "ended": report["ended_at"] and _at(report["ended_at"]),
    }
    return [
        f"{report['store']}: backfill {report['id']} {scope}, {report['state']}",
        *(f"  {name:9} {line}" for name, line in parts.items() if line),
    ]


def _read(report: Report) -> str:
    parts = [shared.counted(report["seen"], "customer")]
    if report["total"] and report["state"] != "done":
        parts[0] += f" of about {report['total']:,}"
    parts.append(shared.counted(report["pages"], "page"))
    if report["readings"] > 1:
        parts.append(f"reading {report['reading']} of {report['readings']}")
    if report["restarts"]:
        parts.append(f"restarted {shared.counted(report['restarts'], 'time')}")
    if report["page_at"]:
        parts.append(f"the last at {_at(report['page_at'])}")
    return ", ".join(parts)


def _sent(report: Report) -> str:
    outcomes = ", ".join(f"{report[outcome]:,} {outcome}" for outcome in ("delivered", "waiting", "refused"))
    return f"{report['sent']:,}: {outcomes}"


def _left_out(report: Report) -> str:
    reasons = {"unchanged": report["unchanged"], **report["skipped"]}
    return ", ".join(f"{number:,} {reason}" for reason, number in reasons.items() if number)


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
