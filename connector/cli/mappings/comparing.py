"""`connector mappings diff`: maps stored events or the examples with two mapping sets, and compares the results."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector import mapping
from connector.cli import shared
from connector.cli.mappings.explaining import as_json_text
from connector.errors import OperatorError, SettingsError
from connector.workshop import comparing, revisions, trying

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.settings import Settings
    from connector.workshop.changes import Change
    from connector.workshop.comparing import Comparison
    from connector.workshop.revisions import Revision

#: Values with more characters are cut off.
_CELL = 40


@click.command("diff")
@click.option(
    "--against",
    default=revisions.ACTIVE,
    show_default=True,
    callback=shared.not_blank,
    help="The set to compare with: `active`, a directory, a version that the journal keeps, or a revision of git.",
)
@click.option(
    "--last", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="How many of the newest events."
)
@click.option("--samples", is_flag=True, help="Compare on the examples beside the mapping files instead.")
@shared.with_store
@click.option("--topic", help="Only events of this topic.")
@click.option(
    "--examples", type=click.IntRange(1, 100), default=1, show_default=True, help="How many examples of each change."
)
@shared.with_mappings
@shared.with_format
def mappings_diff(
    *,
    directory: Path,
    against: str,
    last: int,
    samples: bool,
    store_name: str | None,
    topic: str | None,
    examples: int,
    form: str,
) -> None:
    """Map events with the mapping files of the directory and with another set, and show the differences.

    The command maps the newest events of the journal. With --samples, or without DATABASE_URL, it maps the examples
    beside the files instead. The output contains values of customers. The command changes nothing and sends nothing.
    """
    settings = _settings()
    if store_name and samples:
        raise OperatorError("--store is for events of the journal; leave out either it or --samples")
    if settings is None and (store_name or against == revisions.ACTIVE):
        # This raises SettingsError, which names the missing setting.
        settings = shared.settings()
    new = mapping.load(directory)
    over = "examples" if samples or settings is None else "events"
    needs_journal = settings and not (samples and Path(against).is_dir())
    with shared.journal() if needs_journal else nullcontext() as connection:
        release = settings.mappings_dir if settings else directory
        old = revisions.find(against, directory=directory, connection=connection, release=release)
        if connection is None or samples:
            # Use the topics of both sets, because a topic can be in only one of the sets.
            both = replace(new, by_topic={**old.mappings.by_topic, **new.by_topic})
            trials = trying.examples(directory, both, topic=topic)
        else:
            store_id = shared.store_id(connection, store_name)
            trials = trying.journaled(connection, store_id=store_id, topic=topic, limit=last)
    comparison = comparing.compare(old.mappings, new, trials, examples=examples)
    _show(comparison, old, revisions.Revision(str(directory), new), over, form)


def _settings() -> Settings | None:
    """Return the settings, or None if a required setting is missing.

    A computer that is used only to edit and check mappings needs no settings.
    """
    try:
        return shared.settings()
    except SettingsError:
        return None


def _show(comparison: Comparison, old: Revision, new: Revision, over: str, form: str) -> None:
    if form == "json":
        shared.show_json(
            {
                "old": {"name": old.name, "version": old.mappings.version},
                "new": {"name": new.name, "version": new.mappings.version},
                "over": over,
                "compared": comparison.compared,
                "differing": comparison.differing,
                "changes": [_as_json(change) for change in comparison.changes],
            }
        )
        return
    click.echo(f"old  {old.name}\nnew  {new.name}")
    compared = shared.counted(comparison.compared, over.removesuffix("s"))
    click.echo(f"{compared} compared, {comparison.differing:,} would differ.")
    if comparison.changes:
        click.echo()
        shared.show([row for change in _important_first(comparison.changes) for row in _rows(change)], form)


def _important_first(changes: Iterable[Change]) -> list[Change]:
    """Return changes of topics, journeys and refusals first, then the other changes. Both parts keep their order."""
    return sorted(changes, key=lambda change: change.part not in {"topic", "journeys", "refusal"})


def _rows(change: Change) -> Iterator[dict[str, str]]:
    """Yield the rows of a change, one row for each example. Only the first row names the change."""
    for number, (event, before, after) in enumerate(change.examples):
        row = {
            "topic": change.topic,
            "what": f"{change.part} {change.name}".rstrip(),
            "change": change.change,
            "events": f"{change.events:,}",
            "before": "" if before is None else as_json_text(before, _CELL),
            "after": "" if after is None else as_json_text(after, _CELL),
            "example": event,
        }
        yield {**row, **dict.fromkeys(("topic", "what", "change", "events"), "")} if number else row


def _as_json(change: Change) -> dict[str, Any]:
    return {**change._asdict(), "examples": [example._asdict() for example in change.examples]}
