"""Runs the benchmark in three parts, and writes docs/performance.md.

    mapping      compares the connector's mapping with other ways to map
    steps        measures each step of a webhook that needs no process
    formations   compares the running connector with what users could build from Flask and Celery
    report       only writes the report again, from the last results of the formations

``python -m bench`` runs the three parts, and writes the report. ``python -m bench mapping`` runs only the named part.
With FULL=1 in the environment, the formations have a long history and a long backlog.
"""

# ruff: noqa: T201 - the command prints its results

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from bench import comparison, mapping, report, steps
from connector.sandbox.processes import exit_on_signals

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = ("mapping", "steps", "formations", "report")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(_PARTS))
def main(parts: tuple[str, ...]) -> None:
    """Measure what an event costs: the named PARTS, or all of them."""
    exit_on_signals()
    chosen = parts or _PARTS
    if "mapping" in chosen:
        print(*mapping.table(mapping.speeds()), "", sep="\n")
    if "steps" in chosen:
        _print_costs(steps.costs())
    if "formations" in chosen:
        is_full = os.environ.get("FULL") == "1"
        for line in comparison.table(report.kept(comparison.results(is_full=is_full), is_full=is_full)):
            print(line, flush=True)
    if "report" in chosen:
        print(f"The report is in {report.write()}.")


def _print_costs(costs: Iterable[steps.Cost]) -> None:
    print(f"{'part':52} {'CPU s per 1,000':>16} {'ratio':>7}   by the clock")
    for part, cpu, ratio, clock in costs:
        print(f"{part:52} {cpu:16.3f} {ratio:>7}   {clock}")


main()
