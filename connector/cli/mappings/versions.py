"""`connector mappings activate | rollback | versions | export`: change and list mapping sets without a new release."""

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
@click.option(
    "--version", callback=shared.not_blank, help="The version of a set in the journal, or the first characters of it."
)
@click.option("--release", is_flag=True, help="Use the files of each release again, as before a set was activated.")
@shared.with_reason
@shared.with_actor
@shared.with_format
def mappings_activate(
    directory: Path | None, version: str | None, reason: str, actor: str, form: str, *, release: bool
) -> None:
    """Store the mapping files of DIRECTORY in the journal and make them the active set.

    Workers use the set within 10 seconds. The set stays active after a new release. The files of a release are used
    again only after `activate --release`.
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
    """Make the previous set active again. Workers use it within 10 seconds.

    A second rollback goes back one more set. A rollback never returns to a set that an earlier rollback has replaced.
    To return to such a set, use `activate --version`.
    """
    with shared.journal() as connection:
        change = activation.rollback(connection, actor=actor, reason=reason)
    _show(change, form)


@click.command("versions")
@click.option("--count", is_flag=True, help="Count the events whose last mapping used each set. This reads all events.")
@shared.with_limit
@shared.with_format
def mappings_versions(limit: int, form: str, *, count: bool) -> None:
    """List the mapping sets: the active set, then `release`, then the other sets, newest first.

    The list contains every set that came with a release or was activated. `release` means the files of the running
    release. The files of each release are also listed under their version.
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
    """Write the files of a set in the journal into DIRECTORY, which must be empty or new."""
    with shared.journal() as connection:
        full_version = mapping_sets.find(connection, version)
        files = mapping_sets.files(connection, full_version)
    if directory.exists() and any(directory.iterdir()):
        raise OperatorError(f"{directory} is not empty; name another directory")
    paths = {directory / name: content for name, content in files.items()}
    for path in paths:
        if not path.resolve().is_relative_to(directory.resolve()):
            raise OperatorError(f"a file of {full_version} would be outside of {directory}; nothing was written")
    for path, content in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    shared.show([{"version": full_version, "directory": str(directory), "files": len(files)}], form)


def _show(change: Change, form: str) -> None:
    if form == "json":
        shared.show_json(change._asdict())
    elif change.changed:
        click.echo(f"{change.active} is active now; {change.before} was active before.")
    else:
        click.echo(f"{change.active} is already active; nothing was changed.")
