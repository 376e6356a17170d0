"""`connector sandbox …`: runs the simulators of Yotpo and Insider, or the whole connector, on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector import mapping
from connector.cli import shared
from connector.cli.progress import Progress
from connector.model import Options
from connector.settings import DEFAULT_MAPPINGS
from connector.workshop import goldens

if TYPE_CHECKING:
    from connector.sandbox.shop import Shop


#: Workers look up customers sooner than in production, because the simulated shoppers act for only a minute.
_SHORT_WAITS = {"REFRESH_QUIET_SECONDS": "5", "REFRESH_LONGEST_SECONDS": "30"}
_SIZE = "The number of customers of the store."
_CUSTOMERS = "The number of customers of the simulated store; 0: no store."


@click.group("sandbox", cls=shared.Group)
def sandbox_group() -> None:
    """Try the connector without an account at Insider or a store at Yotpo."""


@sandbox_group.command("yotpo")
@click.option("--port", type=int, default=0, show_default=True, help="The port; 0 takes any free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--customers", type=click.IntRange(0, 1_000_000), default=1000, show_default=True, help=_SIZE)
@click.option("--verbose", is_flag=True, help="Write a line for each request to stderr.")
def sandbox_yotpo(port: int, host: str, customers: int, *, verbose: bool) -> None:
    """Run the simulator of Yotpo's APIs with a store `shop`; GET /_sandbox/customers shows its customers."""
    from connector.sandbox.yotpo import main  # noqa: PLC0415 - no other command needs the simulator

    main(port, {"shop": customers}, host, verbose=verbose)


@sandbox_group.command("insider")
@click.option("--port", type=int, default=0, show_default=True, help="The port; 0 takes any free one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--verbose", is_flag=True, help="Write a line for each request to stderr.")
def sandbox_insider(port: int, host: str, *, verbose: bool) -> None:
    """Run the simulator of Insider's user API; GET /_sandbox/users shows the users that it has received."""
    from connector.sandbox.insider import main  # noqa: PLC0415 - no other command needs the simulator

    main(port, host, verbose=verbose)


@sandbox_group.command("run")
@click.option("--once", is_flag=True, help="Exit at the end, with status 0 only if everything arrived as expected.")
@click.option("--customers", type=click.IntRange(0, 1_000_000), default=2000, show_default=True, help=_CUSTOMERS)
@click.option(
    "--shoppers", type=click.IntRange(1, 10_000), default=200, show_default=True, help="The number of shoppers who act."
)
@click.option(
    "--seconds", type=click.FloatRange(1, 86_400), default=60, show_default=True, help="How long the shoppers act."
)
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), default=".local/run", show_default=True)
def sandbox_run(*, once: bool, customers: int, shoppers: int, seconds: float, state: Path) -> None:
    """Run the whole connector on this machine, send every sample through it, and run a simulated store."""
    # These imports are not at the top of the file, because a production host lacks the libraries of these modules.
    from connector.sandbox.processes import exit_on_signals  # noqa: PLC0415
    from connector.sandbox.shop import Shop  # noqa: PLC0415
    from connector.sandbox.show import Show, table  # noqa: PLC0415
    from connector.sandbox.stack import Stack  # noqa: PLC0415

    exit_on_signals()
    mappings = mapping.load(DEFAULT_MAPPINGS)
    pairs = list(goldens.goldens(DEFAULT_MAPPINGS / "examples", mappings))
    click.echo("Starting: servers, the simulators of Yotpo and Insider, web, worker, beat …", err=True)
    with Stack(state, environment=_SHORT_WAITS) as stack:
        show = Show(stack)
        arrivals = []
        for arrival in show.run(pairs):
            arrivals.append(arrival)
            click.echo(".", nl=False, err=True)
        click.echo(err=True)
        for line in table(arrivals):
            click.echo(line)
        equal = not customers or _live(Shop(stack, customers=customers), shoppers=shoppers, seconds=seconds)
        if once:
            sys.exit(0 if equal and all(arrival.as_expected for arrival in arrivals) else 1)
        url = show.webhook_url(Options())
        click.echo(f"\nWebhook URL: {url}\nTry:\n")
        click.echo(f"  curl {url} --data @mappings/examples/swell.tier.earned/documented.json")
        click.echo(f"  curl '{stack.insider_url}/_sandbox/users?partner=sandbox&email=john.smith@example.com'\n")
        click.echo(
            f"In another terminal, `. {state}/env` lets `connector status` and other commands use this connector."
        )
        click.echo("Ctrl-C ends everything.")
        try:
            ended = stack.group.wait_for_end()
        except (KeyboardInterrupt, SystemExit):
            click.echo("\nEnded.")
            return
        click.echo(f"{ended} has ended; see {stack.group.log(ended)}", err=True)
        sys.exit(1)


def _live(shop: Shop, *, shoppers: int, seconds: float) -> bool:
    """Connect a simulated store, send all its customers to Insider, and let its shoppers act.

    Return True if Insider's profiles are equal to Yotpo's data at the end.
    """
    from connector.sandbox.shop import ACTIONS_PER_SECOND  # noqa: PLC0415 - as above

    click.echo("\nA simulated store: its merchant installs the app, and workers read all its customers.")
    shop.connect()
    report = shop.fill()
    skipped = ", ".join(f"{number} skipped: {reason}" for reason, number in report["skipped"].items())
    click.echo(f"{report['seen']} customers seen, {report['delivered']} delivered, {skipped or 'none skipped'}")
    click.echo(f"{shoppers} shoppers act for {seconds:g} seconds; webhooks come late, twice and shuffled.")
    with Progress(round(seconds * ACTIONS_PER_SECOND), label="actions") as bar:
        for life in shop.live(shoppers=shoppers, seconds=seconds):
            bar.show(life.actions, note=f"{life.webhooks['sent']} webhooks, {life.to_look_up} to look up")
    sent = ", ".join(f"{number} {name}" for name, number in life.webhooks.items() if number)
    click.echo(f"{life.actions} actions, {life.silent} of them silent; webhooks: {sent}")
    comparison = shop.compare()
    click.echo(f"Yotpo's data against Insider's profiles: {comparison.summary()}")
    click.echo(comparison.coverage())
    for difference in comparison.differences[:10]:
        click.echo(f"    {difference}")
    return comparison.equal
