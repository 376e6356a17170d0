"""The wire format of Yotpo's APIs: paths and bodies as they are sent, answers as they are read.

Facts from Yotpo's pages on Core API v3, its App Developer API and its Loyalty API, and from recorded answers. An answer
that is not what it should be is None, never an exception: its reader tells what came instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from connector.errors import YotpoRefused
from connector.model.identifiers import clean_phone

if TYPE_CHECKING:
    from connector.model import Json

#: The most customers that a page may have.
PAGE_LIMIT = 100

_SEGMENT = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TOKEN = re.compile(r"[!-~]{1,4096}")


class Page(NamedTuple):
    """A page of customers, as Yotpo shows them."""

    customers: list[Json]
    #: Of the next page; None on the last.
    cursor: str | None


def path(*segments: str) -> str:
    """Return the path of these segments. Raises YotpoRefused where one of them would lead to another path."""
    for segment in segments:
        if not _SEGMENT.fullmatch(segment):
            raise YotpoRefused("an id of Yotpo has letters, digits, '-' and '_' alone: this one is none")
    return "/".join(("", *segments))


def encode(content: Json) -> bytes:
    return orjson.dumps(content)


def read_object(content: bytes) -> Json | None:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def read_token(content: bytes) -> str | None:
    """Return the token of ``{"access_token": "…"}``, where it is one that can be sent."""
    token = (read_object(content) or {}).get("access_token")
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def read_page(content: bytes) -> Page | None:
    """Return the page of ``{"customers": [{…}], "pagination": {"next_page_info": "…"}}``; an empty one is the last."""
    answer = read_object(content)
    if answer is None or not isinstance(found := answer.get("customers", ""), list | None):
        return None
    customers = [customer for customer in found or [] if isinstance(customer, dict)]
    pagination = answer.get("pagination")
    cursor = pagination.get("next_page_info") if isinstance(pagination, dict) else None
    return Page(customers, cursor if found and isinstance(cursor, str) and cursor else None)


def read_loyalty(content: bytes) -> Json | None:
    """Return the flat object, which v3 wraps in ``customers``; an empty one where there is nobody."""
    answer = read_object(content)
    if answer is None or "error" in answer or "errors" in answer:
        return None
    found = answer.get("customers", answer)
    if isinstance(found, list):
        found = found[0] if found else {}
    return found if isinstance(found, dict) else {}


def read_webhooks(content: bytes) -> dict[str, tuple[str, str]] | None:
    """Return id and URL by event of ``{"webhooks": {"webhooks": [{"id", "webhook_event_name", "url"}]}}``."""
    found: Any = read_object(content)
    for _ in ("the envelope", "what it holds"):
        if isinstance(found, dict):
            found = found.get("webhooks")
    if not isinstance(found, list):
        return None
    return {
        str(webhook.get("webhook_event_name")): (str(webhook.get("id")), str(webhook.get("url")))
        for webhook in found
        if isinstance(webhook, dict)
    }


def same_email(customer: Json, email: str) -> bool:
    found = customer.get("email")
    return isinstance(found, str) and found.strip().lower() == email.strip().lower()


def same_phone(customer: Json, phone: str) -> bool:
    found = customer.get("phone_number")
    return isinstance(found, str) and (clean_phone(found) or found.strip()) == (clean_phone(phone) or phone.strip())


def same_id(customer: Json, external_id: str) -> bool:
    found = customer.get("external_id")
    return isinstance(found, str | int) and not isinstance(found, bool) and str(found).strip() == external_id.strip()
