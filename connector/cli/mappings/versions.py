"""`connector mappings activate | rollback | versions | export`: which mapping set is in force, without a release."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector import mapping
from connector.cli import shared
from connector.errors import OperatorError
from connector.journal import mapping_sets
from connector.workshop import activation

if TYPE_CHECKING:
    from connector.workshop.activation import Change


@click.command("activate")
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--version", callback=shared.not_blank, help="A set that is kept: its version, or how that begins.")
@click.option("--release", is_flag=True, help="The files of each release, as before any set was activated.")
@shared.with_reason
@shared.with_actor
@shared.with_format
def mappings_activate(
    directory: Path | None, version: str | None, reason: str, actor: str, form: str, *, release: bool
) -> None:
    """Keep the mapping files of DIRECTORY in the journal and map by them; workers do within 10 seconds.

    The set stays active over releases: theirs are not used until `activate --release`.
    """
    if (directory is not None) + (version is not None) + release != 1:
        raise OperatorError("say which set: a DIRECTORY, --version VERSION or --release")
    checked = mapping.check(directory).sound() if directory else None
    with shared.journal() as connection:
        if checked:
            activation.keep(connection, checked)
            version = checked.version
        elif version:
            version = mapping_sets.find(connection, version)
        change = activation.activate(connection, version, actor=actor, reason=reason)
    _show(change, form)


@click.command("rollback")
@shared.with_reason
@shared.with_actor
@shared.with_format
def mappings_rollback(reason: str, actor: str, form: str) -> None:
    """Map by what was active before the present set; workers do within 10 seconds.

    Said again, it goes back further, to what was active before that, and never forward to a set that was left by it: to
    return there, use `activate --version`.
    """
    with shared.journal() as connection:
        change = activation.rollback(connection, actor=actor, reason=reason)
    _show(change, form)


@click.command("versions")
@click.option("--count", is_flag=True, help="Count the events that each set was the last to map; reads all events.")
@shared.with_limit
@shared.with_format
def mappings_versions(limit: int, form: str, *, count: bool) -> None:
    """List the sets that releases have brought or that were made active; first the active one, then the latest.

    `release` stands for whatever files a release has; as sets, they are listed by their versions too.
    """
    with shared.journal() as connection:
        rows = mapping_sets.newest(connection, limit=limit)
        if count:
            events = mapping_sets.mapped(connection)
            rows = [{**row, "events": events.get(row["version"], 0) if row["topics"] else None} for row in rows]
    shared.show(rows, form)


@click.command("export")
@click.argument("version", callback=shared.not_blank)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@shared.with_format
def mappings_export(version: str, directory: Path, form: str) -> None:
    """Write the files of a kept set into DIRECTORY, which must be empty or new."""
    with shared.journal() as connection:
        found = mapping_sets.find(connection, version)
        files = mapping_sets.files(connection, found)
    if directory.exists() and any(directory.iterdir()):
        raise OperatorError(f"{directory} is not empty; name another directory")
    paths = {directory / name: content for name, content in files.items()}
    for path in paths:
        if not path.resolve().is_relative_to(directory.resolve()):
            raise OperatorError(f"a file of {found} would lie outside of {directory}; nothing was written")
    for path, content in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shared.show([{"version": found, "directory": str(directory), "files": len(files)}], form)


def _show(change: Change, form: str) -> None:
    if form == "json":
        shared.show_json(change._asdict())
    elif change.changed:
        click.echo(f"{change.active} is active; before, it was {change.before}.")
    else:
        click.echo(f"{change.active} is active already; nothing was changed.")
