"""The marshmallow schemas of mapping files. The schemas load files into the classes of `parts`.

A schema knows the keys and shapes of one file. `connector.mapping.loading.checks` checks that several files fit
together.
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


#: An example value for each required key.
_EXAMPLES = {
    "topic": "swell/tier/earned",
    "description": "A customer has reached a VIP tier.",
    "label": "Tier Earned",
    "name": "tier_earned",
    "text": "Yotpo has switched off an integration.",
}


class Strict(Schema):
    """A schema that refuses unknown keys and suggests the key that was probably meant."""

    part: ClassVar[type[Any]]

    class Meta:  # noqa: D106 - marshmallow's way to set options
        unknown = RAISE

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.part(**{key: tuple(value) if isinstance(value, list) else value for key, value in data.items()})

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:
        """Replace marshmallow's messages with our own mistakes."""
        messages = error.messages
        if not isinstance(messages, dict):
            return
        missing = [key for key in messages if key in self.fields and isinstance(data, dict) and key not in data]
        unknown = [key for key in messages if key not in self.fields and key != "_schema"]
        for key in missing:
            messages[key] = [Mistake("missing-key", f"the key {key!r} is missing; add {key}: {_EXAMPLES[key]}")]
        for key in unknown:
            close = did_you_mean(str(key), missing) or did_you_mean(str(key), self.fields)
            messages[key] = [Mistake("unknown-key", f"no key {key!r} here{close or _place_for(key)}", of_key=True)]
            for meant in missing:
                if repr(meant) in close:  # a misspelt key is one mistake, so report it once
                    messages.pop(meant, None)
        for key, errors in messages.items():
            if isinstance(errors, list) and isinstance(errors[0], str):
                messages[key] = [Mistake("wrong-shape", f"this {errors[0]}; each item begins with a dash")]
        if "_schema" in messages:
            messages["_schema"] = [
                Mistake("wrong-shape", f"this must contain keys and values: {', '.join(self.fields)}")
            ]


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


#: The place where the keys of each schema belong. The message for a key in the wrong place names this place.
_PLACES: Mapping[type[Strict], str] = {
    TopicSchema: "at the top of a topic's file",
    _User: "in an entry of users",
    _UserEvent: "in an entry of events",
    _Notice: "under notice",
    GroupSchema: "in a group of groups.yaml",
}


def _place_for(key: str) -> str:
    places = [place for schema, place in _PLACES.items() if key in schema().fields]
    return f"; it belongs {places[0]}" if places else ""


def topic_part(document: Document) -> parts.TopicPart | None:
    """Return the content of a topic's file. If it breaks the schema, add the problems to `document` and return None."""
    try:
        loaded: parts.TopicPart = TopicSchema().load(document.data)  # type: ignore[arg-type]
    except ValidationError as error:
        _report(document, (), error.messages)
        return None
    return loaded


def groups(document: Document) -> dict[str, parts.Group] | None:
    """Return the groups of a file. If a group breaks the schema, add the problems to `document` and return None."""
    loaded: dict[str, parts.Group] = {}
    is_valid = True
    for name, data in document.data.items() if isinstance(document.data, dict) else ():
        try:
            loaded[name] = GroupSchema().load(data)  # type: ignore[arg-type]
        except ValidationError as error:
            _report(document, (name,), error.messages)
            is_valid = False
    return loaded if is_valid else None


def _report(document: Document, steps: Steps, messages: Any) -> None:
    for place, mistake in _flat(steps, messages):
        document.problem(place, mistake.code, mistake.sentence, of_value=not mistake.of_key)


def _flat(steps: Steps, messages: Any) -> Iterator[tuple[Steps, Mistake]]:
    """Yield the mistakes in marshmallow's tree of messages, each with the steps to its place in the file."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flat(steps if key == "_schema" else (*steps, key), inner)
    else:
        for mistake in messages:
            yield steps, mistake
