"""Recognises Yotpo's webhooks: the topic, time, customer and idempotency key of each.

These facts come from Yotpo's page "Webhook events" and its samples. For topics that this page omits, they come from the
pages of the Loyalty API. For a topic that is not in `TOPICS`, the module tries paths that most topics use. So the
webhook is journaled and not lost.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import orjson

from connector.errors import WebhookRejected
from connector.model.identifiers import clean_email, clean_phone
from connector.model.times import parse_or_none

if TYPE_CHECKING:
    from datetime import datetime

    from connector.model import Json

#: The topic of a customer object from Core API v3. The object does not name a topic, so the path of the request has to
#: name this topic.
SNAPSHOT = "customer/snapshot"

_TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}")
_KEY_LIMIT = 300
#: Parts of a key that are not paths: the day or hour of receipt, and a digest of the whole body.
_DAY, _HOUR, _BODY = "@day", "@hour", "@body"


@dataclass(frozen=True, slots=True)
class Topic:
    """The paths, in the webhooks of a topic, of the values that the journal needs."""

    #: The first path with a valid address or phone number is used.
    customer: tuple[str, ...]
    #: The first path with a time is used. There are no paths if the webhooks of a topic have no time: then the time of
    #: receipt is used.
    time: tuple[str, ...]
    #: Two webhooks of the same store and topic are the same event if they have the same values at all of these paths.
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recognised:
    """The values of a webhook that the journal needs."""

    topic: str
    #: The time of the event by Yotpo's clock; None if the webhook has no time.
    occurred_at: datetime | None
    #: False if the webhook has neither a time nor an ``eventid``: then the key is valid for 48 hours only.
    dated: bool
    #: A cleaned address or phone number; None if the webhook has none.
    customer: str | None
    key: str

    def happened_at(self, received_at: datetime) -> datetime:
        """Return the time of the event for the journal. It is never later than the time of receipt."""
        return min(self.occurred_at or received_at, received_at)


_CUSTOMER = ("customer.email", "email", "customer.phone_number")
_REQUEST = Topic(("shopper_profile.email",), ("trigger.date",), ("source_app_key", "trigger.type", "order_id"))
_REDEMPTION = Topic(_CUSTOMER, ("redemption.created_at",), ("redemption.id",))
_GIFT = Topic(_CUSTOMER, ("perk.created_at",), ("perk.id",))
_REMINDER = Topic(_CUSTOMER, (), ("customer.email", "redemption_option.id", _DAY))
_TIER = Topic(_CUSTOMER, (), ("customer.email", "old_tier.id", "new_tier.id", "customer.vip_tier_ends_at"))
# The top-level e-mail address of a share is the friend's, not the customer's, so it is not used.
_SHARE = Topic(("customer.email", "from.email", "from"), (), (_BODY,))
_UNKNOWN = Topic(
    (*_CUSTOMER, "data.customer_email", "phone_number"), ("timestamp", "published_at", "data.updated_at"), (_BODY,)
)

TOPICS = {
    "review_request.eligible.on_fulfillment": _REQUEST,
    "review_request.eligible.on_delivery": _REQUEST,
    "review_create": Topic(("data.customer_email",), ("data.created_at",), ("data.id",)),
    "review_updated": Topic(("data.customer_email",), ("data.updated_at",), ("data.id", "data.updated_at", _BODY)),
    "swell/redemption/created": _REDEMPTION,
    "loyalty/custom/reward/created": _REDEMPTION,
    "loyalty/donation/created": _REDEMPTION,
    "swell/customer/birthday": _GIFT,
    "swell/customer/anniversary": _GIFT,
    "swell/birthday/captured": Topic(
        _CUSTOMER,
        (),
        (
            "customer.email",
            "customer.birthday_month",
            "customer.birth_day",
            "customer.birth_year",
            "customer.last_seen_at",
        ),
    ),
    "swell/anniversary/captured": Topic(
        _CUSTOMER,
        (),
        (
            "customer.email",
            "customer.anniversary_month",
            "customer.anniversary_day",
            "customer.anniversary_year",
            "customer.last_seen_at",
        ),
    ),
    "swell/account/created": Topic(_CUSTOMER, ("published_at",), ("customer.email", "published_at")),
    "loyalty/opt_in": Topic(_CUSTOMER, (), ("customer.email", "customer.loyalty_opt_in_date", "customer.last_seen_at")),
    "loyalty/opt_out": Topic(_CUSTOMER, (), ("customer.email", "customer.last_seen_at", _BODY)),
    "swell/points/changed": Topic(
        _CUSTOMER, ("timestamp",), ("customer.email", "timestamp", "previous_balance", "current_balance")
    ),
    "swell/points/earned": Topic(_CUSTOMER, ("perk.awarded_at", "perk.completed_at"), ("perk.id",)),
    "swell/points/reminder": _REMINDER,
    "swell/redemption/reminder": _REMINDER,
    "loyalty/expiration/reminder": Topic(
        _CUSTOMER, ("timestamp",), ("customer.email", "loyalty_next_points_expire_on", "days_to_point_expiration")
    ),
    "swell/redemption_code/below_threshold": Topic((), (), ("redemption_option_id", "number_of_unused_codes", _DAY)),
    "swell/point_redemption/cancellation_request": Topic(_CUSTOMER, (), ("point_redemption_id",)),
    "swell/referral/completed": Topic(
        ("referrer.email", "email"), ("perk.completed_at",), ("perk.id", "referred_customer.email")
    ),
    "yotpo/referral/completed": Topic(
        ("referral_code.customer.email", "email"),
        ("perk.completed_at", "published_at"),
        ("referral_code.code", "friend.email", "perk.completed_at"),
    ),
    "swell/tier/earned": _TIER,
    "swell/tier/lost": _TIER,
    "swell/tier/status/changed": Topic(
        _CUSTOMER, (), ("customer.email", "vip_stats", "vip_stats_needed_maintain", "vip_stats_needed_next")
    ),
    "loyalty/integrations/integration_disabled": Topic((), (), ("integration_name", _HOUR)),
    "swell/referral/share": _SHARE,
    "yotpo/referral/shared": Topic(("from.email", "from", "referral_code.email"), (), (_BODY,)),
    "loyalty/referral/product_share": _SHARE,
    "loyalty/referral/product_share/reminder": _SHARE,
    SNAPSHOT: Topic(("email", "phone_number"), (), (_BODY,)),
}

_BY_TRIGGER = {
    "fulfilled": "review_request.eligible.on_fulfillment",
    "delivered": "review_request.eligible.on_delivery",
}


def recognise(
    body: Json, *, path_topic: str | None = None, event_id: str | None = None, received_at: datetime
) -> Recognised:
    """Return the values that the journal needs. Raises WebhookRejected if the webhook has no topic.

    `path_topic` is the part of the path after the store's token; a topic in the body takes precedence.
    `event_id` is the header ``eventid``, which Yotpo repeats when it sends an event again.
    `received_at` gives only the day and hour in keys: the time of receipt itself comes from the journal's clock.
    """
    name = _topic_of(body, path_topic)
    topic = TOPICS.get(name, _UNKNOWN)
    occurred_at = next(filter(None, (parse_or_none(_at(body, path)) for path in topic.time)), None)
    customer = next(filter(None, (_customer(_at(body, path)) for path in topic.customer)), None)
    # Two webhooks with the same `eventid` are different events if they have other topics or customers.
    own_key = _bounded("|".join(("eventid", event_id, name, customer or ""))) if event_id else None
    return Recognised(
        topic=name,
        occurred_at=occurred_at,
        dated=occurred_at is not None or event_id is not None,
        customer=customer,
        key=own_key or _key(name, topic, body, received_at),
    )


def _topic_of(body: Json, path_topic: str | None) -> str:
    trigger = body.get("trigger")
    kind = trigger.get("type") if isinstance(trigger, dict) else None
    inferred = _BY_TRIGGER.get(kind) if isinstance(kind, str) else None
    known_path = path_topic if path_topic in TOPICS else None
    # An unknown topic in the path may be a mistake, so a topic inferred from the body takes precedence over it.
    for candidate in (body.get("topic"), body.get("event"), known_path, inferred, path_topic):
        if isinstance(candidate, str) and _TOPIC.fullmatch(candidate):
            return candidate
    raise WebhookRejected(
        "no_topic",
        "no topic found: neither 'topic' nor 'event' in the webhook is a valid topic, its 'trigger.type' is not one "
        "that Yotpo documents, and the URL names no topic (…/webhooks/yotpo/<store token>/<topic>)",
    )


def _customer(value: object) -> str | None:
    return clean_email(value) or clean_phone(value)


def _key(name: str, topic: Topic, body: Json, received_at: datetime) -> str:
    """Return the key, joined from its parts.

    If a part is missing, the digest of the body is added: a duplicate event is better than a lost one.
    """
    parts = [_part(part, body, received_at) for part in topic.key]
    if None in parts:
        parts = [*(part or "" for part in parts), _part(_BODY, body, received_at)]
    return _bounded("|".join((name, *map(str, parts))))


def _part(part: str, body: Json, received_at: datetime) -> str | None:
    if part == _DAY:
        return received_at.astimezone(UTC).strftime("%Y-%m-%d")
    if part == _HOUR:
        return received_at.astimezone(UTC).strftime("%Y-%m-%dT%H")
    value = body if part == _BODY else _at(body, part)
    if value is None or value == "":
        return None
    if isinstance(value, dict | list):
        return _digest(value)
    return str(value)


def _digest(value: object) -> str:
    # The digest is not made from the received bytes: a sender may change the order of keys, or the spaces, when it
    # sends a webhook again.
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _bounded(key: str) -> str:
    if len(key) <= _KEY_LIMIT and key.isprintable():
        return key
    beginning = "".join(character if character.isprintable() else "?" for character in key[:60])
    return f"{beginning}|{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _at(body: Json, path: str) -> Any:
    value: Any = body
    for step in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value
