"""The wire format of Yotpo's APIs: builds the paths and bodies of requests, and reads the bodies of responses.

These facts come from Yotpo's pages on Core API v3, its App Developer API and its Loyalty API, and from recorded
responses. The `read_…` functions return None for a body with an unexpected format. They raise no exception: the caller
reports the unexpected body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from connector.errors import YotpoRefused
from connector.model.identifiers import clean_phone

if TYPE_CHECKING:
    from connector.model import Json

#: The most customers that a page can have.
PAGE_LIMIT = 100

_SEGMENT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TOKEN = re.compile(r"[!-~]{1,4096}")


class Page(NamedTuple):
    """A page of customers, as Yotpo returned them."""

    customers: list[Json]
    #: The cursor of the next page; None on the last page.
    cursor: str | None


def path(*segments: str) -> str:
    """Return the path of these segments. Raises YotpoRefused if a segment has characters that would change the path."""
    for segment in segments:
        if not _SEGMENT.fullmatch(segment):
            raise YotpoRefused("this is not an id of Yotpo: an id has at most 100 letters, digits, '-' and '_'")
    return "/".join(("", *segments))


def encode(content: Json) -> bytes:
    return orjson.dumps(content)


def read_object(content: bytes) -> Json | None:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def read_token(content: bytes) -> str | None:
    """Return the token of ``{"access_token": "…"}``; None if there is no token that can be sent in a header."""
    token = (read_object(content) or {}).get("access_token")
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def read_page(content: bytes) -> Page | None:
    """Return the page of ``{"customers": [{…}], "pagination": {"next_page_info": "…"}}``.

    An empty page is the last one, even if it has a cursor.
    """
    body = read_object(content)
    if body is None or not isinstance(entries := body.get("customers", ""), list | None):
        return None
    customers = [customer for customer in entries or [] if isinstance(customer, dict)]
    pagination = body.get("pagination")
    cursor = pagination.get("next_page_info") if isinstance(pagination, dict) else None
    return Page(customers, cursor if entries and isinstance(cursor, str) and cursor else None)


def read_loyalty(content: bytes) -> Json | None:
    """Return the customer object, which v3 wraps in ``customers``. The object is empty if no customer was found."""
    body = read_object(content)
    if body is None or "error" in body or "errors" in body:
        return None
    customer = body.get("customers", body)
    if isinstance(customer, list):
        customer = customer[0] if customer else {}
    return customer if isinstance(customer, dict) else {}


def read_webhooks(content: bytes) -> dict[str, tuple[str, str]] | None:
    """Return the id and URL of each webhook, by the name of its event.

    The body is ``{"webhooks": {"webhooks": [{"id", "webhook_event_name", "url"}]}}``.
    """
    value: Any = read_object(content)
    for _ in ("the outer object", "the inner object"):
        if isinstance(value, dict):
            value = value.get("webhooks")
    if not isinstance(value, list):
        return None
    return {
        str(webhook.get("webhook_event_name")): (str(webhook.get("id")), str(webhook.get("url")))
        for webhook in value
        if isinstance(webhook, dict)
    }


def same_email(customer: Json, email: str) -> bool:
    value = customer.get("email")
    return isinstance(value, str) and value.strip().lower() == email.strip().lower()


def same_phone(customer: Json, phone: str) -> bool:
    value = customer.get("phone_number")
    return isinstance(value, str) and (clean_phone(value) or value.strip()) == (clean_phone(phone) or phone.strip())


def same_id(customer: Json, external_id: str) -> bool:
    value = customer.get("external_id")
    return isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip() == external_id.strip()
