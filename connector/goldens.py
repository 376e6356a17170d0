"""Golden pairs: a webhook, and what its mapping must make of it, side by side under ``mappings/examples``.

::

    mappings/examples/<topic, with . for />/<case>.json            the webhook
    mappings/examples/<topic, with . for />/<case>.expected.json   what Insider should learn, what is refused or noted
    mappings/examples/<topic, with . for />/<case>.options.json    the store's options, where the case needs some

A case is named after its situation. `accept` rewrites what is expected; review then reads the difference.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connector.errors import OperatorError
from connector.model import Options
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.mapping import MappingSet
    from connector.model import Json, Mapped, UserUpdate

#: The clock of all golden pairs; a webhook without a time of its own happened then.
RECEIVED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)

_EXPECTED, _OPTIONS = ".expected.json", ".options.json"


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One pair."""

    topic: str
    case: str
    webhook: Path
    expected: Path
    options: Options

    def __str__(self) -> str:
        return f"{self.webhook.parent.name}/{self.case}"


def goldens(examples: Path, mappings: MappingSet) -> Iterator[Golden]:
    """Yield all pairs, also those of which nothing expected has been written yet."""
    topic_of = {topic.replace("/", "."): topic for topic in mappings.topics}
    for webhook in sorted(examples.glob("*/*.json")):
        if webhook.name.endswith((_EXPECTED, _OPTIONS)):
            continue
        if webhook.parent.name not in topic_of:
            raise OperatorError(f"{webhook}: no mapping file maps the topic of this directory")
        options = webhook.with_name(webhook.stem + _OPTIONS)
        yield Golden(
            topic=topic_of[webhook.parent.name],
            case=webhook.stem,
            webhook=webhook,
            expected=webhook.with_name(webhook.stem + _EXPECTED),
            options=Options(**json.loads(options.read_bytes())) if options.exists() else Options(),
        )


def run(golden: Golden, mappings: MappingSet) -> Json:
    """Map the webhook of the pair as the pipeline would."""
    mapping = mappings.get(golden.topic)
    body = json.loads(golden.webhook.read_bytes())
    event = recognise(body, path_topic=golden.topic, received_at=RECEIVED_AT)
    if mapping is None or event.topic != golden.topic:
        raise OperatorError(f"{golden.webhook}: the webhook is one of {event.topic}; move it to that topic's directory")
    return shown(mapping.apply(body, event.happened_at(RECEIVED_AT), golden.options))


def shown(mapped: Mapped) -> Json:
    """Write out what a mapping has made of an event, with only those keys that hold something."""
    everything: Json = {
        "users": [_user(update) for update in mapped.updates],
        "refused": [{"reason": refusal.reason, **_user(update)} for update, refusal in mapped.refused],
        "notes": [{"name": note.name, "problem": note.problem} for note in mapped.notes],
    }
    if mapped.notice:
        text, details = mapped.notice
        everything["notice"] = {"text": text, "details": dict(details)}
    return filled(everything)


def difference(golden: Golden, mappings: MappingSet) -> str:
    """Return what differs from what is expected, as a unified diff; nothing where the pair holds."""
    expected = json.loads(golden.expected.read_bytes()) if golden.expected.exists() else {}
    return "".join(
        difflib.unified_diff(
            _text(expected, sort_keys=True).splitlines(keepends=True),
            _text(run(golden, mappings), sort_keys=True).splitlines(keepends=True),
            fromfile=golden.expected.name,
            tofile="what the mapping makes of it",
        )
    )


def accept(golden: Golden, mappings: MappingSet) -> bool:
    """Take what the mapping makes of the webhook for what is expected; True where that has changed anything."""
    if golden.expected.exists() and not difference(golden, mappings):
        return False
    golden.expected.write_text(_text(run(golden, mappings)), encoding="utf-8")
    return True


def _user(update: UserUpdate) -> Json:
    return filled(
        {
            "identifiers": dict(update.identifiers),
            "attributes": dict(update.attributes),
            "cleared": list(update.cleared),
            "events": [filled(asdict(event)) for event in update.events],
        }
    )


def filled(values: Json) -> Json:
    """Return those entries that hold something."""
    return {key: value for key, value in values.items() if value}


def _text(value: Any, *, sort_keys: bool = False) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=sort_keys) + "\n"
