"""`connector mappings try`: what a mapping makes of webhooks, value by value, without sending anything."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector import mapping
from connector.cli import shared
from connector.cli.mappings import explaining, explaining_json, stories
from connector.errors import OperatorError
from connector.journal import stores
from connector.workshop import goldens, trying

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.mapping import MappingSet
    from connector.workshop.trying import Trial


@click.command("try")
@click.argument("what", required=False, metavar="[FILE|TOPIC]")
@click.argument("webhooks", nargs=-1, type=click.Path(path_type=Path), metavar="[WEBHOOK.json]...")
@click.option("--event", "event_ids", type=shared.NUMBER, multiple=True, help="This event; may be given several times.")
@click.option(
    "--last", type=click.IntRange(1, 1000), help="The newest so many events, of the topic where you name one."
)
@click.option("--store", "store_name", help="Only this store's events; other webhooks as if they were this store's.")
@click.option("--overlay", help="Lay this overlay over the shared rules.")
@click.option("--explain", "name", help="Tell all about one attribute, param or identifier.")
@click.option("--all", "with_empty", is_flag=True, help="Show also what stays empty.")
@shared.with_mappings
@shared.with_format
def mappings_try(
    *,
    what: str | None,
    webhooks: tuple[Path, ...],
    directory: Path,
    store_name: str | None,
    overlay: str | None,
    name: str | None,
    with_empty: bool,
    form: str,
    **events: Any,
) -> None:
    """Show what a mapping makes of webhooks: each value, where it comes from, and its rule. Nothing is sent or kept.

    FILE is a mapping file, beside which its set lies; a TOPIC is looked up in the directory. Both are tried on the
    examples of the topic, unless you name a WEBHOOK.json or, with DATABASE_URL, events of the journal.
    """
    if what and what.endswith(".json"):
        webhooks, what = (Path(what), *webhooks), None
    if what and Path(what).is_file():
        directory, of_file = trying.set_of(Path(what))
        overlay = overlay or of_file
    mappings = mapping.load(directory)
    topic = trying.topic_of(what, mappings) if what else None
    with shared.journal() if store_name or any(events.values()) else nullcontext() as connection:
        trials = _trials(
            connection,
            mappings,
            directory=directory,
            topic=topic,
            webhooks=webhooks,
            store_name=store_name,
            **events,
        )
    if overlay:
        trials = trying.with_overlay(trials, overlay, mappings)
    tried = [trying.run(trial, mappings) for trial in trials]
    if form == "json":
        shared.show_json([explaining_json.as_json(one, name) for one in tried])
        return
    for number, one in enumerate(tried):
        if number:
            click.echo()
        if name:
            click.echo(explaining.heading(one))
        for line in stories.lines(one, name, mappings) if name else explaining.lines(one, with_empty=with_empty):
            click.echo(line)


def _trials(
    connection: Connection | None,
    mappings: MappingSet,
    *,
    directory: Path,
    topic: str | None,
    webhooks: tuple[Path, ...],
    store_name: str | None,
    event_ids: tuple[int, ...],
    last: int | None,
) -> list[Trial]:
    """Find what is to be tried. Raises OperatorError where there is nothing."""
    if connection and (event_ids or last):
        store_id = shared.store_id(connection, store_name)
        limit = last or len(event_ids)
        trials = trying.journaled(connection, event_ids=event_ids, store_id=store_id, topic=topic, limit=limit)
        missing = "there is no such event; `connector events list` shows the newest"
    elif webhooks:
        pairs = goldens.goldens(directory / "examples", mappings)
        trials = list(trying.files(webhooks, topic=topic, pairs=pairs, now=datetime.now(UTC)))
        missing = "there is no webhook in these files"
    elif topic:
        trials = trying.examples(directory, mappings, topic=topic)
        missing = f"there is no example of {topic} in {directory / 'examples'}; name a WEBHOOK.json, --event or --last"
    else:
        raise OperatorError("say what to try: a FILE or TOPIC, a WEBHOOK.json, --event or --last")
    if not trials:
        raise OperatorError(missing)
    if connection and store_name:
        options = stores.by_name(connection, shared.vault(), store_name).options
        return [trial._replace(options=options) for trial in trials]
    return trials
