"""Snapshots: what Yotpo shows of a customer when it is asked, ready to be journaled like a webhook.

Backfills and refreshes take them; from there they go the way of every event, by a mapping file of their own.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import orjson

from connector.model import Incoming
from connector.yotpo.customers import read_customer
from connector.yotpo.topics import SNAPSHOT

if TYPE_CHECKING:
    from datetime import datetime

    from connector.model import Json


class Snapshot(NamedTuple):
    """A customer as Yotpo shows him."""

    #: The address, or else the phone number, by which the journal knows him.
    customer: str
    body: bytes
    #: Equal for equal content.
    digest: bytes


def snapshot(shown: Json) -> Snapshot | None:
    """Return the snapshot of a customer; None for one who has neither an address nor a phone number."""
    read = read_customer(shown)
    customer = read.email or read.phone
    return Snapshot(customer, orjson.dumps(shown), digest(shown)) if customer else None


def digest(shown: Json) -> bytes:
    return hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).digest()[:16]


def incoming(store_id: int, taken: Snapshot, *, asked_by: str, true_at: datetime) -> Incoming:
    """Return the event of a snapshot. `asked_by` names the page or the look-up that has taken it, once."""
    return Incoming(
        store_id=store_id,
        topic=SNAPSHOT,
        key=f"{SNAPSHOT}|{asked_by}|{hashlib.sha256(taken.customer.encode()).hexdigest()[:24]}|{taken.digest.hex()}",
        dated=True,
        customer=taken.customer,
        occurred_at=true_at,
        body=taken.body,
    )
