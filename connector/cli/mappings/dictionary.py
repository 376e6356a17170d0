"""`connector mappings table`: prints every name that the mappings write to Insider, as Markdown, CSV or JSON."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from connector import mapping
from connector.cli import shared
from connector.cli.mappings import dictionary_pages
from connector.workshop import dictionary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from connector.workshop.dictionary import Entry, Origin


@click.command("table")
@shared.with_mappings
@click.option(
    "--insider-plan", "is_plan", is_flag=True, help="Only the names that you have to create in Insider's panel."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "csv", "json"]),
    default="markdown",
    show_default=True,
    help="How to print.",
)
def mappings_table(directory: Path, form: str, *, is_plan: bool) -> None:
    """Print the dictionary: each attribute, param and user event with its type, its meaning and the rules that fill it.

    With --insider-plan, print only the names that you have to create in Insider. Create them before the first webhook
    comes, because Insider silently drops the values of unknown names.
    """
    loaded = mapping.load(directory)
    entries = dictionary.dictionary(loaded, dictionary.meanings(directory))
    if is_plan:
        entries = dictionary.to_create(entries)
    if form == "json":
        shared.show_json([_planned(entry) if is_plan else _as_json(entry) for entry in entries])
    elif form == "csv":
        rows = map(_planned, entries) if is_plan else (row for entry in entries for row in _rows(entry))
        click.echo(_csv(list(rows)), nl=False)
    else:
        click.echo(dictionary_pages.plan(entries) if is_plan else dictionary_pages.dictionary(entries), nl=False)


def _planned(entry: Entry) -> dict[str, str]:
    """Return the fields that Insider's panel asks for."""
    return {
        "kind": entry.section,
        "system_name": entry.name,
        "display_name": entry.display_name,
        "data_type": entry.data_type,
        "events": " ".join(entry.events),
        "description": entry.meaning,
    }


def _rows(entry: Entry) -> Iterator[dict[str, str]]:
    """Yield one row for each place in the mapping files that fills the name."""
    for origin in entry.origins:
        cells = {name: value or "" for name, value in _origin(origin).items()}
        yield {**_head(entry), **cells, "paths": " | ".join(origin.paths)}


def _as_json(entry: Entry) -> dict[str, Any]:
    return {**_head(entry), "origins": [_origin(origin) for origin in entry.origins]}


def _head(entry: Entry) -> dict[str, str]:
    return {
        "kind": entry.section,
        "name": entry.name,
        "display_name": entry.display_name,
        "data_type": entry.data_type,
        "at_insider": "default" if entry.is_default else "custom",
        "description": entry.meaning,
    }


def _origin(origin: Origin) -> dict[str, Any]:
    rule = origin.rule
    return {
        "topic": origin.topic,
        "overlay": origin.overlay,
        "event": origin.event,
        "type": rule and rule.source.type,
        "paths": origin.paths,
        "constant": rule and rule.source.constant,
        "clears_when": rule and rule.source.clears_when,
        "group": rule and rule.group,
        "place": origin.place,
    }


def _csv(rows: Sequence[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
