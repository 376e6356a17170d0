"""Snapshots: what Yotpo shows of a customer when it is asked, ready to be journaled like a webhook.

Backfills and refreshes take them; from there they go the way of every event, by a mapping file of their own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import orjson

from connector.model import Incoming
from connector.yotpo.customers import read_customer
from connector.yotpo.topics import SNAPSHOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from connector.model import Json

#: As many kinds of odd fields stand in a line of the log.
_TOLD = 5


class Flaw(StrEnum):
    """Why there is no snapshot of a customer; a report shows these words."""

    NOBODY = "neither e-mail nor phone number"
    TOO_DEEP = "nested too deep"


class Snapshot(NamedTuple):
    """A customer as Yotpo shows him."""

    #: The address, or else the phone number, by which the journal knows him.
    customer: str
    body: bytes
    #: Equal for equal content.
    digest: bytes
    #: Fields that are not what Yotpo documents, without their values.
    notes: tuple[str, ...]


def snapshot(shown: Json) -> Snapshot | Flaw:
    """Return the snapshot of a customer, or why there is none."""
    try:
        body = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # It reads what is nested deeper than it writes.
        return Flaw.TOO_DEEP
    read = read_customer(shown)
    customer = read.email or read.phone
    if customer is None:
        return Flaw.NOBODY
    return Snapshot(customer, body, hashlib.sha256(body).digest()[:16], read.notes)


def incoming(store_id: int, taken: Snapshot, *, asked_by: str, true_at: datetime) -> Incoming:
    """Return the event of a snapshot. `asked_by` names the page or the look-up that has taken it."""
    return Incoming(
        store_id=store_id,
        topic=SNAPSHOT,
        key=f"{SNAPSHOT}|{asked_by}|{hashlib.sha256(taken.customer.encode()).hexdigest()[:24]}|{taken.digest.hex()}",
        dated=True,
        customer=taken.customer,
        occurred_at=true_at,
        body=taken.body,
    )


def odd(taken: Iterable[Snapshot]) -> str:
    """Return for the log which fields are not what Yotpo documents, and in how many of these snapshots."""
    notes = Counter(note for one in taken for note in one.notes)
    return "; ".join(f"{note} ({number})" for note, number in notes.most_common(_TOLD))
