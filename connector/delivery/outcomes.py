"""Policy, pure: what Insider's response means for each user of a batch. It follows Insider's list of errors.

A user is delivered or dead. The batch is split if the response refuses without naming a user. The store pauses if
Insider is down or refuses the credentials.
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

#: The two operations: upsert users, or clear attributes of users.
UPSERT, CLEAR = "upsert", "clear"

#: Credentials seldom start to work by themselves. A try from time to time notices it.
_CREDENTIALS_PAUSE_SECONDS = 900.0
_PARTNER_INVALID = "partner is invalid"
_CAUSE_LIMIT = 100
_WORDS = re.compile(r"\w+")
#: How many of Insider's sentences about one user are kept.
_REASONS_LIMIT = 10

#: What Insider says about a user that it does not know. Its reference prints this, with 404, for other operations.
_UNKNOWN_USER = "no such user"
_NOT_FOUND = 404

#: What an HTTP status other than 200 means. Any status that is not listed is a fault of Insider's: the store pauses.
_BY_STATUS = {400: "split", 413: "split", 401: "unauthorized", 403: "unauthorized"}

#: How to tell from Insider's error which identifier it is about. Its path ends in a pattern, not in a name.
_IDENTIFIERS = {
    "email": re.compile(r"@|email address"),
    "phone_number": re.compile(r"phone number|regexp\(\^\\+\+"),
    "uuid": re.compile(r"uuid"),
}
#: Part of the path if Insider does not know the identifier. Its sentence then lists all identifiers that it knows.
_WRONG_KEY = "in(defaults_column)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What a response means for the users that were sent."""

    #: ``delivered``, ``partly``, ``refused``, ``split``, ``paused``, ``unauthorized``.
    outcome: str
    #: Why Insider refuses users for good, by the user's index. All other users are delivered, unless `split` or `pause`
    #: is set.
    refused: Mapping[int, Sequence[Failure]] = field(default_factory=dict)
    #: If set, the response names no user: nothing counts as delivered, and the users are sent again in halves. This is
    #: the refusal of a delivery that is refused alone.
    split: Refusal | None = None
    #: If set, nothing counts as delivered, and the store pauses: for how many seconds (0: longer each time), and why.
    pause: tuple[float, str] | None = None


def rule(response: Response, users: int, operation: str = UPSERT) -> Ruling:
    """Return what the response to a request with `users` users means, by Insider's list of errors."""
    verdict = response.verdict if operation == UPSERT else _without_unknown_users(response, users)
    if verdict is not None and verdict.unattributed:
        # A failure that names no user may concern any user, so nothing in the batch counts as delivered. The reason may
        # appear in the log if the store is paused; the excerpt holds no personal data.
        reason = f"Insider refuses without naming a user: {response.excerpt}"
        return Ruling(outcome="split", split=Refusal(reason=reason, cause="unattributed"))
    if verdict is not None:
        return Ruling(outcome=_outcome(len(verdict.failed), users), refused=verdict.failed)
    answered = f"Insider answered {response.status}" if response.status else "no answer"
    reason = f"{answered}: {response.message}"
    meaning = _BY_STATUS.get(response.status or 0, "paused")
    if _PARTNER_INVALID in response.message.lower():
        meaning = "unauthorized"
    if meaning == "split":
        return Ruling(outcome=meaning, split=Refusal(reason=reason, cause=f"request.{response.status}"))
    return Ruling(outcome=meaning, pause=(_CREDENTIALS_PAUSE_SECONDS if meaning == "unauthorized" else 0.0, reason))


def _without_unknown_users(response: Response, users: int) -> Verdict | None:
    """Return what the response to a clear says, without failures for unknown users: they have nothing to clear."""
    if response.status == _NOT_FOUND and _UNKNOWN_USER in response.message:
        return Verdict(unattributed=users > 1)
    if response.verdict is None:
        return None
    failed = {
        index: failures
        for index, failures in response.verdict.failed.items()
        if not all(_UNKNOWN_USER in failure.message for failure in failures)
    }
    return replace(response.verdict, failed=failed)


def attempt(response: Response, ruling: Ruling, *, users: int, size: int, operation: str = UPSERT) -> Attempt:
    """Return the attempt to journal for a request."""
    return Attempt(
        users=users,
        bytes=size,
        status=response.status,
        outcome=ruling.outcome,
        duration_ms=response.duration_ms,
        excerpt=response.excerpt or response.message,
        operation=operation,
    )


def is_phone_only(failures: Sequence[Failure], update: UserUpdate) -> bool:
    """Return whether Insider refuses only the phone number, and the user has another identifier."""
    others = update.identifiers.keys() - {"phone_number"}
    subjects = {_subject(failure, update) for failure in failures}
    return bool(others) and subjects == {Subject("identifiers", "phone_number")}


def refusal(
    failures: Sequence[Failure], update: UserUpdate, mapping: TopicMapping | None, operation: str = UPSERT
) -> Refusal:
    """Return why Insider refuses an update: its own sentences, their cause, and the mapping rule to look at."""
    first = failures[0]
    subject = _subject(first, update, operation)
    return Refusal(
        reason="; ".join(failure.message for failure in failures[:_REASONS_LIMIT]),
        cause=_of_operation(_cause(first, subject), operation),
        rule=mapping.place_of(*subject) if mapping else "",
    )


def blamed(split: Refusal, update: UserUpdate, mapping: TopicMapping | None, operation: str = UPSERT) -> Refusal:
    """Return the refusal of an update that was refused alone, with the place of its mapping.

    Insider has not said what is wrong, so the place is that of the whole user, or of the only cleared attribute.
    """
    subject = Subject("attributes", _only(update.cleared)) if operation == CLEAR else Subject()
    rule = mapping.place_of(*subject) if mapping else ""
    return replace(split, cause=_of_operation(split.cause, operation), rule=rule)


class Subject(NamedTuple):
    """The part of an update that an error is about."""

    #: ``identifiers``, ``attributes``, ``events``, ``params``; empty if the error is about the user as a whole.
    section: str = ""
    #: The name in that section; empty if the error names none.
    name: str = ""


def _subject(failure: Failure, update: UserUpdate, operation: str = UPSERT) -> Subject:
    parts = _parts(failure)
    section = parts[0] if parts else ""
    if section in {"identifiers", "insider_id"}:
        text = "" if _WRONG_KEY in failure.path else f"{failure.path} {failure.message}"
        name = next((name for name, pattern in _IDENTIFIERS.items() if pattern.search(text)), "")
        return Subject("identifiers", name if name in update.identifiers else "")
    if operation == CLEAR:
        # Insider's reference shows no error of a clear, so the name may be anywhere in it.
        words = _WORDS.findall(f"{failure.path} {failure.message}")
        attribute = next((word for word in words if word in update.cleared), "")
        return Subject("attributes", attribute or _only(update.cleared))
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
    """Return the name if there is exactly one, else an empty string."""
    return names[0] if len(names) == 1 else ""


def _of_operation(cause: str, operation: str) -> str:
    return cause if operation == UPSERT else f"{operation}.{cause}"


def _cause(failure: Failure, subject: Subject) -> str:
    """Return the path without positions and patterns, so that similar refusals have the same cause."""
    names = {"*": subject.name if subject.section == "identifiers" else ""}
    parts = [names.get(part, part) for part in _parts(failure) if not part.isdecimal() and part != "custom"]
    return ".".join(filter(None, parts))[:_CAUSE_LIMIT] or "unknown"


def _parts(failure: Failure) -> list[str]:
    return failure.path.partition("(")[0].split(".")


def _outcome(refused: int, users: int) -> str:
    if not refused:
        return "delivered"
    return "refused" if refused == users else "partly"
