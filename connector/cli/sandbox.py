"""`connector sandbox …`: the simulator of Insider, and the whole connector on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from connector import goldens, mapping
from connector.cli import shared
from connector.model import Options
from connector.settings import DEFAULT_MAPPINGS


@click.group("sandbox", cls=shared.Group)
def sandbox_group() -> None:
    """Try the connector without an account at Insider or a store at Yotpo."""


@sandbox_group.command("insider")
@click.option("--port", type=int, default=0, show_default=True, help="0 takes any free port.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--verbose", is_flag=True, help="Write a line for each request to stderr.")
def sandbox_insider(port: int, host: str, *, verbose: bool) -> None:
    """Run the simulator of Insider's user API; GET /_sandbox/users shows what it has been told."""
    from connector.sandbox.insider import main  # noqa: PLC0415 - a process of its own, which nothing else here needs

    main(port, host, verbose=verbose)


@sandbox_group.command("run")
@click.option("--once", is_flag=True, help="Exit when all samples have arrived: 0 only if as their golden pairs say.")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), default=".local/run", show_default=True)
def sandbox_run(*, once: bool, state: Path) -> None:
    """Run the whole connector on this machine and send every sample through it."""
    # A production host has the console script, but not the extra that brings these their libraries.
    from connector.sandbox.processes import exit_on_signals  # noqa: PLC0415
    from connector.sandbox.show import Show, table  # noqa: PLC0415
    from connector.sandbox.stack import Stack  # noqa: PLC0415

    exit_on_signals()
    mappings = mapping.load(DEFAULT_MAPPINGS)
    pairs = list(goldens.goldens(DEFAULT_MAPPINGS / "examples", mappings))
    click.echo("Starting: servers, the simulator of Insider, web, worker, beat …", err=True)
    with Stack(state) as stack:
        show = Show(stack)
        arrivals = []
        for arrival in show.run(pairs):
            arrivals.append(arrival)
            click.echo(".", nl=False, err=True)
        click.echo(err=True)
        for line in table(arrivals):
            click.echo(line)
        if once:
            sys.exit(0 if all(arrival.as_expected for arrival in arrivals) else 1)
        url = show.webhook_url(Options())
        click.echo(f"\nWebhook URL: {url}\nTry:\n")
        click.echo(f"  curl {url} --data @mappings/examples/swell.tier.earned/documented.json")
        click.echo(f"  curl '{stack.insider_url}/_sandbox/users?partner=sandbox&email=john.smith@example.com'\n")
        click.echo(f"In another terminal, `. {state}/env` lets `connector status` and its like ask this connector.")
        click.echo("Ctrl-C ends everything.")
        try:
            ended = stack.group.wait_for_end()
        except (KeyboardInterrupt, SystemExit):
            click.echo("\nEnded.")
            return
        click.echo(f"{ended} has ended; see {stack.group.log(ended)}", err=True)
        sys.exit(1)
