"""Insider is down, overloaded or slow, cuts connections, refuses users, or sends useless responses.

A useless response does not show whether the request was carried out. So there is a scenario for each of the two cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faults.checking import Rules
from faults.registry import scenario

if TYPE_CHECKING:
    from faults.run import Run

#: Pauses grow up to 300 s, so the next attempt may come that late.
_PATIENCE = 330.0
_READ_SECONDS = 2
_JUST_TOO_SLOW_MS = 2_300


@scenario(lasting=60, patience=_PATIENCE)
def insider_down(run: Run) -> None:
    """Insider answers 503 for 60 s."""
    _fails(run, 60, "status", status=503)


@scenario(lasting=20, patience=_PATIENCE)
def insider_limits_in_seconds(run: Run) -> None:
    """Insider answers 429 for 20 s, with a Retry-After of 5 seconds."""
    _fails(run, 20, "status", status=429, retry_after=5)


@scenario(lasting=20, patience=_PATIENCE)
def insider_limits_by_date(run: Run) -> None:
    """Insider answers 429 for 20 s, with a Retry-After that is an HTTP date five seconds ahead."""
    _fails(run, 20, "status", status=429, retry_after=5, retry_after_as="date")


@scenario(lasting=20, patience=_PATIENCE)
def insider_limits(run: Run) -> None:
    """Insider answers 429 for 20 s, without a Retry-After."""
    _fails(run, 20, "status", status=429)


@scenario(patience=_PATIENCE)
def insider_fails_at_times(run: Run) -> None:
    """Insider answers 500 to one request in five, until all webhooks have been accepted."""
    _at_times(run, "status", share=0.2, status=500)


@scenario(lasting=15, patience=_PATIENCE, environment={"INSIDER_READ_SECONDS": str(_READ_SECONDS)})
def insider_slow(run: Run) -> None:
    """For 15 s, Insider carries out each request only after the connector's time-out."""
    _fails(run, 15, "slow", delay_ms=_JUST_TOO_SLOW_MS, processed=False)


@scenario(lasting=15, patience=_PATIENCE, environment={"INSIDER_READ_SECONDS": str(_READ_SECONDS)})
def insider_slow_to_answer(run: Run) -> None:
    """For 15 s, Insider carries out each request at once, but answers only after the connector's time-out."""
    _fails(run, 15, "slow", delay_ms=_JUST_TOO_SLOW_MS, processed=True)


@scenario(patience=_PATIENCE)
def insider_cut_before(run: Run) -> None:
    """One connection in five is cut before Insider has carried out the request."""
    _at_times(run, "cut_before", share=0.2)


@scenario(patience=_PATIENCE)
def insider_cut_after(run: Run) -> None:
    """One connection in five is cut after Insider has carried out the request."""
    _at_times(run, "cut_after", share=0.2)


@scenario(rules=Rules(refusals=True))
def insider_refuses_users(run: Run) -> None:
    """In twenty requests, Insider refuses the first, fourth and last user permanently, and stores the others."""
    run.fault("fail_users", indices=[0, 3, -1], times=20)
    run.send_all()
    run.end_faults()


@scenario(patience=_PATIENCE)
def insider_wrong_json(run: Run) -> None:
    """Three responses in ten are JSON with an unexpected format, and the request was not carried out."""
    _at_times(run, "wrong_json", share=0.3)


@scenario(patience=_PATIENCE)
def insider_wrong_json_done(run: Run) -> None:
    """Three responses in ten are JSON with an unexpected format, although the request was carried out."""
    _at_times(run, "wrong_json", share=0.3, processed=True)


@scenario(patience=_PATIENCE)
def insider_html(run: Run) -> None:
    """Three responses in ten are an HTML page with status 200, and the request was not carried out."""
    _at_times(run, "html", share=0.3)


@scenario(patience=_PATIENCE)
def insider_html_done(run: Run) -> None:
    """Three responses in ten are an HTML page with status 200, although the request was carried out."""
    _at_times(run, "html", share=0.3, processed=True)


@scenario(patience=_PATIENCE)
def insider_empty(run: Run) -> None:
    """Three responses in ten are empty with status 200, and the request was not carried out."""
    _at_times(run, "empty", share=0.3)


@scenario(patience=_PATIENCE)
def insider_empty_done(run: Run) -> None:
    """Three responses in ten are empty with status 200, although the request was carried out."""
    _at_times(run, "empty", share=0.3, processed=True)


def _fails(run: Run, seconds: float, kind: str, **description: Any) -> None:
    run.fault(kind, for_seconds=seconds, **description)
    run.hold(seconds)
    _note_hits(run)


def _at_times(run: Run, kind: str, **description: Any) -> None:
    run.fault(kind, **description)
    run.send_all()
    _note_hits(run)


def _note_hits(run: Run) -> None:
    hits = run.end_faults()
    run.notes.append(f"{hits} requests were hit")
    if not hits:
        run.problems.append("the fault hit no request")
