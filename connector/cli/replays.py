"""`connector dead-letters …` and `connector replays …`: look at dead letters, and send events again."""

from __future__ import annotations

import math
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from connector.cli import shared
from connector.delivery import replaying
from connector.errors import OperatorError
from connector.journal import audit, replays
from connector.journal.replays import Selection
from connector.journal.results import dead_letters
from connector.mapping import load
from connector.model.times import parse_or_none
from connector.workshop.activation import MappingSets

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.journal.database import Connection
    from connector.journal.replays import By

_AGO = re.compile(r"(\d{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Time(click.ParamType[datetime]):
    """The type of an option for a time. A user writes the time itself, or how long ago it was, such as ``12h``."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if ago := _AGO.fullmatch(value):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return parse_or_none(value) or self.fail(
            "write it as 2026-01-31T12:00:00Z, or as 30m, 12h or 7d ago", param, ctx
        )


def _number(_context: click.Context, _option: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter("it has to be a number")
    return value


def _with_replay_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that are the same in all commands that start a replay."""
    for option in (
        shared.with_format,
        shared.with_actor,
        click.option("--reason", callback=shared.not_blank, help="The reason, for the audit trail."),
        click.option(
            "--mapping",
            type=click.Choice(["now", "then"]),
            default="now",
            show_default=True,
            help="Map each event by the set in force now, or by the set that mapped it last. If that set is not "
            "available, the event is left as it is, and counted.",
        ),
        click.option("--journeys", is_flag=True, help="Let Insider start journeys, as if the events happened now."),
        click.option(
            "--rate",
            type=click.FloatRange(0.1, 1000),
            callback=_number,
            default=50.0,
            show_default=True,
            help="Events a second, so that the replay does not delay live webhooks.",
        ),
        click.option("--dry-run", is_flag=True, help="Show the number of events and the differences; change nothing."),
    ):
        command = option(command)
    return command


@click.group("dead-letters", cls=shared.Group)
def dead_letters_group() -> None:
    """List the deliveries that have failed for good, grouped by cause. Replay them, or discard them."""


@dead_letters_group.command("list")
@shared.with_store
@shared.with_limit
@shared.with_format
def dead_letters_list(store_name: str | None, limit: int, form: str) -> None:
    """List the causes, each with the number of its dead letters, their first and last time, and an example."""
    with shared.journal() as connection:
        rows = dead_letters.groups(connection, store_id=shared.store_id(connection, store_name), limit=limit)
    shared.show(rows, form)


@dead_letters_group.command("show")
@click.argument("group")
@shared.with_limit
@shared.with_format
def dead_letters_show(group: str, limit: int, form: str) -> None:
    """List the dead letters of a cause, newest first."""
    with shared.journal() as connection:
        rows = dead_letters.of_group(connection, group, limit=limit)
    if not rows:
        raise _no_group(group)
    shared.show(rows, form)


@dead_letters_group.command("replay")
@click.argument("group")
@_with_replay_options
def dead_letters_replay(group: str, **options: Any) -> None:
    """Map and deliver the events of a cause again.

    The command uses the active mapping set. With `--mapping then`, it uses the set that mapped each event last.
    """
    with shared.journal() as connection:
        if not dead_letters.of_group(connection, group, limit=1):
            raise _no_group(group)
    _replay(Selection(group=group), **options)


@dead_letters_group.command("discard")
@click.argument("group")
@shared.with_reason
@shared.with_actor
@shared.with_format
def dead_letters_discard(group: str, reason: str, actor: str, form: str) -> None:
    """Discard the dead letters of a cause for good. The journal keeps them and the reason."""
    with shared.journal() as connection:
        store, number = dead_letters.discard(connection, group)
        if not number:
            raise _no_group(group)
        audit.write(
            connection,
            actor=actor,
            action="dead_letters.discard",
            store=store,
            reason=reason,
            group=group,
            dead_letters=number,
        )
    shared.show([{"group": group, "store": store, "discarded": number}], form)


def _no_group(group: str) -> OperatorError:
    return OperatorError(f"there are no dead letters of the group {group!r}; see `connector dead-letters list`")


@click.group("replays", cls=shared.Group)
def replays_group() -> None:
    """Map and deliver events again, with the active mapping set or with the set that mapped them last."""


@replays_group.command("start")
@click.option(
    "--event", "event_ids", type=shared.NUMBER, multiple=True, help="This event. The option may be given several times."
)
@shared.with_store
@click.option("--topic", help="Only events of this topic.")
@click.option("--customer", help="Only events of this customer: an e-mail address or phone number.")
@click.option("--since", type=Time(), help="Only events received since: a time, or 30m, 12h or 7d for how long ago.")
@click.option("--until", type=Time(), help="Only events received before: a time, or how long ago.")
@click.option(
    "--state",
    type=click.Choice(["mapped", "unmapped", "delivered", "dead"]),
    help="Only events in this state; delivered and dead are states of at least one of its deliveries.",
)
@_with_replay_options
def replays_start(*, store_name: str | None, customer: str | None, **options: Any) -> None:
    """Start a replay of the events that match all the given options."""
    with shared.journal() as connection:
        store_id = shared.store_id(connection, store_name)
    filters = {name: options.pop(name) for name in ("event_ids", "topic", "since", "until", "state")}
    selection = Selection(store_id=store_id, customer=customer and customer.strip().lower(), **filters)
    if selection.is_empty:
        raise OperatorError("select events with --event, --store, --topic, --customer, --since, --until or --state")
    _replay(selection, **options)


@replays_group.command("list")
@shared.with_limit
@shared.with_format
def replays_list(limit: int, form: str) -> None:
    """List the newest replays, each with the outcomes of its events so far."""
    with shared.journal() as connection:
        rows = replays.newest(connection, limit=limit)
    shared.show(rows, form)


@replays_group.command("show")
@click.argument("replay_id", type=shared.NUMBER)
@shared.with_format
def replays_show(replay_id: int, form: str) -> None:
    """Show one replay with the outcomes of its events so far."""
    with shared.journal() as connection:
        rows = replays.newest(connection, replay_id=replay_id)
    if not rows:
        raise OperatorError(f"there is no replay {replay_id}; see `connector replays list`")
    _show_one(rows[0], form)


@replays_group.command("cancel")
@click.argument("replay_id", type=shared.NUMBER)
@shared.with_reason
@shared.with_actor
@shared.with_format
def replays_cancel(replay_id: int, reason: str, actor: str, form: str) -> None:
    """Cancel a replay: map no more of its events. Events that are already mapped are still delivered."""
    with shared.journal() as connection:
        left_out = replaying.cancel(connection, replay_id, actor=actor, reason=reason)
    shared.show([{"replay": replay_id, "state": "cancelled", "events_left_out": left_out}], form)


def _replay(
    selection: Selection,
    *,
    mapping: By,
    dry_run: bool,
    rate: float,
    journeys: bool,
    reason: str | None,
    actor: str,
    form: str,
) -> None:
    with shared.journal() as connection:
        if dry_run:
            _show_plan(connection, selection, mapping, form)
            return
        if not reason:
            raise OperatorError("give a reason: --reason TEXT. The audit trail keeps it")
        replay_id = replaying.start(
            connection,
            selection,
            actor=actor,
            reason=reason,
            skip_hook=not journeys,
            per_second=rate,
            mapping=mapping,
        )
        (replay,) = replays.newest(connection, replay_id=replay_id)
    _show_one(replay, form)


def _show_plan(connection: Connection, selection: Selection, mapping: By, form: str) -> None:
    settings = shared.settings()
    sets = MappingSets(load(settings.mappings_dir))
    plan = replaying.plan(connection, sets, selection, retention_days=settings.retention_days, mapping=mapping)
    report = asdict(plan)
    if form == "json":
        shared.show_json(report)
        return
    changes, missing = report.pop("changes"), report.pop("missing")
    _show_one(report, form)
    if missing:
        click.echo("\nEvents that would be left as they are, because the set that mapped them is not available:")
        shared.show(missing, form)
    click.echo(f"\nDifferences from the last updates of the newest {shared.counted(plan.compared, 'event')}:")
    shared.show(changes, form)


def _show_one(row: dict[str, Any], form: str) -> None:
    if form == "json":
        shared.show_json(row)
        return
    for name, value in row.items():
        click.echo(f"{name:22} {shared.cell(value)}")
