"""`connector mappings check` checks the mapping files, and `connector mappings test` runs the golden pairs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from connector import mapping
from connector.cli import shared
from connector.cli.mappings import problems
from connector.workshop import goldens

if TYPE_CHECKING:
    from pathlib import Path


@click.command("check")
@shared.with_mappings
@click.option("--strict", is_flag=True, help="Fail on warnings, too.")
@click.option("--explain", "code", help="Only print what this code means and how to fix it.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to print; github: as annotations in a workflow.",
)
def mappings_check(directory: Path, code: str | None, form: str, *, strict: bool) -> None:
    """Check all mapping files, and compare their paths with the examples beside them.

    For each problem, the command prints one line: file:line:column: code: the problem and its remedy. The command fails
    if there is an error.
    """
    if code:
        explanation = problems.explain(code)
        shared.print_result(explanation, "{code} ({severity})\n{meaning}\n{remedy}".format(**explanation), form)
        return
    report = mapping.check(directory)
    shared.print_result(problems.as_json(report, directory), "\n".join(problems.lines(report, directory, form)), form)
    if report.errors or (strict and report.warnings):
        sys.exit(1)


@click.command("test")
@shared.with_mappings
@click.option("--accept", is_flag=True, help="Make the current results of the mappings the expected ones.")
@shared.with_format
def mappings_test(directory: Path, form: str, *, accept: bool) -> None:
    """Run the golden pairs and show each value that differs. An overlay's pairs are mapped with the overlay's rules."""
    loaded = mapping.load(directory)
    pairs = list(goldens.of_directory(directory, loaded))
    if accept:
        rewritten = [str(pair) for pair in pairs if goldens.accept(pair, loaded)]
        shared.print_result(
            {"pairs": len(pairs), "rewritten": rewritten},
            f"{shared.counted(len(pairs), 'pair')}, {len(rewritten)} rewritten",
            form,
        )
        return
    differing = {str(pair): difference for pair in pairs if (difference := goldens.difference(pair, loaded))}
    differences = "".join(f"{pair}\n{difference}" for pair, difference in differing.items())
    report = {"pairs": len(pairs), "differing": differing}
    differ = "differs" if len(differing) == 1 else "differ"
    shared.print_result(report, f"{differences}{shared.counted(len(pairs), 'pair')}, {len(differing)} {differ}", form)
    if differing:
        sys.exit(1)
