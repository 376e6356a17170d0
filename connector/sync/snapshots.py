"""A snapshot is a customer's current state, read from Yotpo's API.

A backfill or a refresh journals the snapshot like a webhook. Then the snapshot is mapped and delivered like every
event. Snapshots have a mapping file of their own.
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

#: How many kinds of unexpected fields one log line lists.
_LOGGED = 5


class Flaw(StrEnum):
    """Why a customer has no snapshot. Reports show these texts."""

    NOBODY = "neither e-mail nor phone number"
    TOO_DEEP = "nested too deep"


class Snapshot(NamedTuple):
    """A customer's state, ready for the journal."""

    #: The customer's e-mail address, or else the phone number. The journal identifies the customer by this text.
    customer: str
    body: bytes
    #: A hash of the content.
    digest: bytes
    #: Fields that differ from Yotpo's documentation, without their values.
    notes: tuple[str, ...]


def snapshot(content: Json) -> Snapshot | Flaw:
    """Return the snapshot of a customer from Yotpo's response, or the reason why there is no snapshot."""
    try:
        body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # orjson can read deeper nesting than it can write.
        return Flaw.TOO_DEEP
    read = read_customer(content)
    customer = read.email or read.phone
    if customer is None:
        return Flaw.NOBODY
    return Snapshot(customer, body, hashlib.sha256(body).digest()[:16], read.notes)


def incoming(store_id: int, snapshot: Snapshot, *, asked_by: str, true_at: datetime) -> Incoming:
    """Return the event of a snapshot.

    `asked_by` names the page or the look-up that read the snapshot. This name is part of the event's key.
    """
    return Incoming(
        store_id=store_id,
        topic=SNAPSHOT,
        key=f"{SNAPSHOT}|{asked_by}|{hashlib.sha256(snapshot.customer.encode()).hexdigest()[:24]}|{snapshot.digest.hex()}",
        dated=True,
        customer=snapshot.customer,
        occurred_at=true_at,
        body=snapshot.body,
    )


def unexpected_fields(snapshots: Iterable[Snapshot]) -> str:
    """Return the fields that differ from Yotpo's documentation, each with the number of snapshots, for the log."""
    notes = Counter(note for snapshot in snapshots for note in snapshot.notes)
    return "; ".join(f"{note} ({number})" for note, number in notes.most_common(_LOGGED))
