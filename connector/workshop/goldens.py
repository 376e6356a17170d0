"""Golden pairs: a webhook and the expected result of its mapping, side by side under ``mappings/examples``.

`connector.mapping.checking.examples` finds the files. The name of a case says which situation the webhook is about.
`accept` writes the current result as the expected result. The reviewer then reads the change of the file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.errors import OperatorError
from connector.mapping.checking import examples as examples_of
from connector.mapping.reading.texts import Slip
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.mapping import MappingSet
    from connector.model import Json, Mapped, Options, UserUpdate

#: The time of receipt in all golden pairs. It is also the time of the event if the webhook contains no time.
RECEIVED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)

_ABSENT = object()


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One golden pair."""

    topic: str
    case: str
    webhook: Path
    expected: Path
    #: The options of the pair's store. They name the overlay if the pair is in an overlay's directory.
    options: Options

    def __str__(self) -> str:
        name = f"{self.webhook.parent.name}/{self.case}"
        return f"{name} ({self.options.overlay})" if self.options.overlay else name


def of_directory(directory: Path, mappings: MappingSet) -> Iterator[Golden]:
    """Yield the pairs of a directory with mapping files: first the shared pairs, then the pairs of its overlays."""
    for overlay, examples in examples_of.directories(directory):
        yield from goldens(examples, mappings, overlay)


def goldens(examples: Path, mappings: MappingSet, overlay: str | None = None) -> Iterator[Golden]:
    """Yield the pairs of a directory of examples. The file with the expected result may still be missing."""
    mapped = mappings.overlays.get(overlay or "", mappings.by_topic)
    topic_of = {topic.replace("/", "."): topic for topic in mapped}
    for example in examples_of.find(examples, overlay):
        if example.directory not in topic_of:
            raise OperatorError(f"{example.webhook}: no mapping file maps the topic of this directory")
        options = examples_of.options_of(example, mappings.overlays)
        if isinstance(options, Slip):
            raise _unreadable(example.options, options)
        yield Golden(
            topic=topic_of[example.directory],
            case=example.case,
            webhook=example.webhook,
            expected=example.expected,
            options=options,
        )


def run(golden: Golden, mappings: MappingSet) -> Json:
    """Map the pair's webhook as a worker would. Raises OperatorError if the webhook has another topic."""
    mapping = mappings.get(golden.topic, golden.options.overlay)
    body = _read(golden.webhook)
    event = recognise(body, path_topic=golden.topic, received_at=RECEIVED_AT)
    if mapping is None or event.topic != golden.topic:
        raise OperatorError(
            f"{golden.webhook}: the webhook has the topic {event.topic}; move it to that topic's directory"
        )
    return as_json(mapping.apply(body, event.happened_at(RECEIVED_AT), golden.options))


def as_json(mapped: Mapped) -> Json:
    """Return the result of a mapping as JSON, without empty keys."""
    result: Json = {
        "users": [_user(update) for update in mapped.updates],
        "refused": [{"reason": refusal.reason, **_user(update)} for update, refusal in mapped.refused],
        "notes": [{"name": note.name, "problem": note.problem} for note in mapped.notes],
    }
    if mapped.notice:
        text, details = mapped.notice
        result["notice"] = {"text": text, "details": dict(details)}
    return without_empty(result)


def difference(golden: Golden, mappings: MappingSet) -> str:
    """Return the differences from the expected result, one line for each value; empty if there is no difference.

    If the pair cannot be run, the text is the error message.
    """
    try:
        expected = _read(golden.expected) if golden.expected.exists() else {}
        return "".join(f"  {line}\n" for line in _differences("", expected, run(golden, mappings)))
    except OperatorError as error:
        return f"  {error}\n"


def accept(golden: Golden, mappings: MappingSet) -> bool:
    """Write the mapping's result as the expected result. Return True if the file was changed."""
    if golden.expected.exists() and not difference(golden, mappings):
        return False
    golden.expected.write_text(_text(run(golden, mappings), indent=2) + "\n", encoding="utf-8")
    return True


def without_empty(values: Json) -> Json:
    """Return the entries that are not empty."""
    return {key: value for key, value in values.items() if value}


def _user(update: UserUpdate) -> Json:
    return without_empty(
        {
            "identifiers": dict(update.identifiers),
            "attributes": dict(update.attributes),
            "cleared": list(update.cleared),
            "events": [without_empty(asdict(event)) for event in update.events],
        }
    )


def _differences(path: str, expected: Any, actual: Any) -> Iterator[str]:
    """Yield a line for each value that differs: ``users.0.attributes.name: "Ann", expected: "Anne"``."""
    if _is_inner(expected) and _is_inner(actual) and isinstance(expected, dict) == isinstance(actual, dict):
        before, now = _entries(expected), _entries(actual)
        for key in dict.fromkeys([*before, *now]):
            key_path = f"{path}.{key}" if path else key
            yield from _differences(key_path, before.get(key, _ABSENT), now.get(key, _ABSENT))
    elif expected is _ABSENT and _is_inner(actual):
        yield from _differences(path, type(actual)(), actual)
    elif actual is _ABSENT and _is_inner(expected):
        yield from _differences(path, expected, type(expected)())
    elif _text(expected) != _text(actual):  # compared as JSON texts, because True equals 1 in Python
        yield f"{path}: {_text(actual)}, expected: {_text(expected)}"


def _is_inner(value: Any) -> bool:
    return isinstance(value, dict | list)


def _entries(value: Any) -> Json:
    return value if isinstance(value, dict) else {str(index): item for index, item in enumerate(value)}


def _text(value: Any, indent: int | None = None) -> str:
    return "nothing" if value is _ABSENT else json.dumps(value, indent=indent, ensure_ascii=False)


def _read(path: Path) -> Json:
    content = examples_of.read(path)
    if isinstance(content, Slip):
        raise _unreadable(path, content)
    return content


def _unreadable(path: Path, slip: Slip) -> OperatorError:
    return OperatorError(f"{path}:{slip.place.line}:{slip.place.column}: {slip.code}: {slip.sentence}")
