"""The classes of the connector's data, such as events, updates and deliveries.

Their objects are immutable. This package does no I/O: it has no SQL and no HTTP.

A webhook is journaled once as an :class:`Event`. Its mapping yields a :class:`UserUpdate` for each person in it.
Each update becomes a :class:`Delivery`, which has to be sent to Insider. Each request that tries to send it is an
:class:`Attempt`.

    identifiers     cleans e-mail addresses, phone numbers and ids; the key that names a customer in the journal
    times           reads and writes points in time
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

#: The types of values that an attribute or a param may have. A time is RFC 3339 text.
Value = str | int | float | bool | list[str | int | float]


@dataclass(frozen=True, slots=True)
class UserEvent:
    """A user event, in the form in which an upsert sends it to Insider."""

    #: The label in Insider's event list, but in snake case, such as ``tier_earned``.
    name: str
    #: RFC 3339 text in UTC. A retry sends the same text, because Insider stores identical events once.
    timestamp: str
    params: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserUpdate:
    """The update that a mapping yields for one user."""

    #: The keys are ``email``, ``phone_number`` and ``uuid``. Only a refused user has no identifiers.
    identifiers: Mapping[str, str]
    #: The keys are Insider's system names. Default and custom attributes are in the same dictionary.
    attributes: Mapping[str, Value] = field(default_factory=dict)
    events: tuple[UserEvent, ...] = ()
    #: The names of attributes that Insider must forget, because they no longer apply.
    cleared: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """Tells operators about a problem with one value of an event. It never contains the value itself."""

    #: The name of the attribute, param or identifier.
    name: str
    #: One sentence that says what was wrong, and what the mapping did about it.
    problem: str
    #: The place of the rule, such as ``groups.yaml:12``.
    rule: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """The reason why an update cannot be delivered."""

    #: One sentence. If Insider refuses the update, this is the sentence from Insider's response.
    reason: str
    #: Similar refusals have the same cause, such as ``events.event_params.required``. It contains no personal data.
    cause: str
    #: The mapping rule that an operator should look at, such as ``groups.yaml:12``.
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """The result of a mapping for one event."""

    updates: tuple[UserUpdate, ...] = ()
    #: Users without a valid identifier. Each has the update that would have been sent, and the reason why it cannot be
    #: sent.
    refused: tuple[tuple[UserUpdate, Refusal], ...] = ()
    notes: tuple[Note, ...] = ()
    #: A topic without a customer yields a notice to the merchant: its text, and its details by name.
    notice: tuple[str, Mapping[str, Value]] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """A store's options for its mapping."""

    #: The year for dates whose source has only month and day. If it is None, such dates are left out.
    standin_year: int | None = None
    #: The region (ISO 3166-1 alpha-2) for phone numbers without a country code. If it is None, such numbers are left
    #: out.
    phone_region: str | None = None
    #: The overlay of the mapping set that is applied to the shared rules. If it is None, only the shared rules apply.
    overlay: str | None = None


class TrueAt(NamedTuple):
    """The time from which an attribute's value is true.

    If two events have the same time, the event that was received later is newer.
    """

    #: Milliseconds since 1970, in UTC.
    milliseconds: int
    event_id: int


class ClearedAt(TrueAt):
    """The time at which an attribute ended. Insider has already forgotten the attribute, or still has to forget it."""

    __slots__ = ()


@dataclass(kw_only=True, slots=True)
class Profile:
    """What Insider has of a customer, as far as the connector has sent it."""

    #: The identifiers that were sent last.
    identifiers: dict[str, str] = field(default_factory=dict)
    #: The last value of each attribute. None if the value is not known: it was sent before the journal kept values.
    attributes: dict[str, Value | None] = field(default_factory=dict)
    #: The time of each attribute that Insider has stored or cleared.
    times: dict[str, TrueAt] = field(default_factory=dict)


class Partition(NamedTuple):
    """A share of a store's customers. Only one worker at a time maps and delivers their events, in order."""

    store_id: int
    number: int


class Partitions(NamedTuple):
    """Some partitions of one store, which a worker processes together."""

    store_id: int
    numbers: tuple[int, ...]


#: How many partitions each store has. The number must not change: otherwise a customer's new events could go into
#: another partition and overtake the old events.
PARTITIONS = 16


def partition_number(customer: str) -> int:
    """Return the partition number of a customer, or of an idempotency key if the event has no customer."""
    return zlib.crc32(customer.encode()) % PARTITIONS


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened at the source. The journal contains it once."""

    id: int
    store_id: int
    topic: str
    #: When the event happened, by the source's clock. It is never later than `received_at`.
    occurred_at: datetime
    received_at: datetime
    #: The raw bytes of the webhook.
    body: bytes
    #: The customer whom the webhook is about, if it names one.
    customer: str | None = None


#: A JSON object from outside.
Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """An update that has to be sent to Insider."""

    id: int
    event_id: int
    topic: str
    #: The e-mail address, phone number or uuid that identifies the customer within the store.
    customer: str
    update: UserUpdate
    #: When the update's attributes were true.
    occurred_at: datetime
    #: True if Insider must not start journeys because of this update. It is True for snapshots, and for replays unless
    #: the operator chose otherwise.
    skip_hook: bool
    #: The length of the stored update. The length in the request is estimated from it.
    bytes: int
    #: The first attempt in which this delivery was sent alone and Insider refused it. The delivery may still wait then.
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
    #: ``upsert`` or ``clear``. A request with ``clear`` makes Insider forget attributes.
    operation: str = "upsert"
    #: When the request ended, by the monotonic clock of this process.
    ended: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """A store, with everything that intake and delivery need. The secrets are decrypted; `repr` does not show them."""

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
    #: True if an operator has stopped the deliveries: webhooks are received and mapped, but deliveries wait.
    held: bool = False
    #: True if nothing is sent to Insider for now, because a request failed.
    paused: bool = False
    pause_reason: str | None = None
    #: Failures in a row. The next pause grows with them.
    failures: int = 0
    #: The version increases whenever an operator changes the store. The result of a request that was made with an older
    #: version does not count.
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class YotpoAccount:
    """A store's account at Yotpo, with the credentials for its APIs.

    The secrets are decrypted; `repr` does not show them.
    """

    store_id: int
    #: Yotpo's store id.
    app_key: str
    #: ``oauth`` if the account was connected by our app at Yotpo, ``own`` if by the store's own API secret.
    mode: str
    #: In mode ``oauth`` the token never expires. In mode ``own`` it is cached, or None if there is no token yet.
    token: str | None = field(repr=False)
    #: The API secret, in mode ``own``.
    secret: str | None = field(repr=False)
    #: The merchant's keys for Loyalty v2. They exist only in mode ``own``, and only if the store has them.
    loyalty_guid: str | None = field(repr=False)
    loyalty_key: str | None = field(repr=False)
    #: ``connected``, ``revoked`` (by Yotpo) or ``disconnected`` (by an operator).
    state: str = "connected"
    #: The values of Yotpo's parameter `expand` that a look-up needs, with one request for each value. None until the
    #: account has been tried out.
    expands: tuple[str, ...] | None = None
    #: True if the request for each further page must contain `expand` again.
    repeats_expand: bool = False
    #: The result of registering the review webhook, for each event by its name.
    review_webhooks: Mapping[str, str] = field(default_factory=dict)
    #: The number of responses with status 401 in a row.
    unauthorized: int = 0
    #: Failures in a row. The next pause grows with them.
    failures: int = 0
    #: True if no requests are sent for now, because a request failed.
    paused: bool = False
    pause_reason: str | None = None
    #: The version increases each time the account is connected. The result of a request that was made with older
    #: credentials does not count.
    version: int = 0
    connected_at: datetime | None = None
    #: When the account was revoked or disconnected.
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """A recognised webhook or a snapshot, ready to be journaled as an event."""

    store_id: int
    topic: str
    key: str
    dated: bool
    customer: str | None
    #: None if the time of receipt is the only known time. The journal then uses its own time of receipt, so that
    #: all these times come from the same clock.
    occurred_at: datetime | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """The id of a journaled event. `duplicate` is True if the event was already in the journal."""

    id: int
    duplicate: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDelivery:
    """A delivery that is ready to be journaled. It waits to be sent, or it is dead at once if it has a refusal."""

    event_id: int
    #: When the event was received.
    received_at: datetime
    store_id: int
    topic: str
    customer: str
    occurred_at: datetime
    update: UserUpdate
    skip_hook: bool
    #: True for deliveries of replays and snapshots. They wait until the deliveries of webhooks are sent.
    low_priority: bool
    #: The version of the mapping set.
    mapping: str
    refusal: Refusal | None = None
    #: The replay that the delivery belongs to, if any.
    replay_id: int | None = None
    #: The notes of the event's mapping.
    mapping_notes: Sequence[Note] = ()
    #: True if the event is about another customer, such as the friend of this one.
    is_other: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """The outcome of a delivery: delivered or dead."""

    id: int
    #: Why the delivery is dead. None if it was delivered, or if nothing in it had to be sent.
    refusal: Refusal | None = None
    #: Notes for operators, by name. They say what was left out, such as stale attributes.
    notes: Mapping[str, Any] = field(default_factory=dict)
    #: The attempts that are not recorded with the delivery yet, oldest first.
    attempt_ids: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What has become of a delivery in a step."""

    #: The outcome; None if the delivery waits for another step.
    settled: Settled | None = None
    #: The attempts of this step, oldest first.
    attempt_ids: Sequence[int] = ()
    #: The attempt of this step in which the delivery was sent alone and Insider refused it, if it still waits.
    refused_attempt_id: int | None = None
