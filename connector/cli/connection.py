"""How a store's connection to Yotpo is shown, and what of it is left to be done by hand."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from connector.cli import shared
from connector.http import urls
from connector.journal.sync import accounts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.journal.database import Connection
    from connector.model import Store, YotpoAccount


def describe(connection: Connection, store: Store) -> dict[str, str | None]:
    """Return what may be shown of a store's connection; None where there is nothing to tell."""
    account = accounts.by_store(connection, shared.vault(), store.id)
    in_use = account if account and account.state == "connected" else None
    return {
        "yotpo": _state(account, store) if account else None,
        "yotpo_expands": _expands(in_use) if in_use else None,
        "review_webhooks": joined(in_use.review_webhooks) if in_use else None,
    }


def by_hand(store: Store) -> str:
    """Return what has to be pasted at Yotpo, which has no API for it."""
    url = urls.webhook(public_url(), store.webhook_token)
    secret = "; Webhook Authentication: the secret that you have set" if store.webhook_secret else ""
    return f"in Yotpo's Loyalty admin, Settings > General Settings: Webhook URL: {url}{secret}"


def public_url() -> str:
    """Return where the web process is reached from outside, or else from this machine."""
    settings = shared.settings()
    return settings.public_url or f"http://localhost:{settings.port}"


def joined(webhooks: Mapping[str, str]) -> str | None:
    """Write in one line what became of each webhook."""
    return "; ".join(f"{event}: {fate}" for event, fate in sorted(webhooks.items())) or None


def _state(account: YotpoAccount, store: Store) -> str:
    if account.state == "revoked":
        remedy = f"connect it again with `connector stores connect {store.name}`"
        return f"revoked by Yotpo: {remedy}; nothing is asked{_since(account.ended_at)}"
    if account.state == "disconnected":
        return "disconnected"
    how = "by the app" if account.mode == "oauth" else "with its own keys"
    asleep = f", not asked for now: {account.pause_reason}" if account.paused else ""
    return f"connected as {account.app_key} {how}{_since(account.connected_at)}{asleep}"


def _since(at: datetime | None) -> str:
    return f" since {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _expands(account: YotpoAccount) -> str:
    """Say what a look-up sees beside the customer himself."""
    if account.expands is None:
        return "not tried out yet"
    return " and ".join(expand or "nothing" for expand in account.expands)
