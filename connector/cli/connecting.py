"""`connector stores connect` and `connector stores disconnect`: connect a store to Yotpo, and end the connection."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from connector.cli import shared
from connector.cli.connection import by_hand, describe, joined
from connector.errors import OperatorError, YotpoError, YotpoUnavailable
from connector.journal import audit, partitions, stores
from connector.journal.database import Database
from connector.journal.sync import accounts
from connector.model import YotpoAccount
from connector.sync import connecting, leases
from connector.sync.connecting import keeping
from connector.sync.connecting.tickets import INVITATION_HOURS, Tickets
from connector.yotpo.client import Yotpo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Connection
    from connector.model import Store
    from connector.yotpo.client import StoreClient

#: How long the command waits for a lease. A worker ends its lease sooner, unless Yotpo is very slow.
_WAIT_SECONDS = 30.0
#: No customer has this address, because example.com is reserved.
_UNUSED_EMAIL = "nobody@example.com"
_REQUIRED_SETTINGS = ("public_url", "yotpo_client_id", "yotpo_client_secret")


@click.command("connect")
@click.argument("name")
@click.option("--again", is_flag=True, help="Replace the connection that the store has.")
@click.option("--app-key", help="Connect with the store's own keys: its app key at Yotpo, which is also its store id.")
@click.option(
    "--secret",
    envvar="YOTPO_STORE_SECRET",
    show_envvar=True,
    help="The API secret of the app key. Without it, the command prompts for it.",
)
@click.option("--loyalty-guid", help="The merchant's GUID at Yotpo Loyalty, to look up points there.")
@click.option(
    "--loyalty-key",
    envvar="YOTPO_LOYALTY_KEY",
    show_envvar=True,
    help="The API key of the GUID. Without it, the command prompts for it.",
)
@click.option("--no-backfill", is_flag=True, help="Do not read the customers that already exist.")
@shared.with_actor
@shared.with_format
def connect_command(
    *,
    name: str,
    again: bool,
    app_key: str | None,
    secret: str | None,
    loyalty_guid: str | None,
    loyalty_key: str | None,
    no_backfill: bool,
    actor: str,
    form: str,
) -> None:
    """Connect a store to Yotpo.

    Without --app-key, the command prints a link. The merchant opens this link to install our app. With --app-key, the
    command connects the store with the store's own keys.
    """
    if app_key is None:
        if loyalty_guid or no_backfill:
            raise OperatorError("--loyalty-guid and --no-backfill need a store's own keys: give --app-key, too")
        invitation = _invite(name, again=again, actor=actor)
        shared.print_result(invitation, f"{invitation['link']}\n\n{invitation['next']}", form)
        return
    keys = {
        "app_key": app_key.strip(),
        "secret": _secret("API secret", secret),
        "loyalty_guid": loyalty_guid and loyalty_guid.strip(),
        "loyalty_key": _secret("Loyalty API key", loyalty_key) if loyalty_guid else None,
    }
    row = _connect_own(name, keys, again=again, backfill=not no_backfill, actor=actor)
    shared.print_result(
        row, "\n".join(f"{key:16} {'-' if value is None else value}" for key, value in row.items()), form
    )


@click.command("disconnect")
@click.argument("name")
@shared.with_actor
@shared.with_format
def disconnect_command(name: str, actor: str, form: str) -> None:
    """Delete a store's credentials for Yotpo, and stop its backfill and look-ups. Webhooks are still accepted."""
    with transaction_for_yotpo() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        removed = forget(connection, store, actor=actor)
        if removed is None:
            raise OperatorError(f"the store {name!r} is not connected to Yotpo: there is nothing to disconnect")
    shared.show([{"name": name, "yotpo": "disconnected", "review_webhooks": joined(removed)}], form)


@contextmanager
def transaction_for_yotpo() -> Iterator[Connection]:
    """Yield a connection inside a transaction. It may be idle for LEASE_SECONDS while the command waits for Yotpo."""
    database = Database.of(shared.settings(), connections=1, wait_seconds=5.0)
    try:
        with database.transaction(idle_seconds=partitions.LEASE_SECONDS) as connection:
            yield connection
    finally:
        database.close()


def forget(connection: Connection, store: Store, *, actor: str) -> dict[str, str] | None:
    """Delete a store's credentials for Yotpo, and remove our review webhooks at Yotpo.

    Return the result for each of these webhooks. Return None if the store is not connected.
    """
    account = accounts.by_store(connection, shared.vault(), store.id)
    if account is None or account.state == "disconnected":
        return None
    _wait(connection, store)
    removed = keeping.remove_webhooks(_yotpo(), account, shared.settings().public_url)
    accounts.disconnect(connection, store.id)
    audit.write(connection, actor=actor, action="store.disconnect", store=store.name, review_webhooks=removed)
    return removed


def _invite(name: str, *, again: bool, actor: str) -> dict[str, Any]:
    settings = shared.settings()
    missing = [name.upper() for name in _REQUIRED_SETTINGS if not getattr(settings, name)]
    if missing:
        raise OperatorError(
            f"not set: {', '.join(missing)}. A merchant cannot install the app without it. Set it for this command and "
            "for the web process, or connect the store with its own keys: --app-key"
        )
    with shared.journal() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        account = _replaceable(connection, store, again=again)
        audit.write(connection, actor=actor, action="store.invite", store=name)
    invitation = Tickets(settings.secret_key).invitation(store.id, account)
    return {
        "name": name,
        "link": connecting.start_url(settings.public_url, invitation),
        "next": f"Send the link to a person who may install apps at the store's Yotpo. It connects only {name!r}, "
        f"once, and is valid for {INVITATION_HOURS} hours. `connector stores show {name}` says when it is done.",
    }


def _connect_own(name: str, keys: dict[str, str | None], *, again: bool, backfill: bool, actor: str) -> dict[str, Any]:
    """Connect a store with its own keys, and return the row to print."""
    if not keeping.is_app_key(keys["app_key"] or ""):
        raise OperatorError("--app-key has to be the store's app key at Yotpo: letters and digits, usually 40")
    with transaction_for_yotpo() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        _replaceable(connection, store, again=again)
        _wait(connection, store)
        yotpo = _yotpo()
        client = yotpo.store_client(_own_account(store, keys))
        _prove(client)
        backfill_id = keeping.keep(
            connection,
            shared.vault(),
            yotpo,
            store,
            client.account,
            actor=actor,
            public_url=shared.settings().public_url,
            backfill=backfill,
        )
        described = describe(connection, store)
    return {
        "name": name,
        **described,
        "backfill": backfill_id,
        "next": "Within seconds the workers try out what the account can do"
        + (", and read the store's customers: `connector backfill status`" if backfill_id else ""),
        "by_hand": by_hand(store),
    }


def _own_account(store: Store, keys: dict[str, str | None]) -> YotpoAccount:
    return YotpoAccount(
        store_id=store.id,
        app_key=keys["app_key"] or "",
        mode="own",
        token=None,
        secret=keys["secret"],
        loyalty_guid=keys["loyalty_guid"],
        loyalty_key=keys["loyalty_key"],
    )


def _prove(client: StoreClient) -> None:
    """Check that Yotpo accepts the keys. Raises OperatorError, with the remedy, if Yotpo does not accept them."""
    options = "--app-key and --secret"
    try:
        client.info()
        if client.has_loyalty:
            options = "--loyalty-guid and --loyalty-key"
            client.loyalty(email=_UNUSED_EMAIL)
    except YotpoUnavailable as error:
        raise OperatorError(f"{error}. Nothing was kept; try again in a few minutes") from None
    except YotpoError as error:
        raise OperatorError(f"{error}. Nothing was kept; check {options} at Yotpo again") from None


def _replaceable(connection: Connection, store: Store, *, again: bool) -> YotpoAccount | None:
    """Return the store's present account, if any. Raises OperatorError if it is connected and `again` is false."""
    account = accounts.by_store(connection, shared.vault(), store.id)
    if account and account.state == "connected" and not again:
        raise OperatorError(
            f"the store {store.name!r} is already connected to Yotpo as {account.app_key}; --again replaces "
            "the connection"
        )
    return account


def _wait(connection: Connection, store: Store) -> None:
    if not leases.wait_for(connection, store.id, seconds=_WAIT_SECONDS):
        raise OperatorError(f"a worker is using the Yotpo of {store.name!r} right now; try again in a minute")


def _secret(name: str, value: str | None) -> str:
    """Return `value`, or prompt for the secret if there is no value. The prompt does not show what the operator types.

    Raises OperatorError if the secret is not printable ASCII.
    """
    text = (value or click.prompt(name, hide_input=True, err=True)).strip()
    if not text or not text.isascii() or not text.isprintable():
        raise OperatorError(f"the {name} has to be printable ASCII; copy it from Yotpo again")
    return str(text)


def _yotpo() -> Yotpo:
    return Yotpo.of(shared.settings())
