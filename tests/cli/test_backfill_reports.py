"""Reports of backfills as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.cli import backfill_reports

if TYPE_CHECKING:
    from collections.abc import Sequence


def report(**changes: Any) -> dict[str, Any]:
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    return {
        "id": 12, "store": "acme", "state": "running", "changed_only": False, "seen": 1200, "total": 3500,
        "sent": 1150, "unchanged": 20, "skipped": {"neither e-mail nor phone number": 30},
        "waiting": 248, "delivered": 900, "refused": 2, "pages": 12, "reading": 1, "readings": 1, "restarts": 0,
        "started_at": at, "page_at": at, "ended_at": None, "actor": "ann", "reason": "they were lost", "note": None,
        **changes,
    }  # fmt: skip


def told(reports: Sequence[dict[str, Any]]) -> list[str]:
    return backfill_reports.text(reports).splitlines()


def test_an_operator_reads_what_how_far_and_what_became_of_whom() -> None:
    assert told([report()]) == [
        "acme: backfill 12 of all customers, running",
        "  read      1,200 customers of about 3,500, 12 pages, the last at 2026-03-04T05:06:07Z",
        "  sent      1,150: 900 delivered, 248 waiting, 2 refused",
        "  left out  20 unchanged, 30 neither e-mail nor phone number",
        "  started   2026-03-04T05:06:07Z by ann: they were lost",
    ]


def test_an_operator_reads_why_it_does_not_go_on() -> None:
    ended = datetime(2026, 3, 4, 6, tzinfo=UTC)
    failed = report(
        changed_only=True, state="failed", note="Yotpo refuses the page", ended_at=ended, total=None, restarts=3,
        readings=2, reading=2, skipped={}, unchanged=0,
    )  # fmt: skip

    assert told([failed]) == [
        "acme: backfill 12 of changed customers, failed",
        "  read      1,200 customers, 12 pages, reading 2 of 2, restarted 3 times, the last at 2026-03-04T05:06:07Z",
        "  sent      1,150: 900 delivered, 248 waiting, 2 refused",
        "  note      Yotpo refuses the page",
        "  started   2026-03-04T05:06:07Z by ann: they were lost",
        "  ended     2026-03-04T06:00:00Z",
    ]


def test_an_empty_line_stands_between_two() -> None:
    first = report(seen=1, pages=1, restarts=1, total=None, page_at=None, skipped={}, unchanged=0)

    assert told([first, report()])[1:6] == [
        "  read      1 customer, 1 page, restarted 1 time",
        "  sent      1,150: 900 delivered, 248 waiting, 2 refused",
        "  started   2026-03-04T05:06:07Z by ann: they were lost",
        "",
        "acme: backfill 12 of all customers, running",
    ]
    assert told([]) == ["none"]
