"""The command line, `connector …`. Each command calls another package of the connector and prints the result.

    stores          add and change stores; connecting: connect a store to Yotpo; connection describes the account
    events          events, notices, rejected webhooks, the audit; replays: replays and dead letters
    backfill        start and follow backfills; backfill_reports prints their reports; progress draws the bar
    customers       push customers to Yotpo
    mappings/       check, test, try, compare, activate mappings; the dictionary; drift
    sandbox         `make run` and the simulators
    shared          options, the journal's connection, and the printing of tables and JSON

This package contains no logic that the console would need too. Begin with `shared`.
"""

from __future__ import annotations

from datetime import timedelta

import click

import connector
from connector import settings as settings_module
from connector.cli import shared
from connector.cli.backfill import backfill_group
from connector.cli.customers import customers_group
from connector.cli.events import audit_command, events_group, notices_command, rejected
from connector.cli.mappings import mappings_group
from connector.cli.replays import dead_letters_group, replays_group
from connector.cli.sandbox import sandbox_group
from connector.cli.stores import stores_group
from connector.errors import OperatorError
from connector.journal import notices, stores
from connector.journal.results import deliveries
from connector.journal.sync import refreshes
from connector.journal.upkeep import retention

#: How long `connector prune` works at most.
_PRUNE_SECONDS = 3600.0


@click.group(cls=shared.Group)
@click.version_option(connector.__version__)
def main() -> None:
    """Receive Yotpo's webhooks, and send users and user events to Insider."""


for command in (
    stores_group,
    events_group,
    dead_letters_group,
    replays_group,
    audit_command,
    notices_command,
    rejected,
    mappings_group,
    backfill_group,
    customers_group,
    sandbox_group,
):
    main.add_command(command)


@main.command("migrate")
@shared.with_format
def migrate_command(form: str) -> None:
    """Bring the journal's schema up to date."""
    # The import of Alembic and SQLAlchemy is slow, so only this command imports them.
    from connector.journal import migrate  # noqa: PLC0415

    settings = shared.settings()
    period = timedelta(days=settings.period_days)
    shared.show([{"revision": migrate.migrate(settings.database_url, period=period)}], form)


@main.command("prune")
@shared.with_format
def prune_command(form: str) -> None:
    """Delete what is older than the KEEP_… settings, and make the tables of the next periods.

    The workers do this regularly by themselves. What still waits or is dead is never deleted. `connector settings`
    explains the settings.
    """
    settings = shared.settings()
    with shared.database() as database:
        done = retention.keep_up(database, retention.Retention.of(settings), seconds=_PRUNE_SECONDS)
    if done is None:
        raise OperatorError("another process is pruning the journal now; run the command again later")
    shared.show([{"what": name.replace("_", " "), "number": number} for name, number in done.items()], form)


@main.command("settings")
@shared.with_format
def settings_command(form: str) -> None:
    """List the environment variables that the connector reads."""
    rows = [
        {"name": name, "default": default, "meaning": meaning} for name, default, meaning in settings_module.table()
    ]
    shared.show(rows, form)


@main.command()
@shared.with_format
def status(form: str) -> None:
    """Show how much waits and how many dead letters there are, for each store, and the lag.

    The lag is the age of the oldest undelivered event. The command also shows the lag of the look-ups at Yotpo, and how
    many webhooks were turned away.
    """
    with shared.journal() as connection:
        rows = stores.states(connection)
        lag = round(deliveries.oldest_undelivered_seconds(connection), 1)
        intake = notices.counts(connection)
        lookups = refreshes.lag(connection)
    if form == "json":
        shared.show_json({"lag_seconds": lag, "stores": rows, "refreshes": lookups, "intake": intake})
    else:
        click.echo(f"lag: {lag} s")
        shared.show(rows, form)
        if lookups:
            click.echo("look-ups at Yotpo:")
            shared.show(lookups, form)
        if intake:
            click.echo("turned away:")
            shared.show(intake, form)
