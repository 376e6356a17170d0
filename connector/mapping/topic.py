"""The compiled mapping of one topic. It is pure: no clock, no I/O, and nothing in a webhook can make it raise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from connector import times
from connector.mapping.values import UnfitError
from connector.model import Mapped, Note, Refusal, UserEvent, UserUpdate, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from connector.model import Json, Options

_NOBODY: Json = {}
_SPOKEN = {"email": "e-mail address", "phone_number": "phone number", "uuid": "user id"}


class Rule(NamedTuple):
    """One rule, compiled."""

    name: str
    #: From the object where the rule's paths start to the value. None: nothing is there. Raises UnfitError.
    value_of: Callable[[Json, Options], Value | None]
    #: True where the paths start at the person, False where they start at the top of the webhook.
    from_person: bool
    #: Where the rule stands: ``groups.yaml:12``.
    place: str
    #: The kind of value at Insider: text, number, boolean, time, list.
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventMapping:
    name: str
    label: str
    #: Where it stands.
    place: str
    params: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class UserMapping:
    #: Where it stands.
    place: str
    #: Where the person lies, in words, for the operator.
    whereabouts: str
    person_of: Callable[[Json], Json | None]
    optional: bool
    identifiers: tuple[Rule, ...]
    attributes: tuple[Rule, ...]
    events: tuple[EventMapping, ...]

    def rules(self, section: str) -> Iterable[Rule | EventMapping]:
        """Return what fills a part of the update: identifiers, attributes, events, params."""
        if section == "params":
            return (rule for event in self.events for rule in event.params)
        if section == "events":
            return self.events
        return {"identifiers": self.identifiers, "attributes": self.attributes}.get(section, ())


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeMapping:
    text: str
    details: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicMapping:
    topic: str
    description: str
    #: Where it stands.
    file: str
    #: True where Insider must not start journeys from what this topic tells.
    skip_hook: bool
    users: tuple[UserMapping, ...]
    notice: NoticeMapping | None

    def apply(self, body: Json, occurred_at: datetime, options: Options) -> Mapped:
        """Say what Insider should learn from this webhook."""
        application = _Application(body, times.rfc3339(occurred_at), options)
        updates: list[UserUpdate] = []
        refused: list[tuple[UserUpdate, Refusal]] = []
        for user in self.users:
            person = user.person_of(body)
            before = len(application.notes)
            update = application.update(user, person or _NOBODY)
            if update is None:
                continue
            if update.identifiers:
                updates.append(update)
            else:
                refused.append((update, _refusal(user, person, application.notes[before:])))
        notice = None
        if self.notice:
            notice = (self.notice.text, application.values(self.notice.details, _NOBODY))
        return Mapped(updates=tuple(updates), refused=tuple(refused), notes=tuple(application.notes), notice=notice)

    def place_of(self, section: str, name: str) -> str:
        """Return where the rule stands that fills this, such as ``groups.yaml:12``.

        `section` is identifiers, attributes, events or params. Where no rule is known, the place of the first user.
        """
        rules = (rule for user in self.users for rule in user.rules(section) if rule.name == name)
        first = self.users[0].place if self.users else f"{self.file}:1"
        return next((rule.place for rule in rules), first)


class _Application:
    """One use of a mapping, on one webhook."""

    def __init__(self, body: Json, timestamp: str, options: Options) -> None:
        self._body = body
        self._timestamp = timestamp
        self._options = options
        self.notes: list[Note] = []

    def update(self, user: UserMapping, person: Json) -> UserUpdate | None:
        """Return what Insider should learn about this person; None where that is nothing."""
        identifiers = self.values(user.identifiers, person)
        if user.optional and not identifiers:
            return None
        attributes = self.values(user.attributes, person)
        events = tuple(
            UserEvent(name=event.name, timestamp=self._timestamp, params=self.values(event.params, person))
            for event in user.events
        )
        if identifiers and not attributes and not events:
            return None
        texts = {name: str(value) for name, value in identifiers.items()}
        return UserUpdate(identifiers=texts, attributes=attributes, events=events)

    def values(self, rules: Iterable[Rule], person: Json) -> dict[str, Value]:
        """Compute the values of these rules. One that is unfit is left out and noted; it holds nothing else back."""
        found: dict[str, Value] = {}
        body, options = self._body, self._options
        for name, value_of, from_person, place, _ in rules:
            try:
                value = value_of(person if from_person else body, options)
            except UnfitError as unfit:
                self.notes.append(Note(name=name, problem=f"{unfit}, so it was left out.", rule=place))
                continue
            if value is not None:
                found[name] = value
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingSet:
    """All mappings of a set of files."""

    #: The hash of the files' names and contents.
    version: str
    #: Contents by name, as they were read.
    files: Mapping[str, bytes] = field(repr=False)
    by_topic: Mapping[str, TopicMapping]
    #: Every attribute and every param that a mapping may write, with the kind of value that Insider has to expect.
    attributes: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(self.by_topic)

    def get(self, topic: str) -> TopicMapping | None:
        return self.by_topic.get(topic)


def _refusal(user: UserMapping, person: Json | None, notes: list[Note]) -> Refusal:
    """Say why Insider could not know whom this is about."""
    places = [rule.place for rule in user.identifiers]
    invalid = [_SPOKEN[note.name] for note in notes if note.rule in places]
    wanted = " or ".join(_SPOKEN[rule.name] for rule in user.identifiers)
    place = next(iter(places), user.place)
    if invalid:
        reason = f"The {' and the '.join(invalid)} of the person is not valid."
        return Refusal(reason=reason, cause="identifier.invalid", rule=place)
    if person is None:
        reason = f"The webhook holds no person under {user.whereabouts}, and no {wanted}."
        return Refusal(reason=reason, cause="person.missing", rule=user.place)
    return Refusal(reason=f"The person has no {wanted}.", cause="identifier.missing", rule=place)
