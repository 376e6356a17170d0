"""`connector mappings drift`: what Yotpo sends that nobody maps, and what is mapped that never comes."""

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
@click.option("--topic", help="Only this topic's events; of one without a mapping, this shows the fields, too.")
@click.option(
    "--since",
    type=Time(),
    default="7d",
    show_default=True,
    help="Only what was received since: a time, or 30m, 12h, 7d ago.",
)
@click.option(
    "--sample",
    type=click.IntRange(1, samples.SUMMARIES_LIMIT),
    default=2000,
    show_default=True,
    help="At most so many events, as many of each topic as there are, spread evenly over the time.",
)
@shared.with_format
def mappings_drift(store_name: str | None, topic: str | None, since: datetime, sample: int, form: str) -> None:
    """Tell what comes that is mapped nowhere, and what is mapped that never comes, by a sample of events.

    Beside the mapping set in force, with the overlay of the store where you name one. It shows paths, types, counts and
    times, and never a value; it changes nothing and keeps nothing.
    """
    told = _ask(store_name, topic, since, sample)
    if form == "json":
        shared.show_json(_as_json(told))
    else:
        drift_text.show(told)


def _ask(store_name: str | None, topic: str | None, since: datetime, sample: int) -> Drift:
    sets = MappingSets(load(shared.settings().mappings_dir))
    with shared.journal() as connection:
        samples.begin(connection)
        store = stores.by_name(connection, shared.vault(), store_name) if store_name else None
        overlay = store.options.overlay if store else None
        mappings = sets.active(connection)
        window = samples.window(connection, since=since, store_id=store.id if store else None, topic=topic)
        looks = samples.summaries(connection, window)
        chosen = samples.read(connection, samples.choose(looks, limit=sample))
        report = drift.report(
            ((one.topic, one.received_at, orjson.loads(one.body)) for one in chosen), mappings, overlay=overlay
        )
        unmapped = samples.unmapped(connection, window)
    seen = {one.topic for one in looks} | {one.topic for one in unmapped}
    return Drift(
        window=window,
        looked_at=len(looks),
        report=report,
        failures=drift.failures((one.topic, one.received_at, one.notes) for one in looks),
        unmapped_topics=unmapped,
        silent_topics=[one for one in sorted(mappings.topics) if one not in seen and topic in {None, one}],
        is_overlay_missing=overlay is not None and overlay not in mappings.overlays,
    )


def _as_json(told: Drift) -> dict[str, Any]:
    report = {part.name: getattr(told.report, part.name) for part in fields(told.report)}
    return {
        "since": told.window.since,
        "events_at_most": told.window.numbers,
        "looked_at": told.looked_at,
        "is_every_event_looked_at": told.window.is_small,
        **report,
        "is_overlay_missing": told.is_overlay_missing,
        "failed_conversions": told.failures,
        "unmapped_topics": told.unmapped_topics,
        "silent_topics": told.silent_topics,
    }
