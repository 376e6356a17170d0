"""`connector mappings …`: check the mapping files, and run the golden pairs beside them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

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
    told = {"version": loaded.version, "topics": sorted(loaded.topics)}
    _tell(told, f"{len(loaded.topics)} topics, version {loaded.version}", form)


@mappings_group.command("test")
@_directory
@click.option("--accept", is_flag=True, help="Take what the mappings make of the examples for what is expected.")
@shared.with_format
def mappings_test(directory: Path, form: str, *, accept: bool) -> None:
    """Run the golden pairs; show what differs."""
    loaded = mapping.load(directory)
    pairs = list(goldens.goldens(directory / "examples", loaded))
    if accept:
        rewritten = [str(pair) for pair in pairs if goldens.accept(pair, loaded)]
        _tell({"pairs": len(pairs), "rewritten": rewritten}, f"{len(pairs)} pairs, {len(rewritten)} rewritten", form)
        return
    differing = {str(pair): difference for pair in pairs if (difference := goldens.difference(pair, loaded))}
    differences = "".join(f"{pair}\n{difference}" for pair, difference in differing.items())
    told = {"pairs": len(pairs), "differing": differing}
    _tell(told, f"{differences}{len(pairs)} pairs, {len(differing)} differ", form)
    if differing:
        sys.exit(1)


def _tell(told: dict[str, Any], text: str, form: str) -> None:
    if form == "json":
        shared.show_json(told)
    else:
        click.echo(text)


from connector.cli import (  # noqa: E402 - their commands belong to the group, which comes first
    comparing,  # noqa: F401
    dictionary,  # noqa: F401
    drift,  # noqa: F401
    schema,  # noqa: F401
    trying,  # noqa: F401
    versions,  # noqa: F401
)
