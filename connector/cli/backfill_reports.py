"""Reports of backfills as an operator reads them: a few lines each. JSON has every figure by its name."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    Report = Mapping[str, Any]


def text(reports: Iterable[Report]) -> str:
    """Return what to print of the reports of `connector.journal.sync.backfills`; an empty line stands between two."""
    return "\n\n".join("\n".join(_lines(report)) for report in reports) or "none"


def _lines(report: Report) -> list[str]:
    what = "of what has changed" if report["changed_only"] else "of all customers"
    told = {
        "read": _read(report),
        "sent": _sent(report),
        "left out": _left_out(report),
        "note": report["note"],
        "started": f"{_at(report['started_at'])} by {report['actor']}: {report['reason']}",
        "ended": report["ended_at"] and _at(report["ended_at"]),
    }
    return [
        f"{report['store']}: backfill {report['id']} {what}, {report['state']}",
        *(f"  {name:9} {line}" for name, line in told.items() if line),
    ]


def _read(report: Report) -> str:
    parts = [_counted(report["seen"], "customer")]
    if report["total"] and report["state"] != "done":
        parts[0] += f" of about {report['total']:,}"
    parts.append(_counted(report["pages"], "page"))
    if report["readings"] > 1:
        parts.append(f"reading {report['reading']} of {report['readings']}")
    if report["restarts"]:
        parts.append(f"begun anew {_counted(report['restarts'], 'time')}")
    if report["page_at"]:
        parts.append(f"the last at {_at(report['page_at'])}")
    return ", ".join(parts)


def _sent(report: Report) -> str:
    fates = ", ".join(f"{report[fate]:,} {fate}" for fate in ("delivered", "waiting", "refused"))
    return f"{report['sent']:,}: {fates}"


def _left_out(report: Report) -> str:
    reasons = {"unchanged": report["unchanged"], **report["skipped"]}
    return ", ".join(f"{number:,} {reason}" for reason, number in reasons.items() if number)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
