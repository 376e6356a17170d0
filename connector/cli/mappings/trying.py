"""`connector mappings try`: runs a mapping on webhooks and shows each value. The command sends nothing."""

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
@click.option(
    "--event",
    "event_ids",
    type=shared.NUMBER,
    multiple=True,
    help="Try this event of the journal; may be given several times.",
)
@click.option(
    "--last", type=click.IntRange(1, 1000), help="Try this many of the newest events, of the topic if you name one."
)
@click.option("--store", "store_name", help="Only events of this store; map other webhooks with this store's options.")
@click.option("--overlay", help="Lay this overlay over the shared rules.")
@click.option("--explain", "name", help="Show everything about one attribute, param or identifier.")
@click.option("--all", "with_empty", is_flag=True, help="Also show rules that find no value.")
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
    """Run a mapping on webhooks, and show each value with its path and its rule. Nothing is sent or stored.

    FILE is a mapping file. The command also reads the other files of its set, which are beside FILE. For a TOPIC, the
    command uses the mapping files of --directory. By default, it maps the examples of the topic. To map other webhooks,
    name a WEBHOOK.json, or name events of the journal with --event or --last. Events of the journal need DATABASE_URL.
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
    results = [trying.run(trial, mappings) for trial in trials]
    if form == "json":
        shared.show_json([explaining_json.as_json(result, name) for result in results])
        return
    for number, result in enumerate(results):
        if number:
            click.echo()
        if name:
            click.echo(explaining.heading(result))
        for line in stories.lines(result, name, mappings) if name else explaining.lines(result, with_empty=with_empty):
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
    """Return the trials: events of the journal, webhooks of files, or examples.

    Raises OperatorError if there are none.
    """
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
