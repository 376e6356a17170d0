"""Builds the webhooks of the loyalty topics, in the shape of the samples on Yotpo's page of webhook events.

The samples contradict each other. The webhooks keep each contradiction, and a comment describes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from connector.sandbox.simulation.shapes import Json
from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.eligibility import require_enrolled
from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects, spellings
from connector.sandbox.yotpo.shoppers.payloads.customer_objects import customer
from connector.sandbox.yotpo.shoppers.payloads.loyalty_objects import Reward

WEBSITE = {"website_url": "http://yotpo.myshopify.com"}
STORE = {**WEBSITE, "store_name": "Yotpo"}


@dataclass(frozen=True, slots=True)
class Moment:
    """The time and the store of an action."""

    #: The time, to the millisecond. Two actions of one customer never have the same time.
    now: datetime
    app_key: str
    #: A source of new ids that are unique in the store.
    ids: Iterator[int]


class Subject(NamedTuple):
    """A customer in a webhook, and the JSON object of this customer."""

    person: Person
    customer_object: Json


@dataclass(frozen=True, slots=True)
class Webhook:
    topic: str
    #: The time of the event by Yotpo's clock, even if the body has no time.
    at: datetime
    body: Json
    #: The customers in the webhook. The webhook is mainly about the first customer in the list.
    subjects: list[Subject] = field(default_factory=list)


def of_customer(topic: str, name: str, person: Person, at: datetime, **parts: Any) -> Webhook:
    """Return a webhook in the usual form. It contains an e-mail address, the customer, and the topic's own parts."""
    customer_object = customer(topic, person)
    body = {"topic": topic, "name": name, "email": person.email, "customer": customer_object, **parts}
    return Webhook(topic, at, body, [Subject(person, customer_object)])


def points_earned(person: Person, moment: Moment, title: str, points: int, order_ids: list[str]) -> Webhook:
    perk = loyalty_objects.perk(
        moment.ids, person.number, moment.now, title, points=points, completed_at=moment.now
    ) | {"source": None, "related_order_ids": order_ids}
    return of_customer("swell/points/earned", "Swell Points Earned", person, moment.now, perk=perk)


def points_changed(person: Person, moment: Moment, difference: int, reason: str, order_ids: list[str]) -> Webhook:
    balance = require_enrolled(person).points_balance
    return of_customer(
        "swell/points/changed",
        "Swell Points Changed",
        person,
        moment.now,
        related_order_ids=order_ids,
        previous_balance=balance - difference,
        current_balance=balance,
        difference=difference,
        added_or_removed="added" if difference >= 0 else "removed",
        points_changed_reason=reason,
        timestamp=spellings.in_jerusalem(moment.now),
    )


def redeemed(person: Person, moment: Moment, reward: Reward, code: str) -> Webhook:
    """A customer has bought a coupon. This webhook has the shape of `awarded`, but without the perk."""
    return of_customer(
        "swell/redemption/created",
        "Swell Redemption Created",
        person,
        moment.now,
        redemption=loyalty_objects.redemption(moment.ids, moment.now, code) | loyalty_objects.PLACE,
        redemption_option=loyalty_objects.option(reward),
    )


def awarded(person: Person, moment: Moment, code: str, expires_at: datetime | None) -> Webhook:
    """A campaign has given a coupon."""
    reward = loyalty_objects.PERCENT_OFF
    perk = loyalty_objects.perk(
        moment.ids, person.number, moment.now.replace(microsecond=0), "Join our newsletter", expires_at=expires_at
    ) | {"redemption_option_id": reward.id, "redemption_option": loyalty_objects.option(reward)}
    return of_customer(
        "swell/redemption/created",
        "Swell Redemption Created",
        person,
        moment.now,
        redemption=loyalty_objects.redemption(moment.ids, moment.now, code) | loyalty_objects.PLACE,
        redemption_option=loyalty_objects.option(reward),
        perk=perk,
    )


def custom_reward(person: Person, moment: Moment) -> Webhook:
    """A customer has bought a custom reward. The field for the coupon code contains `Redeemed` instead of a code."""
    return of_customer(
        "loyalty/custom/reward/created",
        "Loyalty Custom Reward Created",
        person,
        moment.now,
        redemption=loyalty_objects.redemption(moment.ids, moment.now, "Redeemed") | loyalty_objects.PLACE,
        redemption_option=loyalty_objects.option(loyalty_objects.DONATION),
    )


def donation(person: Person, moment: Moment) -> Webhook:
    """A customer has donated points. The donation is not approved yet. No webhook reports a later approval."""
    reward = loyalty_objects.GIVEN_AWAY
    redemption = loyalty_objects.redemption(moment.ids, moment.now, "Donation")
    redemption |= loyalty_objects.PLACE | loyalty_objects.THIRD_PARTY
    redemption |= {"approved": False, "approved_at": None, "token": f"nnaq{redemption['id']}"}
    return of_customer(
        "loyalty/donation/created",
        "Loyalty Donation Created",
        person,
        moment.now,
        redemption=redemption,
        redemption_option=loyalty_objects.option(reward) | loyalty_objects.discount(reward, "donation"),
        redemption_option_id=reward.id,
        redemption_option_name=reward.name,
    )


def gift(person: Person, moment: Moment, occasion: str, created_at: datetime, code: str) -> Webhook:
    """A customer gets a reward for a birthday or an anniversary. `created_at` is half a day before the webhook."""
    reward = loyalty_objects.FIVE_OFF
    seconds = created_at.replace(microsecond=0)
    return of_customer(
        f"swell/customer/{occasion}",
        f"Swell Customer {occasion.title()}",
        person,
        seconds,
        perk=loyalty_objects.perk(moment.ids, person.number, seconds, f"Happy {occasion.title()}", reward=reward),
        redemption=loyalty_objects.redemption(moment.ids, created_at, code),
        redemption_option=loyalty_objects.option(reward),
    )


def captured(person: Person, moment: Moment, occasion: str) -> Webhook:
    """A customer has entered a birthday or an anniversary. The year is `""` if the customer did not enter it."""
    return of_customer(f"swell/{occasion}/captured", f"Swell {occasion.title()} Captured", person, moment.now)


def account_created(person: Person, moment: Moment) -> Webhook:
    published_at = spellings.with_offset(moment.now)
    return of_customer(
        "swell/account/created", "Swell Account Created", person, moment.now, **STORE, published_at=published_at
    )


def opt_in(person: Person, moment: Moment) -> Webhook:
    return of_customer("loyalty/opt_in", "Loyalty Opt In", person, moment.now)


def opt_out(person: Person, moment: Moment) -> Webhook:
    """A customer has opted out. The webhook still says that the customer is opted in, with a date in the year 0001."""
    webhook = of_customer("loyalty/opt_out", "Loyalty Opt Out", person, moment.now)
    webhook.body["customer"] |= {"is_opt_in": True, "loyalty_opt_in_date": spellings.NO_DATE}
    return webhook


def points_reminder(person: Person, moment: Moment, reward: Reward) -> Webhook:
    """A reminder: the customer does not have enough points for a reward yet."""
    return of_customer(
        "swell/points/reminder",
        "Swell Points Reminder",
        person,
        moment.now,
        points_needed=reward.points - require_enrolled(person).points_balance,
        redemption_option=loyalty_objects.option(reward),
    )


def redemption_reminder(person: Person, moment: Moment, reward: Reward) -> Webhook:
    """A reminder: the customer has enough points for a reward."""
    priced = loyalty_objects.discount(reward, "fixed_amount") | {"discount_rate_cents": 100, "discount_percentage": 0}
    return of_customer(
        "swell/redemption/reminder",
        "Swell Redemption Reminder",
        person,
        moment.now,
        redemption_option=loyalty_objects.option(reward) | priced,
    )


def expiration_reminder(person: Person, moment: Moment, days: int) -> Webhook:
    """Points expire soon. The webhook and the field `points_expire_at` of its customer give different days."""
    loyalty = require_enrolled(person)
    return of_customer(
        "loyalty/expiration/reminder",
        "Loyalty Expiration Reminder",
        person,
        moment.now,
        **STORE,
        loyalty_next_points_expire_on=spellings.day(loyalty.next_points_expire_on),
        loyalty_next_points_expire_amount=loyalty.next_points_expire_amount,
        days_to_point_expiration=days,
        timestamp=spellings.epoch_ms(moment.now),
    )


def cancellation_request(person: Person, moment: Moment, code: str) -> Webhook:
    """A customer asks to give a coupon back. This webhook has no `email` field, and its id is a text."""
    webhook = of_customer(
        "swell/point_redemption/cancellation_request",
        "Swell Point Redemption Cancellation Request",
        person,
        moment.now,
        point_redemption_id=str(next(moment.ids)),
        reward_text=code,
    )
    del webhook.body["email"]
    return webhook
