"""Trial: finds out what a newly connected account can do, and registers the webhooks that can be registered.

Yotpo does not document whether `expand` takes two values at once, whether it counts beyond the first page, nor whether
a store has Loyalty or Reviews at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.errors import CursorExpired, YotpoRefused, YotpoUnavailable
from connector.http import urls
from connector.journal import stores
from connector.journal.sync import accounts

if TYPE_CHECKING:
    from connector.journal.database import Connection
    from connector.journal.vault import Vault
    from connector.model import Json, YotpoAccount
    from connector.yotpo.client import Page, StoreClient

#: What fills `yotpo_loyalty` and `yotpo_ugc` of a customer.
_LOYALTY, _REVIEWS = "loyalty", "reviews"
_BOTH = f"{_LOYALTY},{_REVIEWS}"
_SHOWS = {_LOYALTY: "yotpo_loyalty", _REVIEWS: "yotpo_ugc"}
#: With these Yotpo says that it does not know a value, or not for this store; with others, something of the moment.
_NOT_POSSIBLE = frozenset({400, 403, 404, 422})
#: Registered by API, where we are Yotpo's app; those of Loyalty are pasted by hand (Yotpo's page "Create webhook").
_REVIEW_EVENTS = ("review_create", "review_updated")

_log = observability.logger("trial")


class _Expanding(NamedTuple):
    """How a customer is shown whole."""

    #: The values of `expand`, one question each.
    values: list[str]
    #: Whether the value has to be said again for each further page.
    repeated: bool


def try_out(
    connection: Connection, vault: Vault, account: YotpoAccount, client: StoreClient, *, public_url: str
) -> None:
    """Try a new account out and keep what was found. Raises YotpoUnavailable, YotpoUnauthorized."""
    expanding = _expanding(client)
    store = stores.by_id(connection, vault, account.store_id)
    url = urls.webhook(public_url, store.webhook_token) if public_url and store else ""
    review_webhooks = _registered(client, url) if account.mode == "oauth" else {}
    accounts.keep_findings(
        connection,
        account,
        expands=expanding.values,
        repeats_expand=expanding.repeated,
        review_webhooks=review_webhooks,
    )
    _log.info(
        "account.tried_out",
        store_id=account.store_id,
        expands=";".join(expanding.values),
        repeated=expanding.repeated,
        webhooks=len(review_webhooks),
    )


def _expanding(client: StoreClient) -> _Expanding:
    """Find out how each customer has to be asked for.

    With both values at once only where a page shows as much as with each of them alone: null stands both for what was
    not asked for and for what is not there.
    """
    alone = {value: _page(client, value) for value in _SHOWS}
    possible = [value for value, page in alone.items() if page is not None] or [""]
    shown = {value: _shown(page, _SHOWS[value]) for value, page in alone.items() if page}
    first = alone[possible[0]] if possible[0] else None
    if len(shown) == len(_SHOWS) and all(shown.values()):
        both = _page(client, _BOTH)
        if both and all(_shown(both, _SHOWS[value]) == names for value, names in shown.items()):
            possible, first = [_BOTH], both
    return _Expanding(possible, repeated=first is not None and _is_lost(client, possible[0], first))


def _page(client: StoreClient, expand: str) -> Page | None:
    """Return the first page; None where Yotpo does not take this `expand`."""
    try:
        return client.customers(expand=expand)
    except YotpoRefused as error:
        _check_for_good(error)
        _log.warning("expand.refused", expand=expand, status=error.status)
        return None


def _check_for_good(error: YotpoRefused) -> None:
    """Raise YotpoUnavailable where the refusal is one of the moment, so that the account is tried out again."""
    if error.status not in _NOT_POSSIBLE:
        raise YotpoUnavailable(str(error)) from None


def _shown(page: Page, field: str) -> set[str]:
    """Return who on a page shows something in this field."""
    return {f"{one.get('email')} {one.get('external_id')}" for one in page.customers if one.get(field)}


def _is_lost(client: StoreClient, expand: str, first: Page) -> bool:
    """Whether the second page shows nothing of what was asked for with the first, and does where it is said again."""
    if first.cursor is None or not _is_expanded(first.customers):
        return False
    try:
        second = client.customers(cursor=first.cursor)
        if _is_expanded(second.customers):
            return False
        return _is_expanded(client.customers(cursor=first.cursor, expand=expand).customers)
    except YotpoRefused as error:
        # Either nothing is taken beside a cursor, or none is known for long; look-ups need none.
        if not isinstance(error, CursorExpired):
            _check_for_good(error)
        _log.warning("cursor.refused", expand=expand, status=error.status)
        return False


def _is_expanded(customers: list[Json]) -> bool:
    return any(one.get(field) for one in customers for field in _SHOWS.values())


def _registered(client: StoreClient, url: str) -> dict[str, str]:
    """Register our URL for reviews, and say of each event what became of it. There is one webhook an event."""
    if not url:
        return dict.fromkeys(_REVIEW_EVENTS, "not registered: PUBLIC_URL is not set")
    found = {}
    for event in _REVIEW_EVENTS:
        try:
            found[event] = _register(client, event, f"{url}/{event}")
        except YotpoRefused as error:
            found[event] = f"not registered: {error}"
    return found


def _register(client: StoreClient, event: str, url: str) -> str:
    _, there = client.webhooks().get(event, ("", ""))
    if not there:
        client.register_webhook(event, url)
    elif there != url:
        return (
            "not registered: Yotpo takes one webhook an event, and another URL has it; remove that one at Yotpo first"
        )
    return "registered"
