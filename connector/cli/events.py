"""`connector events …`, `notices`, `rejected`, `audit`: show events, their outcomes, and what operators did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from connector.cli import shared
from connector.errors import OperatorError
from connector.journal import audit, events, notices, story
from connector.journal.results import dead_letters

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group("events", cls=shared.Group)
def events_group() -> None:
    """Show received events and their outcomes."""


@events_group.command("list")
@shared.with_store
@click.option("--state", type=click.Choice(["received", "mapped", "unmapped"]))
@click.option("--customer", help="Only this customer's: an e-mail address or phone number.")
@shared.with_limit
@shared.with_format
def events_list(store_name: str | None, state: str | None, customer: str | None, limit: int, form: str) -> None:
    """List the newest events."""
    with shared.journal() as connection:
        rows = events.newest(
            connection,
            store_id=shared.store_id(connection, store_name),
            state=state,
            customer=customer and customer.strip().lower(),
            limit=limit,
        )
    shared.show(rows, form)


@events_group.command("show")
@click.argument("event_id", type=shared.NUMBER)
@shared.with_format
def events_show(event_id: int, form: str) -> None:  # noqa: ARG001 - an event is JSON in either format
    """Show an event with its mapping, its deliveries and attempts, and the reason if something was not delivered."""
    with shared.journal() as connection:
        event = story.of_event(connection, event_id)
    if event is None:
        raise _no_event(event_id)
    event["body"] = orjson.loads(event["body"])
    shared.show_json(event)


@events_group.command("bury")
@click.argument("event_id", type=shared.NUMBER)
@shared.with_reason
@shared.with_actor
@shared.with_format
def events_bury(event_id: int, reason: str, actor: str, form: str) -> None:
    """Turn an event's waiting deliveries into dead letters. Use this command only if they do not end in another way."""
    with shared.journal() as connection:
        event = story.of_event(connection, event_id)
        if event is None:
            raise _no_event(event_id)
        buried = dead_letters.bury(connection, event_id, reason=f"buried by an operator: {reason}")
        if not buried:
            raise OperatorError(
                f"event {event_id} has no waiting delivery; `connector events show {event_id}` shows more"
            )
        audit.write(connection, actor=actor, action="event.bury", store=event["store"], reason=reason, event=event_id)
    shared.show([{"event": event_id, "dead_letters": buried}], form)


def _no_event(event_id: int) -> OperatorError:
    return OperatorError(f"there is no event {event_id}; `connector events list` shows the newest")


@click.command("audit")
@shared.with_limit
@shared.with_format
def audit_command(limit: int, form: str) -> None:
    """List the actions of operators, newest first, each with the operator's name and the reason."""
    with shared.journal() as connection:
        rows = audit.newest(connection, limit=limit)
    shared.show(rows, form)


def _listing(name: str, help_text: str, rows_of: Callable[..., list[dict[str, Any]]]) -> click.Command:
    @click.command(name, help=help_text)
    @shared.with_store
    @shared.with_limit
    @shared.with_format
    def listing(store_name: str | None, limit: int, form: str) -> None:
        with shared.journal() as connection:
            rows = rows_of(connection, store_id=shared.store_id(connection, store_name), limit=limit)
        shared.show(rows, form)

    return listing


notices_command = _listing("notices", "List the newest notices to the merchant.", notices.newest)
rejected = _listing("rejected", "List the newest webhooks that were answered 400 or 413.", notices.newest_rejected)
