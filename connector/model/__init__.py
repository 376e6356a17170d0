"""The nouns: what an event, an update and a delivery are. Frozen, no I/O, no SQL, no HTTP.

A webhook is journaled once as an :class:`Event`. Its mapping yields a :class:`UserUpdate` for each person in it.
Each update becomes a :class:`Delivery`, the duty to bring it to Insider; each try to do so is an :class:`Attempt`.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: What an attribute or a param may hold; a time is RFC 3339 text.
Value = str | int | float | bool | list[str | int | float]


@dataclass(frozen=True, slots=True)
class UserEvent:
    """Insider's event, as it goes into an upsert."""

    #: Snake case of the label in Insider's event list, such as ``tier_earned``.
    name: str
    #: RFC 3339 text in UTC. A retry sends the same text, because Insider stores identical events once.
    timestamp: str
    params: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserUpdate:
    """What a mapping yields for one user."""

    #: ``email``, ``phone_number``, ``uuid``; empty only for a user who is refused.
    identifiers: Mapping[str, str]
    #: By Insider's system names, default and custom ones side by side.
    attributes: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[UserEvent, ...] = ()
    #: Attributes that are over: Insider is to forget them.
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What an operator should know about one value of an event. Never holds the value itself."""

    #: The attribute, param or identifier.
    name: str
    #: One sentence: what was wrong, and what became of it.
    problem: str
    #: Where the rule stands: ``groups.yaml:12``.
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why Insider will not get an update."""

    #: One sentence: Insider's own, where it is Insider who refuses.
    reason: str
    #: Groups what has gone wrong in the same way; holds nobody's data: ``events.event_params.required``.
    cause: str
    #: The mapping rule to look at: ``groups.yaml:12``.
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping makes of one event."""

    updates: tuple[UserUpdate, ...] = ()
    #: Users without a valid identifier: what would have been sent, and why it cannot be.
    refused: tuple[tuple[UserUpdate, Refusal], ...] = ()
    notes: tuple[Note, ...] = ()
    #: For the merchant, where the topic has no customer: the text, and details by name.
    notice: tuple[str, Mapping[str, Value]] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a store may choose about its mapping."""

    #: The year of a date whose source has only month and day. None: such a date is left out.
    standin_year: int | None = None
    #: ISO 3166-1 alpha-2 region of phone numbers without a country code. None: such a number is left out.
    phone_region: str | None = None
    #: The overlay of the mapping set that is laid over the shared rules. None: the shared rules alone.
    overlay: str | None = None


class TrueAt(NamedTuple):
    """From when an attribute is. Of two events at the same time, the one that was received later is the newer."""

    #: Since 1970.
    milliseconds: int
    event_id: int


class ClearedAt(TrueAt):
    """From when an attribute has been over, so that Insider has forgotten it, or is to."""

    __slots__ = ()


class Partition(NamedTuple):
    """An ordered partition of a store's customers: one worker at a time maps and delivers what is in it."""

    store_id: int
    number: int


#: Partitions a store. Fixed, because a customer who changed partitions could overtake himself.
PARTITIONS = 16


def partition_number(customer: str) -> int:
    """Return the partition of a customer (or, of an event without one, of its idempotency key)."""
    return zlib.crc32(customer.encode()) % PARTITIONS


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened at the source, journaled once."""

    id: int
    store_id: int
    topic: str
    #: When it happened by the source's clock; never later than it was received.
    occurred_at: datetime
    received_at: datetime
    #: The raw bytes of the webhook.
    body: bytes


#: A JSON object as it comes from outside.
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The duty to bring one update to Insider."""

    id: int
    event_id: int
    topic: str
    #: The address, phone number or uuid that names the customer within the store.
    customer: str
    update: UserUpdate
    #: When the update's attributes were true.
    occurred_at: datetime
    #: True where Insider must not start journeys from it: snapshots, and replays unless asked otherwise.
    skip_hook: bool
    #: Length of the stored update, which bounds its length on the wire.
    bytes: int
    #: The attempt with which it was first refused alone, where it waits all the same.
    refused_attempt_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One request to Insider, whatever came of it."""

    users: int
    bytes: int
    #: The HTTP status; None where no answer came.
    status: int | None
    #: What the answer meant: ``delivered``, ``partly``, ``refused``, ``split``, ``paused``, ``unauthorized``.
    outcome: str
    duration_ms: int
    #: The beginning of the answer, without addresses and numbers of people.
    excerpt: str
    #: What was asked: ``upsert``, or ``clear`` to forget attributes.
    operation: str = "upsert"


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A store with what intake and delivery need of it. The secrets are decrypted and never printed."""

    id: int
    name: str
    webhook_token: str = field(repr=False)
    webhook_secret: str | None = field(repr=False)
    webhook_secret_header: str
    insider_partner: str
    insider_token: str = field(repr=False)
    insider_url: str | None
    options: Options
    created_at: datetime
    #: Set by an operator: webhooks are taken and mapped, and deliveries wait.
    held: bool = False
    #: Set by delivery: nothing is sent for now.
    paused: bool = False
    pause_reason: str | None = None
    #: Failures in a row, from which the next pause grows.
    failures: int = 0
    #: Grows whenever an operator changes the store: what was found out with older settings says nothing then.
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class YotpoAccount:
    """A store's account with Yotpo: how to reach its APIs. The secrets are decrypted and never printed."""

    store_id: int
    #: Yotpo's store id.
    app_key: str
    #: ``oauth``: connected by Yotpo's app; ``own``: by the API secret of the store itself.
    mode: str
    #: Of an app it never expires; of a store's own it is a cache, None where there is none yet.
    token: str | None = field(repr=False)
    #: The API secret, where the mode is ``own``.
    secret: str | None = field(repr=False)
    #: The merchant keys of Loyalty v2, where the mode is ``own`` and the store has them.
    loyalty_guid: str | None = field(repr=False)
    loyalty_key: str | None = field(repr=False)
    #: ``connected``, ``revoked`` by Yotpo, ``disconnected`` by an operator.
    state: str = "connected"
    #: The values of `expand` by which a look-up sees everything, one question each; None until they were tried out.
    expands: tuple[str, ...] | None = None
    #: Whether a value of `expand` has to be said again with each further page.
    repeats_expand: bool = False
    #: What became of each review webhook that was to be registered, by its event.
    review_webhooks: Mapping[str, str] = field(default_factory=dict)
    #: Answers of 401 in a row.
    unauthorized: int = 0
    #: Failures in a row, from which the next pause grows.
    failures: int = 0
    #: Nothing is asked for now.
    paused: bool = False
    pause_reason: str | None = None
    #: Grows with each new connection: what was found out with older credentials says nothing then.
    version: int = 0
    connected_at: datetime | None = None
    #: Since when it is revoked or disconnected.
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A webhook that has been recognised and is to be journaled."""

    store_id: int
    topic: str
    key: str
    dated: bool
    customer: str | None
    #: None where nothing but the receipt tells it. The receipt is dated by the journal, whose clock is the only one.
    occurred_at: datetime | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """The id of the event, and whether it was there before."""

    id: int
    duplicate: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """A delivery that is to be journaled: waiting, or dead from the start where it has a refusal."""

    event_id: int
    store_id: int
    topic: str
    customer: str
    occurred_at: datetime
    update: UserUpdate
    skip_hook: bool
    #: True where it gives way to what webhooks owe.
    low_priority: bool
    #: The version of the mapping set.
    mapping: str
    refusal: Refusal | None = None
    #: The replay that it is owed to.
    replay_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """What became of a delivery, with what an operator should know about it, by name."""

    id: int
    #: Why it is dead; None where it was delivered, or nothing of it had to be sent.
    refusal: Refusal | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    #: In which attempts it was since it was last recorded, oldest first.
    attempt_ids: Sequence[int] = ()
