"""What an answer of Insider means for each user of a batch, pure and after its list of answers and errors.

A user is delivered or dead; the batch is split where nobody is named; the store pauses, or an operator has to act.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from connector.model import Attempt, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.insider.client import Answer
    from connector.insider.wire import Failure
    from connector.mapping import TopicMapping
    from connector.model import UserUpdate

#: Credentials do not mend themselves; a try now and then notices that they work again.
_CREDENTIALS_PAUSE_SECONDS = 900.0
_PARTNER_INVALID = "partner is invalid"
_CAUSE_LIMIT = 100
#: As many of Insider's sentences about one user are kept.
_REASONS = 10

#: What an HTTP status means, unless it is 200. Whatever stands not here is trouble of Insider's: the store pauses.
_BY_STATUS = {400: "split", 413: "split", 401: "unauthorized", 403: "unauthorized"}

#: By what Insider's error says, which identifier it is about: its path ends in a pattern, not in a name.
_IDENTIFIERS = {
    "email": re.compile(r"@|email address"),
    "phone_number": re.compile(r"phone number|regexp\(\^\\+\+"),
    "uuid": re.compile(r"uuid"),
}
#: Of an identifier that Insider does not know, its sentence names all those that it does.
_WRONG_KEY = "in(defaults_column)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What an answer means for the users that were sent."""

    #: ``delivered``, ``partly``, ``refused``, ``split``, ``paused``, ``unauthorized``.
    outcome: str
    #: What Insider says against each user whom it refuses for good, by index. All others are delivered, unless…
    refused: Mapping[int, Sequence[Failure]] = field(default_factory=dict)
    #: …nobody can say who is meant: send halves, until the one stands alone that is refused for this reason.
    split: Refusal | None = None
    #: …or nothing counts as delivered, and the store waits so long (0: ever longer), for this reason.
    pause: tuple[float, str] | None = None


def rule(answer: Answer, users: int) -> Ruling:
    """Say what an answer to an upsert of so many users means, after Insider's list of answers and errors."""
    verdict = answer.verdict
    if verdict is not None and verdict.unattributed:
        # A failure that names no user may be anybody's: none of the batch counts as delivered. The excerpt has no data
        # of people; the store may be paused for this reason, and the log tells it.
        reason = f"Insider refuses without naming a user: {answer.excerpt}"
        return Ruling(outcome="split", split=Refusal(reason=reason, cause="unattributed"))
    if verdict is not None:
        return Ruling(outcome=_outcome(len(verdict.failed), users), refused=verdict.failed)
    reason = f"Insider answered {answer.status}: {answer.message}" if answer.status else f"no answer: {answer.message}"
    meaning = _BY_STATUS.get(answer.status or 0, "paused")
    if _PARTNER_INVALID in answer.message.lower():
        meaning = "unauthorized"
    if meaning == "split":
        return Ruling(outcome=meaning, split=Refusal(reason=reason, cause=f"request.{answer.status}"))
    return Ruling(outcome=meaning, pause=(_CREDENTIALS_PAUSE_SECONDS if meaning == "unauthorized" else 0.0, reason))


def attempt(answer: Answer, ruling: Ruling, *, users: int, size: int) -> Attempt:
    """Return what is to be journaled of an upsert."""
    return Attempt(
        users=users,
        bytes=size,
        status=answer.status,
        outcome=ruling.outcome,
        duration_ms=answer.duration_ms,
        excerpt=answer.excerpt or answer.message,
    )


def is_phone_only(failures: Sequence[Failure], update: UserUpdate) -> bool:
    """Whether nothing but the phone number is refused, and the user can do without it."""
    others = update.identifiers.keys() - {"phone_number"}
    subjects = {_subject(failure, update) for failure in failures}
    return bool(others) and subjects == {Subject("identifiers", "phone_number")}


def refusal(failures: Sequence[Failure], update: UserUpdate, mapping: TopicMapping | None) -> Refusal:
    """Say why Insider will not get an update: its own words, their kind, and the mapping rule that is to blame."""
    first = failures[0]
    subject = _subject(first, update)
    return Refusal(
        reason="; ".join(failure.message for failure in failures[:_REASONS]),
        cause=_cause(first, subject),
        rule=mapping.place_of(*subject) if mapping else "",
    )


class Subject(NamedTuple):
    """What of an update an error is about."""

    #: ``identifiers``, ``attributes``, ``events``, ``params``; empty where it is the user as a whole.
    section: str = ""
    #: The name there; empty where the error names none.
    name: str = ""


def _subject(failure: Failure, update: UserUpdate) -> Subject:
    parts = _parts(failure)
    section = parts[0] if parts else ""
    if section in {"identifiers", "insider_id"}:
        told = "" if _WRONG_KEY in failure.path else f"{failure.path} {failure.message}"
        name = next((name for name, sign in _IDENTIFIERS.items() if sign.search(told)), "")
        return Subject("identifiers", name if name in update.identifiers else "")
    if section == "attributes":
        return Subject("attributes", next((part for part in parts[1:] if part in update.attributes), ""))
    number = parts[1] if len(parts) > 1 else ""
    events = {str(position): event for position, event in enumerate(update.events)}
    if section == "events" and number in events:
        event = events[number]
        param = next((part for part in parts[2:] if part in event.params), "")
        return Subject("params", param) if param else Subject("events", event.name)
    return Subject()


def _cause(failure: Failure, subject: Subject) -> str:
    """Return the path without positions and patterns, which may differ from one refusal to the next like it."""
    named = {"*": subject.name if subject.section == "identifiers" else ""}
    parts = [named.get(part, part) for part in _parts(failure) if not part.isdecimal() and part != "custom"]
    return ".".join(filter(None, parts))[:_CAUSE_LIMIT] or "unknown"


def _parts(failure: Failure) -> list[str]:
    return failure.path.partition("(")[0].split(".")


def _outcome(refused: int, users: int) -> str:
    if not refused:
        return "delivered"
    return "refused" if refused == users else "partly"
