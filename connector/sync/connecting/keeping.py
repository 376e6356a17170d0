"""Saves a store's account, from the app or from the command line. Later, removes its webhooks at Yotpo."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from connector.errors import OperatorError, YotpoError
from connector.http import urls
from connector.journal import audit
from connector.journal.sync import accounts, backfills

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.journal.vault import Vault
    from connector.model import Store, YotpoAccount
    from connector.yotpo.client import StoreClient, Yotpo

_APP_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


def is_app_key(text: str) -> bool:
    """Whether this text may be Yotpo's id of a store. All ids seen so far have 40 letters and digits."""
    return bool(_APP_KEY.fullmatch(text))


def keep(
    connection: Connection,
    vault: Vault,
    yotpo: Yotpo,
    store: Store,
    account: YotpoAccount,
    *,
    actor: str,
    public_url: str,
    backfill: bool = True,
) -> int | None:
    """Save an account in place of the previous account, start a backfill, and return the backfill's number.

    Returns None if no backfill is wanted, or if a backfill is active already, which then continues. The caller holds
    the store's lease. Raises OperatorError if another store is connected to this Yotpo store.
    """
    before = accounts.by_store(connection, vault, store.id)
    if before and before.app_key != account.app_key:
        # The active backfill and the webhooks belong to the previous Yotpo store.
        backfills.change(connection, [store.id], state="cancelled")
        remove_webhooks(yotpo, before, public_url)
    accounts.connect(
        connection,
        vault,
        store_id=store.id,
        app_key=account.app_key,
        mode=account.mode,
        token=account.token,
        secret=account.secret,
        loyalty_guid=account.loyalty_guid,
        loyalty_key=account.loyalty_key,
    )
    number = _start_backfill(connection, store.id, actor) if backfill else None
    audit.write(
        connection,
        actor=actor,
        action="store.connect",
        store=store.name,
        app_key=account.app_key,
        mode=account.mode,
        backfill=number,
    )
    return number


def remove_webhooks(yotpo: Yotpo, account: YotpoAccount, public_url: str) -> dict[str, str]:
    """Remove our review webhooks at Yotpo; return the result for each event. Webhooks with other URLs stay."""
    if account.mode != "oauth" or not account.token:
        return {}
    if not public_url:
        return {
            "review webhooks": "not removed: PUBLIC_URL is not set, so the connector cannot recognise its own webhooks"
        }
    client = yotpo.store_client(account)
    try:
        webhooks = client.webhooks()
    except YotpoError as error:
        return {"review webhooks": f"not removed: {error}"}
    our_url = urls.webhook(public_url, "")
    return {event: _removed(client, number) for event, (number, url) in webhooks.items() if url.startswith(our_url)}


def _removed(client: StoreClient, number: str) -> str:
    try:
        client.remove_webhook(number)
    except YotpoError as error:
        return f"not removed: {error}"
    return "removed"


def _start_backfill(connection: Connection, store_id: int, actor: str) -> int | None:
    try:
        with connection.transaction():
            (number,) = backfills.start(
                connection, [store_id], actor=actor, reason="the store was connected to Yotpo", changed_only=False
            )
    except OperatorError:
        # A backfill of the same Yotpo store is active already, and it continues.
        return None
    return number
