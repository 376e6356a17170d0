"""Runs the benchmark in three parts.

    mapping      compares the connector's mapping with other ways to map
    steps        measures each step of a webhook that needs no process
    formations   compares the running connector with what users could build from Flask and Celery

``python -m bench`` runs all parts. ``python -m bench mapping`` runs only the named part.
"""

# ruff: noqa: T201 - the command prints its results

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bench import comparison, mapping, steps
from connector.sandbox.processes import exit_on_signals

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = ("mapping", "steps", "formations")


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
        for line in comparison.table(comparison.results()):
            print(line, flush=True)


def _print_costs(costs: Iterable[steps.Cost]) -> None:
    print(f"{'part':52} {'CPU s per 1,000':>16} {'ratio':>7}   by the clock")
    for part, cpu, ratio, clock in costs:
        print(f"{part:52} {cpu:16.3f} {ratio:>7}   {clock}")


main()
