"""What a mapping file may say, as marshmallow schemas that load into `parts`.

A schema knows keys and shapes of one file. What must fit between files is the business of `checks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, post_load

from connector.mapping import parts
from connector.mapping.fields import GroupNames, Identifiers, On, Paths, Rules, Text, Word
from connector.mapping.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.mapping.documents import Document, Steps


class _Strict(Schema):
    """Refuses unknown keys, and says which known one was probably meant."""

    part: ClassVar[type[Any]]

    class Meta:
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.part(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:
        if not isinstance(error.messages, dict):
            return
        for key in error.messages:
            if key == "_schema":
                error.messages[key] = ["must hold keys and values"]
            elif key in self.fields:
                if isinstance(data, dict) and key not in data:
                    error.messages[key] = [f"the key {key!r} is missing"]
            else:
                error.messages[key] = [f"unknown key {key!r}{did_you_mean(str(key), self.fields)}"]


class _Group(_Strict):
    part = parts.Group
    paths = Word("webhook")
    identifiers = Identifiers()
    attributes = Rules(clearable=True)
    params = Rules()


class _UserEvent(_Strict):
    part = parts.UserEventPart
    label = Text(required=True)
    name = Text(required=True)
    include = GroupNames()
    params = Rules()


class _User(_Strict):
    part = parts.UserPart
    person = Paths()
    optional = On()
    include = GroupNames()
    identifiers = Identifiers()
    attributes = Rules(clearable=True)
    events = fields.List(fields.Nested(_UserEvent), error_messages={"invalid": "must be a list of events"})


class _Notice(_Strict):
    part = parts.NoticePart
    text = Text(required=True)
    details = Rules()


class _Topic(_Strict):
    part = parts.TopicPart
    topic = Text(required=True)
    description = Text(required=True)
    skip_hook = On()
    users = fields.List(fields.Nested(_User), error_messages={"invalid": "must be a list of users"})
    notice = fields.Nested(_Notice)


def topic_part(document: Document) -> parts.TopicPart | None:
    """Return what the file says, or None where it breaks the schema, which the document's problems then tell."""
    try:
        loaded: parts.TopicPart = _Topic().load(document.data)  # type: ignore[arg-type]
    except ValidationError as error:
        _tell(document, (), error.messages)
        return None
    return loaded


def groups(document: Document) -> dict[str, parts.Group] | None:
    """Return the groups of the file, or None where one of them breaks the schema."""
    found: dict[str, parts.Group] = {}
    sound = True
    for name, data in document.data.items() if isinstance(document.data, dict) else ():
        try:
            found[name] = _Group().load(data)  # type: ignore[arg-type]
        except ValidationError as error:
            _tell(document, (name,), error.messages)
            sound = False
    return found if sound else None


def _tell(document: Document, steps: Steps, messages: Any) -> None:
    for place, sentence in _flat(steps, messages):
        document.problem(place, sentence)


def _flat(steps: Steps, messages: Any) -> Iterator[tuple[Steps, str]]:
    """Turn marshmallow's tree of messages into sentences, each with the steps to what it is about."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flat(steps if key == "_schema" else (*steps, key), inner)
    else:
        for sentence in messages:
            yield steps, sentence
