"""Runs mappings on webhooks from examples, files or the journal. Sends nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from connector.errors import OperatorError
from connector.journal import events, stores
from connector.mapping.checking.explaining import explain
from connector.mapping.reading.problems import did_you_mean
from connector.mapping.running import mapped_events
from connector.model import Event, Options
from connector.workshop import goldens
from connector.yotpo.topics import recognise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from connector.journal.database import Connection
    from connector.mapping import MappingSet
    from connector.mapping.checking.explaining import Explanation
    from connector.model import Json, Note
    from connector.workshop.goldens import Golden


class Trial(NamedTuple):
    """An event that mappings are run on."""

    #: The source of the event, as the operator sees it.
    name: str
    event: Event
    #: The options of the event's store.
    options: Options


class TrialResult(NamedTuple):
    """The result of mapping an event, with its explanation."""

    trial: Trial
    #: None if the set has no mapping for the topic.
    explanation: Explanation | None
    #: All notes. Some notes belong to no rule.
    notes: tuple[Note, ...]


def run(trial: Trial, mappings: MappingSet) -> TrialResult:
    """Map an event as a worker would, and explain the result."""
    mapping, mapped = mapped_events.run(trial.event, mappings, trial.options)[1:3]
    if mapping is None:
        return TrialResult(trial, None, mapped.notes)
    body: Json = orjson.loads(trial.event.body)
    return TrialResult(trial, explain(mapping, body, mapped, trial.options), mapped.notes)


def topic_of(word: str, mappings: MappingSet) -> str:
    """Return a topic by its name or by the name of its file. Raises OperatorError if there is no such topic."""
    mapped = [mapping for layer in (mappings.by_topic, *mappings.overlays.values()) for mapping in layer.values()]
    topics = {mapping.topic for mapping in mapped}
    by_file = {PurePosixPath(mapping.file).name: mapping.topic for mapping in mapped}
    topic = word if word in topics else by_file.get(PurePosixPath(word).name)
    if topic is None:
        raise OperatorError(f"no mapping file maps {word!r}{did_you_mean(word, [*topics, *by_file])}")
    return topic


def set_of(file: Path) -> tuple[Path, str | None]:
    """Return the directory of the mapping set that contains a file, and the file's overlay; None for a shared file."""
    above = file.parent.parent
    return (above.parent, file.parent.name) if above.name == "overlays" else (file.parent, None)


def examples(directory: Path, mappings: MappingSet, *, topic: str | None = None) -> list[Trial]:
    """Return the golden pairs of a directory with mapping files, or only the pairs of `topic`.

    Their time of receipt is `goldens.RECEIVED_AT`.
    """
    pairs = goldens.goldens(directory / "examples", mappings)
    return [_of_golden(golden) for golden in pairs if topic in {None, golden.topic}]


def files(paths: Sequence[Path], *, topic: str | None, pairs: Iterable[Golden], now: datetime) -> Iterator[Trial]:
    """Yield the webhooks of files. A file contains one webhook, or an array of webhooks, as Yotpo sends them.

    A file of one of the golden `pairs` has the time of receipt and the options of its pair. All other webhooks have the
    time of receipt `now`. Raises OperatorError if a file cannot be read, or a webhook has another topic than `topic`.
    """
    golden_at = {golden.webhook.resolve(): golden for golden in pairs}
    for path in paths:
        if golden := golden_at.get(path.resolve()):
            yield _of_topic(topic, _of_golden(golden))
            continue
        content = _json(path)
        bodies = content if isinstance(content, list) else [content]
        for number, body in enumerate(bodies, start=1):
            name = f"{path}, webhook {number}" if len(bodies) > 1 else str(path)
            if not isinstance(body, dict):
                raise OperatorError(f"{name}: a webhook is a JSON object")
            yield _of_topic(topic, _received(name, body, topic, now, Options()))


def journaled(
    connection: Connection,
    *,
    event_ids: Sequence[int] = (),
    store_id: int | None = None,
    topic: str | None = None,
    limit: int,
) -> list[Trial]:
    """Return the newest events of the journal that match all filters, each with the options of its store."""
    journaled_events = events.newest_with_bodies(
        connection, event_ids=event_ids, store_id=store_id, topic=topic, limit=limit
    )
    options = {
        id_: stores.options(connection, id_) or Options() for id_ in {event.store_id for event in journaled_events}
    }
    return [Trial(f"event {event.id}", event, options[event.store_id]) for event in journaled_events]


def with_overlay(trials: Iterable[Trial], overlay: str, mappings: MappingSet) -> list[Trial]:
    """Return the trials with options that use an overlay's rules over the shared rules.

    Raises OperatorError if the set has no such overlay.
    """
    if overlay not in mappings.overlays:
        known = ", ".join(mappings.overlays) or "none"
        raise OperatorError(
            f"there is no overlay {overlay!r}{did_you_mean(overlay, mappings.overlays)}; known: {known}"
        )
    return [trial._replace(options=replace(trial.options, overlay=overlay)) for trial in trials]


def _of_golden(golden: Golden) -> Trial:
    body = _json(golden.webhook)
    return _of_topic(golden.topic, _received(str(golden), body, golden.topic, goldens.RECEIVED_AT, golden.options))


def _of_topic(topic: str | None, trial: Trial) -> Trial:
    """Return the trial. Raises OperatorError if its webhook has another topic."""
    if topic not in {None, trial.event.topic}:
        raise OperatorError(f"{trial.name}: the webhook has the topic {trial.event.topic}; try that topic's mapping")
    return trial


def _received(name: str, body: Json, topic: str | None, received_at: datetime, options: Options) -> Trial:
    recognised = recognise(body, path_topic=topic, received_at=received_at)
    event = Event(
        id=0,
        store_id=0,
        topic=recognised.topic,
        occurred_at=recognised.happened_at(received_at),
        received_at=received_at,
        body=orjson.dumps(body),
    )
    return Trial(name, event, options)


def _json(path: Path) -> Any:
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise OperatorError(f"{path}: {error.strerror or error}") from None
    except orjson.JSONDecodeError as error:
        raise OperatorError(f"{path}: not JSON: {error}") from None
