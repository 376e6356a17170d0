"""A trial finds out what a newly connected account can do, and registers webhooks where Yotpo has an API for this.

A trial finds out three facts that Yotpo does not document: whether `expand` accepts two values at once, whether a
cursor keeps `expand` for the next page, and whether a store has Loyalty or Reviews at all.
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

#: The values of `expand` that fill `yotpo_loyalty` and `yotpo_ugc` of a customer.
_LOYALTY, _REVIEWS = "loyalty", "reviews"
_BOTH = f"{_LOYALTY},{_REVIEWS}"
_FIELDS = {_LOYALTY: "yotpo_loyalty", _REVIEWS: "yotpo_ugc"}
#: With these statuses Yotpo rejects a value of `expand` for good. Other statuses are temporary failures.
_REJECTED = frozenset({400, 403, 404, 422})
#: The webhooks that an app can register by API. An operator has to enter the webhooks of Loyalty by hand (Yotpo's page
#: "Create webhook").
_REVIEW_EVENTS = ("review_create", "review_updated")

_log = observability.logger("trial")


class _Expanding(NamedTuple):
    """How to get all fields of a customer."""

    #: The values of `expand`. Each value needs a request of its own.
    values: list[str]
    #: True if the request for each further page needs the value again.
    repeated: bool


def try_out(
    connection: Connection, vault: Vault, account: YotpoAccount, client: StoreClient, *, public_url: str
) -> None:
    """Try out a new account and save the findings. Raises YotpoUnavailable and YotpoUnauthorized."""
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
    """Find out which values of `expand` to use.

    Both values are used in one request only if the page then shows the same fields as with each value alone. A null
    proves nothing: the field may have no value, or the request did not ask for the field.
    """
    alone = {value: _page(client, value) for value in _FIELDS}
    possible = [value for value, page in alone.items() if page is not None] or [""]
    filled = {value: _filled(page, _FIELDS[value]) for value, page in alone.items() if page}
    first = alone[possible[0]] if possible[0] else None
    if len(filled) == len(_FIELDS) and all(filled.values()):
        both = _page(client, _BOTH)
        if both and all(_filled(both, _FIELDS[value]) == names for value, names in filled.items()):
            possible, first = [_BOTH], both
    return _Expanding(possible, repeated=first is not None and _is_lost(client, possible[0], first))


def _page(client: StoreClient, expand: str) -> Page | None:
    """Return the first page; None if Yotpo rejects this value of `expand`."""
    try:
        return client.customers(expand=expand)
    except YotpoRefused as error:
        _raise_if_temporary(error)
        _log.warning("expand.refused", expand=expand, status=error.status)
        return None


def _raise_if_temporary(error: YotpoRefused) -> None:
    """Raise YotpoUnavailable if the refusal is temporary, so that the account is tried out again."""
    if error.status not in _REJECTED:
        raise YotpoUnavailable(str(error)) from None


def _filled(page: Page, field: str) -> set[str]:
    """Return the customers of a page that have a value in this field."""
    return {f"{each.get('email')} {each.get('external_id')}" for each in page.customers if each.get(field)}


def _is_lost(client: StoreClient, expand: str, first: Page) -> bool:
    """Whether the second page needs `expand` again: the fields are empty without `expand`, and filled with it."""
    if first.cursor is None or not _is_expanded(first.customers):
        return False
    try:
        second = client.customers(cursor=first.cursor)
        if _is_expanded(second.customers):
            return False
        return _is_expanded(client.customers(cursor=first.cursor, expand=expand).customers)
    except YotpoRefused as error:
        # Yotpo accepts no other parameter with a cursor, or the cursor has expired. Look-ups still work, because they
        # need no cursor.
        if not isinstance(error, CursorExpired):
            _raise_if_temporary(error)
        _log.warning("cursor.refused", expand=expand, status=error.status)
        return False


def _is_expanded(customers: list[Json]) -> bool:
    return any(customer.get(field) for customer in customers for field in _FIELDS.values())


def _registered(client: StoreClient, url: str) -> dict[str, str]:
    """Register our URL for review events; return the result for each event. Yotpo allows one webhook per event."""
    if not url:
        return dict.fromkeys(_REVIEW_EVENTS, "not registered: PUBLIC_URL is not set")
    outcomes = {}
    for event in _REVIEW_EVENTS:
        try:
            outcomes[event] = _register(client, event, f"{url}/{event}")
        except YotpoRefused as error:
            outcomes[event] = f"not registered: {error}"
    return outcomes


def _register(client: StoreClient, event: str, url: str) -> str:
    _, registered_url = client.webhooks().get(event, ("", ""))
    if not registered_url:
        client.register_webhook(event, url)
    elif registered_url != url:
        return (
            "not registered: Yotpo allows only one webhook for each event, and this event already has a webhook with "
            "another URL; remove that webhook at Yotpo first"
        )
    return "registered"
