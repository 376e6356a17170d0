"""`connector stores …`: add, show, change, pause and remove stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli import shared
from connector.cli.connecting import connect_command, disconnect_command, forget, transaction_for_yotpo
from connector.cli.connection import by_hand, describe, public_url
from connector.http import urls
from connector.journal import audit, forms, stores
from connector.journal.sync import accounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.journal.database import Connection
    from connector.model import Store


@click.group("stores", cls=shared.Group)
def stores_group() -> None:
    """Add, show, change, pause and remove stores."""


def _settings(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for the settings that can be changed later."""
    for option in (
        click.option("--overlay", help="The overlay of the mapping files for this store."),
        click.option("--phone-region", help="The country of phone numbers without a country code."),
        click.option("--standin-year", help="The year for birthdays without a year. By default they are left out."),
        click.option("--webhook-secret-header", help="The name of that header.  [default: Authorization]"),
        click.option("--webhook-secret", help="Require this secret in a header of each webhook; 8 characters or more."),
        click.option("--insider-url", help="Insider's API host, if it is not the usual one."),
    ):
        command = option(command)
    return command


@stores_group.command("add")
@click.argument("name")
@click.option("--insider-partner", required=True, help="The partner name, as Insider's account settings show it.")
@click.option("--insider-token", required=True, help="The API key for the user database.")
@_settings
@shared.with_actor
@shared.with_format
def stores_add(actor: str, form: str, **options: Any) -> None:
    """Add a store and print its webhook URL."""
    checked = forms.read_store({name: value for name, value in options.items() if value is not None})
    with shared.journal() as connection:
        store = stores.add(connection, shared.vault(), **checked)
        audit.write(connection, actor=actor, action="store.add", store=store.name)
        _show_store(connection, store.name, form)


@stores_group.command("set")
@click.argument("name")
@click.option("--insider-partner", help="The partner name, as Insider's account settings show it.")
@click.option("--insider-token", help="The API key for the user database.")
@_settings
@shared.with_actor
@shared.with_format
def stores_set(name: str, actor: str, form: str, **options: Any) -> None:
    """Change settings of a store, and end its pause. The value '' unsets a setting.

    Use this command, for example, if Insider refuses the store's credentials.
    """
    with shared.journal() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        changes = forms.read_changes({key: value or None for key, value in options.items() if value is not None}, store)
        stores.change(connection, shared.vault(), store, changes)
        # The audit trail contains only the names of the settings, because some values are secrets.
        audit.write(connection, actor=actor, action="store.set", store=name, settings=sorted(changes))
        _show_store(connection, name, form)


@stores_group.command("list")
@shared.with_format
def stores_list(form: str) -> None:
    """List the stores."""
    with shared.journal() as connection:
        everyone = stores.all_stores(connection, shared.vault())
        states = {state["name"]: state for state in stores.states(connection)}
        rows = [_row(connection, store, states[store.name]) for store in everyone]
    shared.show(rows, form)


@stores_group.command("show")
@click.argument("name")
@shared.with_format
def stores_show(name: str, form: str) -> None:
    """Show a store with its webhook URL and its waiting deliveries."""
    with shared.journal() as connection:
        _show_store(connection, name, form)


def _store_command(name: str, help_text: str, change: Callable[[Connection, Store], None]) -> None:
    @stores_group.command(name, help=help_text)
    @click.argument("store_name", metavar="NAME")
    @shared.with_actor
    @shared.with_format
    def command(store_name: str, actor: str, form: str) -> None:
        with shared.journal() as connection:
            change(connection, stores.by_name(connection, shared.vault(), store_name))
            audit.write(connection, actor=actor, action=f"store.{name}", store=store_name)
            _show_store(connection, store_name, form)


_store_command(
    "rotate-token",
    "Give a store a new webhook URL; the old one is unknown within 5 seconds.",
    lambda connection, store: stores.rotate_token(connection, shared.vault(), store),
)
_store_command(
    "pause",
    "Hold a store's deliveries back; webhooks are still accepted and mapped.",
    lambda connection, store: stores.hold(connection, store, held=True),
)
_store_command(
    "resume",
    "Release a store's deliveries, no matter what paused them.",
    lambda connection, store: stores.hold(connection, store, held=False),
)


@stores_group.command("remove")
@click.argument("name")
@shared.with_actor
@shared.with_format
def stores_remove(name: str, actor: str, form: str) -> None:
    """Remove a store: accept no more webhooks for it, and delete its secrets.

    Its waiting deliveries become dead letters. Its events and deliveries stay in the journal.
    """
    with transaction_for_yotpo() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        forget(connection, store, actor=actor)
        buried = stores.remove(connection, store)
        audit.write(connection, actor=actor, action="store.remove", store=name, dead_letters=buried)
    shared.show([{"name": name, "state": "removed", "dead_letters": buried}], form)


stores_group.add_command(connect_command)
stores_group.add_command(disconnect_command)


@stores_group.command("reseal")
@shared.with_actor
@shared.with_format
def stores_reseal(actor: str, form: str) -> None:
    """Encrypt all secrets again with the first key of SECRET_KEY."""
    with shared.journal() as connection:
        # `remove` locks these rows in the same order, so the two commands cannot deadlock.
        resealed = accounts.reseal(connection, shared.vault())
        number = stores.reseal(connection, shared.vault())
        audit.write(connection, actor=actor, action="store.reseal", stores=number, yotpo_accounts=resealed)
    shared.show([{"stores": number, "yotpo_accounts": resealed, "state": "resealed"}], form)


def _row(connection: Connection, store: Store, state: dict[str, Any]) -> dict[str, Any]:
    """Return a store as a row to print. The webhook URL is the only secret in the row."""
    return {
        "name": store.name,
        "state": state["state"],
        "webhook_url": urls.webhook(public_url(), store.webhook_token),
        "webhook_secret": f"demanded in {store.webhook_secret_header}" if store.webhook_secret else None,
        "insider_partner": store.insider_partner,
        "insider_url": store.insider_url or shared.settings().insider_url,
        "standin_year": store.options.standin_year,
        "phone_region": store.options.phone_region,
        "overlay": store.options.overlay,
        "created_at": store.created_at,
        **{name: state[name] for name in ("received", "waiting", "dead")},
        **describe(connection, store),
    }


def _show_store(connection: Connection, name: str, form: str) -> None:
    store = stores.by_name(connection, shared.vault(), name)
    (state,) = stores.states(connection, name=name)
    row = {**_row(connection, store, state), "by_hand": by_hand(store)}
    if form == "json":
        shared.show_json(row)
    else:
        for key, value in row.items():
            click.echo(f"{key:16} {'-' if value is None else value}")
