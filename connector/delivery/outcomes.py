"""What an answer of Insider means for each user of a batch, pure and after its list of answers and errors.

A user is delivered or dead; the batch is split where nobody is named; the store pauses, or an operator has to act.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from connector.insider.wire import Verdict
from connector.model import Attempt, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.insider.client import Response
    from connector.insider.wire import Failure
    from connector.mapping import TopicMapping
    from connector.model import UserUpdate

#: The operations that Insider is asked for: to take users, or to forget attributes of theirs.
UPSERT, CLEAR = "upsert", "clear"

#: Credentials do not mend themselves; a try now and then notices that they work again.
_CREDENTIALS_PAUSE_SECONDS = 900.0
_PARTNER_INVALID = "partner is invalid"
_CAUSE_LIMIT = 100
_WORDS = re.compile(r"\w+")
#: As many of Insider's sentences about one user are kept.
_REASONS = 10

#: What Insider says of a user whom it does not know. Its reference prints that, with 404, for other operations.
_UNKNOWN_USER = "no such user"
_NOT_FOUND = 404

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


def rule(answer: Response, users: int, operation: str = UPSERT) -> Ruling:
    """Say what an answer to a request of so many users means, after Insider's list of answers and errors."""
    verdict = answer.verdict if operation == UPSERT else _without_unknown(answer, users)
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


def _without_unknown(answer: Response, users: int) -> Verdict | None:
    """Return what an answer to a clear says, but for users whom Insider does not know: of them nothing is left."""
    if answer.status == _NOT_FOUND and _UNKNOWN_USER in answer.message:
        return Verdict(unattributed=users > 1)
    if answer.verdict is None:
        return None
    failed = {
        index: failures
        for index, failures in answer.verdict.failed.items()
        if not all(_UNKNOWN_USER in failure.message for failure in failures)
    }
    return replace(answer.verdict, failed=failed)


def attempt(answer: Response, ruling: Ruling, *, users: int, size: int, operation: str = UPSERT) -> Attempt:
    """Return what is to be journaled of a request."""
    return Attempt(
        users=users,
        bytes=size,
        status=answer.status,
        outcome=ruling.outcome,
        duration_ms=answer.duration_ms,
        excerpt=answer.excerpt or answer.message,
        operation=operation,
    )


def is_phone_only(failures: Sequence[Failure], update: UserUpdate) -> bool:
    """Whether nothing but the phone number is refused, and the user can do without it."""
    others = update.identifiers.keys() - {"phone_number"}
    subjects = {_subject(failure, update) for failure in failures}
    return bool(others) and subjects == {Subject("identifiers", "phone_number")}


def refusal(
    failures: Sequence[Failure], update: UserUpdate, mapping: TopicMapping | None, operation: str = UPSERT
) -> Refusal:
    """Say why Insider will not get an update: its own words, their kind, and the mapping rule that is to blame."""
    first = failures[0]
    subject = _subject(first, update, operation)
    return Refusal(
        reason="; ".join(failure.message for failure in failures[:_REASONS]),
        cause=_of_operation(_cause(first, subject), operation),
        rule=mapping.place_of(*subject) if mapping else "",
    )


def blamed(split: Refusal, update: UserUpdate, mapping: TopicMapping | None, operation: str = UPSERT) -> Refusal:
    """Name the place of the mapping, where Insider has not said what it was that it does not take."""
    subject = Subject("attributes", _only(update.cleared)) if operation == CLEAR else Subject()
    rule = mapping.place_of(*subject) if mapping else ""
    return replace(split, cause=_of_operation(split.cause, operation), rule=rule)


class Subject(NamedTuple):
    """What of an update an error is about."""

    #: ``identifiers``, ``attributes``, ``events``, ``params``; empty where it is the user as a whole.
    section: str = ""
    #: The name there; empty where the error names none.
    name: str = ""


def _subject(failure: Failure, update: UserUpdate, operation: str = UPSERT) -> Subject:
    parts = _parts(failure)
    section = parts[0] if parts else ""
    if section in {"identifiers", "insider_id"}:
        told = "" if _WRONG_KEY in failure.path else f"{failure.path} {failure.message}"
        name = next((name for name, sign in _IDENTIFIERS.items() if sign.search(told)), "")
        return Subject("identifiers", name if name in update.identifiers else "")
    if operation == CLEAR:
        # No error of a clear is printed in Insider's reference, so the name may stand anywhere.
        words = _WORDS.findall(f"{failure.path} {failure.message}")
        named = next((word for word in words if word in update.cleared), "")
        return Subject("attributes", named or _only(update.cleared))
    if section == "attributes":
        return Subject("attributes", next((part for part in parts[1:] if part in update.attributes), ""))
    number = parts[1] if len(parts) > 1 else ""
    events = {str(position): event for position, event in enumerate(update.events)}
    if section == "events" and number in events:
        event = events[number]
        param = next((part for part in parts[2:] if part in event.params), "")
        return Subject("params", param) if param else Subject("events", event.name)
    return Subject()


def _only(names: Sequence[str]) -> str:
    """Return the name where there is but one, else an empty one."""
    return names[0] if len(names) == 1 else ""


def _of_operation(cause: str, operation: str) -> str:
    return cause if operation == UPSERT else f"{operation}.{cause}"


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
