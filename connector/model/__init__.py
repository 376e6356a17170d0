"""The nouns: what an event, an update and a delivery are. Frozen, no I/O, no SQL, no HTTP.

A webhook is journaled once as an :class:`Event`. Its mapping yields a :class:`UserUpdate` for each person in it.
Each update becomes a :class:`Delivery`, the duty to bring it to Insider; each try to do so is an :class:`Attempt`.

    identifiers     cleans e-mail addresses, phone numbers and ids; the key that names a customer in the journal
    times           reads and writes points in time
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

    #: ``email``, ``phone_number``, ``uuid``; empty only for a refused user.
    identifiers: Mapping[str, str]
    #: By Insider's system name. Default and custom attributes are side by side.
    attributes: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[UserEvent, ...] = ()
    #: The names of attributes that are over: Insider is to forget them.
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A problem with one value of an event, for operators. It never holds the value itself."""

    #: The attribute, param or identifier.
    name: str
    #: One sentence: what was wrong, and what the mapping did about it.
    problem: str
    #: The place of the rule: ``groups.yaml:12``.
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why an update cannot be delivered."""

    #: One sentence. If Insider refuses the update, it is Insider's own.
    reason: str
    #: Groups similar refusals, and holds no personal data: ``events.event_params.required``.
    cause: str
    #: The mapping rule to look at: ``groups.yaml:12``.
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping makes of one event."""

    updates: tuple[UserUpdate, ...] = ()
    #: Users without a valid identifier: the update that would have been sent, and why it cannot be sent.
    refused: tuple[tuple[UserUpdate, Refusal], ...] = ()
    notes: tuple[Note, ...] = ()
    #: For topics without a customer: a notice to the merchant, as its text and details by name.
    notice: tuple[str, Mapping[str, Value]] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """A store's options for its mapping."""

    #: The year of a date whose source has only month and day. None: such dates are left out.
    standin_year: int | None = None
    #: The region (ISO 3166-1 alpha-2) of phone numbers without a country code. None: such numbers are left out.
    phone_region: str | None = None
    #: The overlay of the mapping set that is laid over the shared rules. None: only the shared rules apply.
    overlay: str | None = None


class TrueAt(NamedTuple):
    """The time from which an attribute's value is true. Of two events at the same time, the later received is newer."""

    #: Since 1970, in UTC.
    milliseconds: int
    event_id: int


class ClearedAt(TrueAt):
    """The time at which an attribute ended: Insider has forgotten it, or is to forget it."""

    __slots__ = ()


class Partition(NamedTuple):
    """A share of a store's customers. One worker at a time maps and delivers its events, in order."""

    store_id: int
    number: int


#: How many partitions each store has. Fixed: a customer's new events in another partition could overtake the old ones.
PARTITIONS = 16


def partition_number(customer: str) -> int:
    """Return the partition number of a customer, or of an idempotency key if the event has no customer."""
    return zlib.crc32(customer.encode()) % PARTITIONS


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened at the source, journaled once."""

    id: int
    store_id: int
    topic: str
    #: When it happened, by the source's clock; never later than `received_at`.
    occurred_at: datetime
    received_at: datetime
    #: The raw bytes of the webhook.
    body: bytes


#: A JSON object from outside.
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The duty to bring one update to Insider."""

    id: int
    event_id: int
    topic: str
    #: The e-mail address, phone number or uuid that identifies the customer within the store.
    customer: str
    update: UserUpdate
    #: When the update's attributes were true.
    occurred_at: datetime
    #: True if Insider must not start journeys from it: for snapshots, and for replays unless asked otherwise.
    skip_hook: bool
    #: The length of the stored update, from which the length on the wire is estimated.
    bytes: int
    #: The attempt in which Insider first refused this delivery alone, if it still waits.
    refused_attempt_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One request to Insider, and how it ended."""

    users: int
    bytes: int
    #: The HTTP status; None if no response came.
    status: int | None
    #: What the response meant: ``delivered``, ``partly``, ``refused``, ``split``, ``paused``, ``unauthorized``.
    outcome: str
    duration_ms: int
    #: The beginning of the response, without people's addresses and phone numbers.
    excerpt: str
    #: ``upsert``, or ``clear``, which makes Insider forget attributes.
    operation: str = "upsert"


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A store, with everything that intake and delivery need. The secrets are decrypted, and never printed."""

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
    #: Set by an operator: webhooks are received and mapped, but deliveries wait.
    held: bool = False
    #: Set by delivery after a failure: nothing is sent for now.
    paused: bool = False
    pause_reason: str | None = None
    #: Failures in a row. The next pause grows with them.
    failures: int = 0
    #: Grows whenever an operator changes the store. A result of a request made with an older version does not count.
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class YotpoAccount:
    """A store's account at Yotpo: how to reach its APIs. The secrets are decrypted, and never printed."""

    store_id: int
    #: Yotpo's store id.
    app_key: str
    #: ``oauth``: connected by our app at Yotpo; ``own``: by the store's own API secret.
    mode: str
    #: In mode ``oauth`` it never expires. In mode ``own`` it is a cached one, None if there is none yet.
    token: str | None = field(repr=False)
    #: The API secret, in mode ``own``.
    secret: str | None = field(repr=False)
    #: The merchant's keys for Loyalty v2, in mode ``own`` if the store has them.
    loyalty_guid: str | None = field(repr=False)
    loyalty_key: str | None = field(repr=False)
    #: ``connected``, ``revoked`` by Yotpo, ``disconnected`` by an operator.
    state: str = "connected"
    #: The values of `expand` that a look-up needs, one request for each. None until the account was tried out.
    expands: tuple[str, ...] | None = None
    #: True if Yotpo needs `expand` again in the request of each further page.
    repeats_expand: bool = False
    #: By event: the result of registering the review webhook.
    review_webhooks: Mapping[str, str] = field(default_factory=dict)
    #: Responses with status 401 in a row.
    unauthorized: int = 0
    #: Failures in a row. The next pause grows with them.
    failures: int = 0
    #: True while no requests are sent, after a failure.
    paused: bool = False
    pause_reason: str | None = None
    #: Grows with each new connection. A result of a request made with older credentials does not count.
    version: int = 0
    connected_at: datetime | None = None
    #: When it was revoked or disconnected.
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A recognised webhook or a snapshot, ready to be journaled as an event."""

    store_id: int
    topic: str
    key: str
    dated: bool
    customer: str | None
    #: None if the time of receipt is the only known time. The journal sets it, so that only one clock dates receipts.
    occurred_at: datetime | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """The id of a journaled event, and whether it is a duplicate, journaled before."""

    id: int
    duplicate: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """A delivery, ready to be journaled: waiting, or dead from the start if it has a refusal."""

    event_id: int
    store_id: int
    topic: str
    customer: str
    occurred_at: datetime
    update: UserUpdate
    skip_hook: bool
    #: True for deliveries of replays and snapshots, which wait until those of webhooks are sent.
    low_priority: bool
    #: The version of the mapping set.
    mapping: str
    refusal: Refusal | None = None
    #: The replay that it belongs to, if any.
    replay_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The outcome of a delivery: delivered or dead."""

    id: int
    #: Why it is dead; None if it was delivered, or nothing in it had to be sent.
    refusal: Refusal | None = None
    #: For operators, by name: what was left out, such as stale attributes.
    notes: Mapping[str, Any] = field(default_factory=dict)
    #: The attempts that are not recorded with the delivery yet, oldest first.
    attempt_ids: Sequence[int] = ()
