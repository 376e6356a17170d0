"""`connector stores connect` and `connector stores disconnect`: how a store comes to be connected to Yotpo."""

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

#: A worker that speaks to the store's Yotpo is through with it in this time, unless Yotpo is very slow.
_WAIT_SECONDS = 30.0
#: Belongs to nobody: example.com is kept free.
_NOBODY = "nobody@example.com"
_NEEDED = ("public_url", "yotpo_client_id", "yotpo_client_secret")


@click.command("connect")
@click.argument("name")
@click.option("--again", is_flag=True, help="Replace the connection that the store has.")
@click.option("--app-key", help="Connect with the store's own keys: its app key at Yotpo, which is also its store id.")
@click.option(
    "--secret", envvar="YOTPO_STORE_SECRET", show_envvar=True, help="The API secret to it; else you are asked for it."
)
@click.option("--loyalty-guid", help="The merchant's GUID at Yotpo Loyalty, where points are to be looked up there.")
@click.option(
    "--loyalty-key", envvar="YOTPO_LOYALTY_KEY", show_envvar=True, help="The API key to it; else you are asked for it."
)
@click.option("--no-backfill", is_flag=True, help="Do not bring the customers that there are already.")
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
    """Connect a store to Yotpo: print a link by which its merchant installs our app, or use the store's own keys."""
    if app_key is None:
        if loyalty_guid or no_backfill:
            raise OperatorError("--loyalty-guid and --no-backfill go with a store's own keys: say --app-key, too")
        told = _invite(name, again=again, actor=actor)
        shared.tell(told, f"{told['link']}\n\n{told['next']}", form)
        return
    keys = {
        "app_key": app_key.strip(),
        "secret": _asked("API secret", secret),
        "loyalty_guid": loyalty_guid and loyalty_guid.strip(),
        "loyalty_key": _asked("Loyalty API key", loyalty_key) if loyalty_guid else None,
    }
    told = _connect_own(name, keys, again=again, backfill=not no_backfill, actor=actor)
    shared.tell(told, "\n".join(f"{key:16} {'-' if value is None else value}" for key, value in told.items()), form)


@click.command("disconnect")
@click.argument("name")
@shared.with_actor
@shared.with_format
def disconnect_command(name: str, actor: str, form: str) -> None:
    """Forget a store's credentials at Yotpo and stop its backfill and look-ups; webhooks are taken all the same."""
    with speaking() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        removed = forget(connection, store, actor=actor)
        if removed is None:
            raise OperatorError(f"the store {name!r} is not connected to Yotpo: there is nothing to disconnect")
    shared.show([{"name": name, "yotpo": "disconnected", "review_webhooks": joined(removed)}], form)


@contextmanager
def speaking() -> Iterator[Connection]:
    """Lend a connection in a transaction in which Yotpo is asked, too."""
    database = Database(shared.settings().database_url, connections=1, wait_seconds=5.0)
    try:
        with database.transaction(idle_seconds=partitions.LEASE_SECONDS) as connection:
            yield connection
    finally:
        database.close()


def forget(connection: Connection, store: Store, *, actor: str) -> dict[str, str] | None:
    """Forget a store's account; return what became of each of our review webhooks at Yotpo, None without an account."""
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
    missing = [needed.upper() for needed in _NEEDED if not getattr(settings, needed)]
    if missing:
        raise OperatorError(
            f"not set: {', '.join(missing)}. A merchant can install the app only with it: set it for this command and "
            "for the web process alike, or connect the store with its own keys: --app-key"
        )
    with shared.journal() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        account = _replaceable(connection, store, again=again)
        audit.write(connection, actor=actor, action="store.invite", store=name)
    invitation = Tickets(settings.secret_key).invitation(store.id, account)
    return {
        "name": name,
        "link": connecting.start_url(settings.public_url, invitation),
        "next": f"Send the link to whoever may install apps at the store's Yotpo. It connects {name!r} alone, once, "
        f"and is good for {INVITATION_HOURS} hours. `connector stores show {name}` tells when it is done.",
    }


def _connect_own(name: str, keys: dict[str, str | None], *, again: bool, backfill: bool, actor: str) -> dict[str, Any]:
    """Connect a store with its own keys, and return what is to be told of it."""
    if not keeping.is_app_key(keys["app_key"] or ""):
        raise OperatorError("--app-key has to be the store's app key at Yotpo: letters and digits, mostly 40 of them")
    with speaking() as connection:
        store = stores.by_name(connection, shared.vault(), name)
        _replaceable(connection, store, again=again)
        _wait(connection, store)
        yotpo = _yotpo()
        client = yotpo.store_client(_own_account(store, keys))
        _prove(client)
        number = keeping.keep(
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
        "backfill": number,
        "next": "The workers try out within seconds what the account can do"
        + (", and read the store's customers: `connector backfill status`" if number else ""),
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
    """Let Yotpo say whether the keys are right. Raises OperatorError with the remedy."""
    asked = "--app-key and --secret"
    try:
        client.info()
        if client.has_loyalty:
            asked = "--loyalty-guid and --loyalty-key"
            client.loyalty(email=_NOBODY)
    except YotpoUnavailable as error:
        raise OperatorError(f"{error}. Nothing was kept; try again in a few minutes") from None
    except YotpoError as error:
        raise OperatorError(f"{error}. Nothing was kept; look {asked} up at Yotpo once more") from None


def _replaceable(connection: Connection, store: Store, *, again: bool) -> YotpoAccount | None:
    """Return the account that is to be replaced. Raises OperatorError where it is in use, and that was not said."""
    account = accounts.by_store(connection, shared.vault(), store.id)
    if account and account.state == "connected" and not again:
        raise OperatorError(
            f"the store {store.name!r} is connected to Yotpo as {account.app_key} already; --again replaces that"
        )
    return account


def _wait(connection: Connection, store: Store) -> None:
    if not leases.wait_for(connection, store.id, seconds=_WAIT_SECONDS):
        raise OperatorError(f"a worker is speaking to the Yotpo of {store.name!r} right now; try again in a minute")


def _asked(what: str, given: str | None) -> str:
    """Return a secret that was given, or ask for it; it is not shown."""
    text = (given or click.prompt(what, hide_input=True, err=True)).strip()
    if not text or not text.isascii() or not text.isprintable():
        raise OperatorError(f"the {what} has to be printable ASCII; copy it from Yotpo once more")
    return str(text)


def _yotpo() -> Yotpo:
    return Yotpo.of(shared.settings())
