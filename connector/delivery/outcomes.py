"""Decides what Insider's response means for each user of a batch.

These functions are pure and follow Insider's list of errors. The deliveries of a user are delivered or become dead
letters. If the response refuses the batch without naming a user, the batch is split. If Insider is down or refuses the
credentials, the store pauses.
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

#: If Insider refuses a store's credentials, the store pauses for this time. The first batch after the pause tests the
#: credentials again.
_CREDENTIALS_PAUSE_SECONDS = 900.0
_PARTNER_INVALID = "partner is invalid"
_CAUSE_LIMIT = 100
_WORDS = re.compile(r"\w+")
#: The most sentences from Insider that a refusal of one user keeps.
_REASONS_LIMIT = 10

#: Insider's message about an unknown user. Insider's reference shows it, with status 404, for other operations.
_UNKNOWN_USER = "no such user"
_NOT_FOUND = 404

#: The meaning of HTTP statuses other than 200. Any status that is not in this list counts as a failure of Insider, and
#: the store pauses.
_BY_STATUS = {400: "split", 413: "split", 401: "unauthorized", 403: "unauthorized"}

#: The patterns that show which identifier an error is about. The error's path ends in a pattern, not in the
#: identifier's name.
_IDENTIFIERS = {
    "email": re.compile(r"@|email address"),
    "phone_number": re.compile(r"phone number|regexp\(\^\\+\+"),
    "uuid": re.compile(r"uuid"),
}
#: An error's path contains this text if Insider does not know the identifier. The message of the error then lists all
#: identifiers that Insider knows.
_WRONG_KEY = "in(defaults_column)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What a response means for the users that were sent."""

    #: One of ``delivered``, ``partly``, ``refused``, ``split``, ``paused``, ``unauthorized``.
    outcome: str
    #: By the user's index in the request: why Insider refuses the user for good. All other users are delivered, unless
    #: `split` or `pause` is set.
    refused: Mapping[int, Sequence[Failure]] = field(default_factory=dict)
    #: Set if Insider refuses the request without naming a user. Then nothing counts as delivered, and the users are
    #: sent again in halves. If the request contains a single delivery, this is the refusal of that delivery.
    split: Refusal | None = None
    #: Set if the store has to pause: the seconds (0: longer after each failure) and the reason. Then nothing counts as
    #: delivered.
    pause: tuple[float, str] | None = None


def rule(response: Response, users: int, operation: str = UPSERT) -> Ruling:
    """Return what a response means, by Insider's list of errors. `users` is the number of users in the request."""
    verdict = response.verdict if operation == UPSERT else _without_unknown_users(response, users)
    if verdict is not None and verdict.unattributed:
        # A failure that names no user may concern any user, so nothing in the batch counts as delivered. The reason may
        # appear in the log if the store is paused. This is allowed, because the excerpt contains no personal data.
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
    """Return the verdict on a clear, without the failures of unknown users. An unknown user has nothing to clear."""
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
    """Return the attempt that the journal records for a request."""
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
    """Return why Insider refuses an update: Insider's sentences, their cause, and the mapping rule to check."""
    first = failures[0]
    subject = _subject(first, update, operation)
    return Refusal(
        reason="; ".join(failure.message for failure in failures[:_REASONS_LIMIT]),
        cause=_of_operation(_cause(first, subject), operation),
        rule=mapping.place_of(*subject) if mapping else "",
    )


def blamed(split: Refusal, update: UserUpdate, mapping: TopicMapping | None, operation: str = UPSERT) -> Refusal:
    """Return the refusal of an update that was alone in its request, when Insider refused the request.

    Insider's response does not say which part of the update is wrong. So the refusal names the place of the whole user
    in the mapping. If the request clears exactly one attribute, the refusal names the place of that attribute.
    """
    subject = Subject("attributes", _only(update.cleared)) if operation == CLEAR else Subject()
    rule = mapping.place_of(*subject) if mapping else ""
    return replace(split, cause=_of_operation(split.cause, operation), rule=rule)


class Subject(NamedTuple):
    """The part of an update that an error is about."""

    #: One of ``identifiers``, ``attributes``, ``events``, ``params``; empty if the error is about the whole user.
    section: str = ""
    #: The name within that section; empty if the error contains no name.
    name: str = ""


def _subject(failure: Failure, update: UserUpdate, operation: str = UPSERT) -> Subject:
    parts = _parts(failure)
    section = parts[0] if parts else ""
    if section in {"identifiers", "insider_id"}:
        text = "" if _WRONG_KEY in failure.path else f"{failure.path} {failure.message}"
        name = next((name for name, pattern in _IDENTIFIERS.items() if pattern.search(text)), "")
        return Subject("identifiers", name if name in update.identifiers else "")
    if operation == CLEAR:
        # Insider's reference shows no error of a clear, so the attribute's name may be anywhere in the error.
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
    """Return the error's path without positions and patterns, so that similar refusals have the same cause."""
    names = {"*": subject.name if subject.section == "identifiers" else ""}
    parts = [names.get(part, part) for part in _parts(failure) if not part.isdecimal() and part != "custom"]
    return ".".join(filter(None, parts))[:_CAUSE_LIMIT] or "unknown"


def _parts(failure: Failure) -> list[str]:
    return failure.path.partition("(")[0].split(".")


def _outcome(refused: int, users: int) -> str:
    if not refused:
        return "delivered"
    return "refused" if refused == users else "partly"
