"""Trial: finds out what a newly connected account can do, and registers the webhooks that can be registered.

Yotpo does not document whether `expand` takes two values at once, nor whether a store has Loyalty or Reviews at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector import observability, urls
from connector.errors import YotpoRefused
from connector.journal import stores, yotpo_accounts

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.journal.vault import Vault
    from connector.model import YotpoAccount
    from connector.yotpo.client import Line

#: What fills `yotpo_loyalty` and `yotpo_ugc` of a customer.
_LOYALTY, _REVIEWS = "loyalty", "reviews"
_BOTH = f"{_LOYALTY},{_REVIEWS}"
_SHOWS = {_LOYALTY: "yotpo_loyalty", _REVIEWS: "yotpo_ugc"}
#: Registered by API, where we are Yotpo's app; those of Loyalty are pasted by hand (Yotpo's page "Create webhook").
_REVIEW_EVENTS = ("review_create", "review_updated")

_log = observability.logger("trial")


def try_out(connection: Connection, vault: Vault, account: YotpoAccount, line: Line, *, public_url: str) -> None:
    """Try a new account out and keep what was found. Raises YotpoUnavailable, YotpoUnauthorized."""
    expands = _expands(line)
    store = stores.by_id(connection, vault, account.store_id)
    url = urls.webhook(public_url, store.webhook_token) if public_url and store else ""
    review_webhooks = _registered(line, url) if account.mode == "oauth" else {}
    yotpo_accounts.keep_findings(connection, account, expands=expands, review_webhooks=review_webhooks)
    _log.info("account.tried_out", store_id=account.store_id, expands=";".join(expands), webhooks=len(review_webhooks))


def _expands(line: Line) -> list[str]:
    """Return the values of `expand` with which each customer has to be asked for.

    Both at once only where a page shows as much as with each of them alone: null stands both for what was not asked
    for and for what is not there.
    """
    alone = {value: _shown(line, value, _SHOWS[value]) for value in _SHOWS}
    possible = [value for value, shown in alone.items() if shown is not None]
    if len(possible) < len(_SHOWS) or not all(alone.values()):
        return possible or [""]
    both = {value: _shown(line, _BOTH, field) for value, field in _SHOWS.items()}
    return [_BOTH] if both == alone else possible


def _shown(line: Line, expand: str, field: str) -> set[str] | None:
    """Return who on the first page shows something in this field; None where Yotpo refuses this `expand`."""
    try:
        page = line.customers(expand=expand)
    except YotpoRefused as error:
        _log.warning("expand.refused", expand=expand, status=error.status)
        return None
    return {f"{one.get('email')} {one.get('external_id')}" for one in page.customers if one.get(field)}


def _registered(line: Line, url: str) -> dict[str, str]:
    """Register our URL for reviews, and say of each event what became of it. There is one webhook an event."""
    if not url:
        return dict.fromkeys(_REVIEW_EVENTS, "not registered: PUBLIC_URL is not set")
    found = {}
    for event in _REVIEW_EVENTS:
        try:
            found[event] = _register(line, event, f"{url}/{event}")
        except YotpoRefused as error:
            found[event] = f"not registered: {error}"
    return found


def _register(line: Line, event: str, url: str) -> str:
    _, there = line.webhooks().get(event, ("", ""))
    if not there:
        line.register_webhook(event, url)
        return "registered"
    if there == url:
        return "registered"
    return "not registered: Yotpo takes one webhook an event, and another URL has it; remove that one at Yotpo first"
