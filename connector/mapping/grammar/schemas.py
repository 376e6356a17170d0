"""What a mapping file may say, as marshmallow schemas that load into `parts`.

A schema knows keys and shapes of one file. What must fit between files is the business of `checks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, post_load

from connector.mapping.grammar import parts
from connector.mapping.grammar.fields import GroupNames, Identifiers, Paths, Rules, Switch, Text, Word
from connector.mapping.reading.problems import Mistake, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connector.mapping.reading.documents import Document, Steps


#: Of the keys that must be there.
_EXAMPLES = {
    "topic": "swell/tier/earned",
    "description": "A customer has reached a VIP tier.",
    "label": "Tier Earned",
    "name": "tier_earned",
    "text": "Yotpo has switched off an integration.",
}


class Strict(Schema):
    """Refuses unknown keys, and says which known one was probably meant."""

    part: ClassVar[type[Any]]

    class Meta:  # noqa: D106 - marshmallow's way to set options
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.part(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:
        """Put mistakes of ours into the place of marshmallow's own messages."""
        messages = error.messages
        if not isinstance(messages, dict):
            return
        missing = [key for key in messages if key in self.fields and isinstance(data, dict) and key not in data]
        unknown = [key for key in messages if key not in self.fields and key != "_schema"]
        for key in missing:
            messages[key] = [Mistake("missing-key", f"the key {key!r} is missing; add {key}: {_EXAMPLES[key]}")]
        for key in unknown:
            close = did_you_mean(str(key), missing) or did_you_mean(str(key), self.fields)
            messages[key] = [Mistake("unknown-key", f"no key {key!r} here{close or _home_of(key)}", of_key=True)]
            for meant in missing:
                if repr(meant) in close:  # one mistake, told once
                    messages.pop(meant, None)
        for key, told in messages.items():
            if isinstance(told, list) and isinstance(told[0], str):
                messages[key] = [Mistake("wrong-shape", f"this {told[0]}, each of which begins with a dash")]
        if "_schema" in messages:
            messages["_schema"] = [Mistake("wrong-shape", f"this must hold keys and values: {', '.join(self.fields)}")]


class GroupSchema(Strict):
    part = parts.Group
    paths = Word("webhook")
    identifiers = Identifiers()
    attributes = Rules(clearable=True)
    params = Rules()


class _UserEvent(Strict):
    part = parts.UserEventPart
    label = Text(required=True)
    name = Text(required=True)
    include = GroupNames()
    params = Rules()


class _User(Strict):
    part = parts.UserPart
    person = Paths()
    optional = Switch()
    include = GroupNames()
    identifiers = Identifiers()
    attributes = Rules(clearable=True)
    events = fields.List(fields.Nested(_UserEvent), error_messages={"invalid": "must be a list of events"})


class _Notice(Strict):
    part = parts.NoticePart
    text = Text(required=True)
    details = Rules()


class TopicSchema(Strict):
    part = parts.TopicPart
    topic = Text(required=True)
    description = Text(required=True)
    skip_hook = Switch()
    users = fields.List(fields.Nested(_User), error_messages={"invalid": "must be a list of users"})
    notice = fields.Nested(_Notice)


#: Where a key is at home that stands elsewhere.
_HOMES: Mapping[type[Strict], str] = {
    TopicSchema: "at the top of a topic's file",
    _User: "in an entry of users",
    _UserEvent: "in an entry of events",
    _Notice: "under notice",
    GroupSchema: "in a group of groups.yaml",
}


def _home_of(key: str) -> str:
    homes = [home for schema, home in _HOMES.items() if key in schema().fields]
    return f"; it belongs {homes[0]}" if homes else ""


def topic_part(document: Document) -> parts.TopicPart | None:
    """Return what the file says, or None where it breaks the schema, which the document's problems then tell."""
    try:
        loaded: parts.TopicPart = TopicSchema().load(document.data)  # type: ignore[arg-type]
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
            found[name] = GroupSchema().load(data)  # type: ignore[arg-type]
        except ValidationError as error:
            _tell(document, (name,), error.messages)
            sound = False
    return found if sound else None


def _tell(document: Document, steps: Steps, messages: Any) -> None:
    for place, mistake in _flat(steps, messages):
        document.problem(place, mistake.code, mistake.sentence, of_value=not mistake.of_key)


def _flat(steps: Steps, messages: Any) -> Iterator[tuple[Steps, Mistake]]:
    """Turn marshmallow's tree of messages into mistakes, each with the steps to what it is about."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flat(steps if key == "_schema" else (*steps, key), inner)
    else:
        for mistake in messages:
            yield steps, mistake
