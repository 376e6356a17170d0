"""The compiled mapping of one topic. It uses no clock and no I/O.

No content of a webhook can make it raise an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.model import Mapped, Refusal, UserUpdate, times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from connector.mapping.running.compiling import Fill, Rule
    from connector.mapping.types.lookup import Path
    from connector.model import Json, Note, Options

_IN_WORDS = {"email": "e-mail address", "phone_number": "phone number", "uuid": "user id"}


@dataclass(frozen=True, kw_only=True, slots=True)
class EventMapping:
    name: str
    label: str
    #: The place in a file: ``swell.tier.earned.yaml:12``.
    place: str
    params: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UserMapping:
    #: The place in a file: ``swell.tier.earned.yaml:7``.
    place: str
    #: The paths to the person; the first path to an object is used. Empty if the whole webhook is the person.
    person: tuple[Path, ...]
    #: Where the person is in the webhook, in words for the operator.
    whereabouts: str
    person_of: Callable[[Json], Json | None]
    optional: bool
    identifiers: tuple[Rule, ...]
    attributes: tuple[Rule, ...]
    events: tuple[EventMapping, ...]
    #: The compiled function of all these rules.
    fill: Fill

    def rules(self, section: str) -> Iterable[Rule | EventMapping]:
        """Return the rules of a section of the update: ``identifiers``, ``attributes``, ``events`` or ``params``."""
        if section == "params":
            return (rule for event in self.events for rule in event.params)
        if section == "events":
            return self.events
        return {"identifiers": self.identifiers, "attributes": self.attributes}.get(section, ())


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeMapping:
    text: str
    details: tuple[Rule, ...]
    #: The details, compiled as if they were attributes.
    fill: Fill


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicMapping:
    topic: str
    description: str
    #: The name of the topic's shared file, or of an overlay's file if there is no shared file.
    file: str
    #: True if Insider must not start journeys from this topic's updates.
    skip_hook: bool
    users: tuple[UserMapping, ...]
    notice: NoticeMapping | None

    def apply(self, body: Json, occurred_at: datetime, options: Options) -> Mapped:
        """Map a webhook: return the updates of its users, the refused users, the notes and the notice."""
        timestamp = times.rfc3339(occurred_at)
        updates: list[UserUpdate] = []
        refused: list[tuple[UserUpdate, Refusal]] = []
        notes: list[Note] = []
        for user in self.users:
            before = len(notes)
            update = user.fill(body, timestamp, options, notes)
            if update is None:
                continue
            if not update.identifiers:
                refused.append((update, _refusal(user, user.person_of(body), notes[before:])))
            elif update.attributes or update.events or update.cleared:
                updates.append(update)
        notice = None
        if self.notice:
            details = self.notice.fill(body, timestamp, options, notes)
            notice = (self.notice.text, details.attributes if details else {})
        return Mapped(tuple(updates), tuple(refused), tuple(notes), notice)

    def place_of(self, section: str, name: str) -> str:
        """Return the place of the rule that fills a name, such as ``groups.yaml:12``.

        `section` is identifiers, attributes, events or params. If no rule fills the name, return the place of the
        first user.
        """
        rules = (rule for user in self.users for rule in user.rules(section) if rule.name == name)
        first = self.users[0].place if self.users else f"{self.file}:1"
        return next((rule.place for rule in rules), first)


def _refusal(user: UserMapping, person: Json | None, notes: Sequence[Note]) -> Refusal:
    """Return why a user without identifiers is refused: Insider could not know who it is."""
    places = [rule.place for rule in user.identifiers]
    invalid = [_IN_WORDS[note.name] for note in notes if note.rule in places]
    missing = " or ".join(_IN_WORDS[rule.name] for rule in user.identifiers)
    place = next(iter(places), user.place)
    if invalid:
        reason = f"The {' and the '.join(invalid)} of the person is not valid."
        return Refusal(reason=reason, cause="identifier.invalid", rule=place)
    if person is None:
        reason = f"The webhook holds no person under {user.whereabouts}, and no {missing}."
        return Refusal(reason=reason, cause="person.missing", rule=user.place)
    return Refusal(reason=f"The person has no {missing}.", cause="identifier.missing", rule=place)
