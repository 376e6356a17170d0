"""Describes a store's connection to Yotpo, and the settings that the merchant must paste into Yotpo by hand."""

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
    """Return columns that describe a store's connection, without secrets. A column without a value is None."""
    account = accounts.by_store(connection, shared.vault(), store.id)
    in_use = account if account and account.state == "connected" else None
    return {
        "yotpo": _state(account, store) if account else None,
        "yotpo_expands": _expands(in_use) if in_use else None,
        "review_webhooks": joined(in_use.review_webhooks) if in_use else None,
    }


def by_hand(store: Store) -> str:
    """Return a sentence with the settings to paste into Yotpo by hand. Yotpo has no API for these settings."""
    url = urls.webhook(public_url(), store.webhook_token)
    secret = "; Webhook Authentication: the secret that you have set" if store.webhook_secret else ""
    return f"in Yotpo's Loyalty admin, Settings > General Settings: Webhook URL: {url}{secret}"


def public_url() -> str:
    """Return the URL of the web process: PUBLIC_URL, or else its URL on this machine."""
    settings = shared.settings()
    return settings.public_url or f"http://localhost:{settings.port}"


def joined(webhooks: Mapping[str, str]) -> str | None:
    """Return the state of each webhook in one line, or None if there are no webhooks."""
    return "; ".join(f"{event}: {state}" for event, state in sorted(webhooks.items())) or None


def _state(account: YotpoAccount, store: Store) -> str:
    if account.state == "revoked":
        remedy = f"connect it again with `connector stores connect {store.name}`"
        return f"revoked by Yotpo: {remedy}; Yotpo is not asked{_since(account.ended_at)}"
    if account.state == "disconnected":
        return "disconnected"
    how = "by the app" if account.mode == "oauth" else "with its own keys"
    pause = f", paused: {account.pause_reason}" if account.paused else ""
    return f"connected as {account.app_key} {how}{_since(account.connected_at)}{pause}"


def _since(at: datetime | None) -> str:
    return f" since {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _expands(account: YotpoAccount) -> str:
    """Return the `expand` values of a look-up. They ask Yotpo for more data than the customer's own fields."""
    if account.expands is None:
        return "not tried out yet"
    return " and ".join(expand or "nothing" for expand in account.expands)
