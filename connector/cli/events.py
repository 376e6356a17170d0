"""`connector events …`, `dead-letters`, `notices`, `rejected`: what was received and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from connector.cli import shared
from connector.errors import OperatorError
from connector.journal import deliveries, events, notices, stores

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group("events", cls=shared.Group)
def events_group() -> None:
    """Look at what was received and what became of it."""


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
@click.argument("event_id", type=int)
@shared.with_format
def events_show(event_id: int, form: str) -> None:  # noqa: ARG001 - an event is JSON in either format
    """Show one event: the webhook, what was mapped, what was delivered, and why not."""
    with shared.journal() as connection:
        event = events.find(connection, event_id)
        if event is None:
            raise OperatorError(f"there is no event {event_id}; `connector events list` shows the newest")
        event["body"] = orjson.loads(event["body"])
        event["deliveries"] = deliveries.of_event(connection, event_id)
    shared.show_json(event)


@events_group.command("replay")
@click.argument("event_ids", nargs=-1, type=int, required=True)
@shared.with_format
def events_replay(event_ids: tuple[int, ...], form: str) -> None:
    """Map and deliver events again, by today's mappings; Insider starts no journeys from them."""
    with shared.journal() as connection:
        number = events.map_again(connection, event_ids=event_ids)
    shared.show([{"events": number, "state": "received"}], form)


@events_group.command("replay-unmapped")
@click.option("--store", "store_name", required=True, help="Whose events.")
@click.option("--topic", help="Only events of this topic.")
@shared.with_format
def events_replay_unmapped(store_name: str, topic: str | None, form: str) -> None:
    """Map events again that had no mapping when they came; Insider starts no journeys from them."""
    with shared.journal() as connection:
        store = stores.by_name(connection, shared.vault(), store_name)
        number = events.map_again(connection, store_id=store.id, state="unmapped", topic=topic)
    shared.show([{"store": store_name, "events": number, "state": "received"}], form)


def _listing(name: str, told: str, rows_of: Callable[..., list[dict[str, Any]]]) -> click.Command:
    @click.command(name, help=told)
    @shared.with_store
    @shared.with_limit
    @shared.with_format
    def listing(store_name: str | None, limit: int, form: str) -> None:
        with shared.journal() as connection:
            rows = rows_of(connection, store_id=shared.store_id(connection, store_name), limit=limit)
        shared.show(rows, form)

    return listing


dead_letters = _listing("dead-letters", "List what Insider will never get, each with its reason.", deliveries.dead)
notices_command = _listing("notices", "List the newest notices to the merchant.", notices.newest)
rejected = _listing("rejected", "List the newest webhooks that were answered 400 or 413.", notices.newest_rejected)
