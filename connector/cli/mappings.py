"""`connector mappings …`: check the mapping files, and run the golden pairs beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from connector import goldens, mapping
from connector.cli import shared
from connector.settings import DEFAULT_MAPPINGS

_directory = click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=DEFAULT_MAPPINGS,
    envvar="MAPPINGS_DIR",
    show_envvar=True,
    help="Where the mapping files are.",
)


@click.group("mappings", cls=shared.Group)
def mappings_group() -> None:
    """Check and test mapping files."""


@mappings_group.command("check")
@_directory
@shared.with_format
def mappings_check(directory: Path, form: str) -> None:
    """Load all mapping files strictly; name each mistake with its file, line and column."""
    loaded = mapping.load(directory)
    if form == "json":
        shared.show_json({"version": loaded.version, "topics": sorted(loaded.topics)})
    else:
        click.echo(f"{len(loaded.topics)} topics, version {loaded.version}")


@mappings_group.command("test")
@_directory
@click.option("--accept", is_flag=True, help="Take what the mappings make of the examples for what is expected.")
def mappings_test(directory: Path, *, accept: bool) -> None:
    """Run the golden pairs; show what differs."""
    loaded = mapping.load(directory)
    pairs = list(goldens.goldens(directory / "examples", loaded))
    if accept:
        changed = [pair for pair in pairs if goldens.accept(pair, loaded)]
        click.echo(f"{len(pairs)} pairs, {len(changed)} rewritten")
        return
    differing = 0
    for pair in pairs:
        if difference := goldens.difference(pair, loaded):
            differing += 1
            click.echo(f"{pair}\n{difference}")
    click.echo(f"{len(pairs)} pairs, {differing} differ")
    if differing:
        sys.exit(1)
