"""A search for customers, and its cursor: an opaque text that contains the search and the start of the next page."""

import base64
import binascii
import time
from dataclasses import dataclass
from typing import Any

import orjson

from connector.sandbox.yotpo.store import Lookup


class WrongCursorError(ValueError):
    """The cursor is broken or too old."""


@dataclass(frozen=True)
class Search:
    """A search: it says which customers an answer shows, and with which blocks."""

    #: None: all customers.
    lookup: Lookup | None
    expand: frozenset[str]
    custom_properties: bool
    #: The page begins after the customer with this number.
    after: int = 0


def write_cursor(search: Search) -> str:
    content = {
        "w": [sorted(identifiers) for identifiers in search.lookup] if search.lookup else None,
        "e": sorted(search.expand),
        "c": search.custom_properties,
        "k": search.after,
        "t": time.time(),
    }
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode()


def read_cursor(text: str, seconds: float | None) -> Search:
    """Return the search in a cursor. Raises WrongCursorError if the cursor is broken or older than `seconds`."""
    try:
        content: dict[str, Any] = orjson.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        lookup = Lookup(*(frozenset(identifiers) for identifiers in content["w"])) if content["w"] else None
        search = Search(lookup, frozenset(content["e"]), content["c"], content["k"])
        made_at: float = content["t"]
    except (binascii.Error, orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise WrongCursorError("page_info is not valid") from error
    if seconds is not None and time.time() > made_at + seconds:
        raise WrongCursorError("page_info has expired")
    return search
