"""`connector mappings drift`: compares what Yotpo sends with what the mappings read."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click
import orjson

from connector.cli import shared
from connector.cli.mappings import drift_text
from connector.cli.mappings.drift_text import Drift
from connector.cli.replays import Time
from connector.journal import samples, stores
from connector.mapping import load
from connector.workshop import drift
from connector.workshop.activation import MappingSets

if TYPE_CHECKING:
    from datetime import datetime


@click.command("drift")
@shared.with_store
@click.option("--topic", help="Only events of this topic; for a topic without a mapping, list its fields, too.")
@click.option(
    "--since",
    type=Time(),
    default="7d",
    show_default=True,
    help="Only events received since then: a time, or 30m, 12h, 7d ago.",
)
@click.option(
    "--sample",
    type=click.IntRange(1, samples.SUMMARIES_LIMIT),
    default=2000,
    show_default=True,
    help="How many events at most; the topics share them fairly, and each topic's are spread evenly over the time.",
)
@shared.with_format
def mappings_drift(store_name: str | None, topic: str | None, since: datetime, sample: int, form: str) -> None:
    """Compare a sample of events with the mappings: show unmapped fields, and mapped fields that never come.

    The command uses the active mapping set. With --store, it also uses the overlay of that store. The output contains
    paths, types, counts and times, but never a value. The command changes nothing and stores nothing.
    """
    result = _find_drift(store_name, topic, since, sample)
    if form == "json":
        shared.show_json(_as_json(result))
    else:
        drift_text.show(result)


def _find_drift(store_name: str | None, topic: str | None, since: datetime, sample: int) -> Drift:
    sets = MappingSets(load(shared.settings().mappings_dir))
    with shared.journal() as connection:
        samples.begin(connection)
        store = stores.by_name(connection, shared.vault(), store_name) if store_name else None
        overlay = store.options.overlay if store else None
        mappings = sets.active(connection)
        window = samples.window(connection, since=since, store_id=store.id if store else None, topic=topic)
        summaries = samples.summaries(connection, window)
        events = samples.read(connection, samples.choose(summaries, limit=sample))
        report = drift.report(
            ((event.topic, event.received_at, orjson.loads(event.body)) for event in events), mappings, overlay=overlay
        )
        unmapped_topics = samples.unmapped(connection, window)
    seen_topics = {summary.topic for summary in summaries} | {unmapped.topic for unmapped in unmapped_topics}
    return Drift(
        window=window,
        looked_at=len(summaries),
        report=report,
        failures=drift.failures((summary.topic, summary.received_at, summary.notes) for summary in summaries),
        unmapped_topics=unmapped_topics,
        silent_topics=[
            mapped for mapped in sorted(mappings.topics) if mapped not in seen_topics and topic in {None, mapped}
        ],
        is_overlay_missing=overlay is not None and overlay not in mappings.overlays,
    )


def _as_json(result: Drift) -> dict[str, Any]:
    report = {part.name: getattr(result.report, part.name) for part in fields(result.report)}
    return {
        "since": result.window.since,
        "events_at_most": result.window.numbers,
        "looked_at": result.looked_at,
        "is_every_event_looked_at": result.window.is_small,
        **report,
        "is_overlay_missing": result.is_overlay_missing,
        "failed_conversions": result.failures,
        "unmapped_topics": result.unmapped_topics,
        "silent_topics": result.silent_topics,
    }
