"""The actions in the loyalty program. Each action changes a customer and yields the webhooks that Yotpo would send.

The caller holds the world's lock from the first change to the last webhook. An action draws random values for missing
options. If the customer cannot do the action now, the action raises CannotActError and changes nothing.
"""

from collections.abc import Iterator
from datetime import timedelta

from connector.sandbox.yotpo.people.person import Loyalty, Person, Requirements
from connector.sandbox.yotpo.shoppers.actions.tier_actions import move_to, next_tier_reached
from connector.sandbox.yotpo.shoppers.eligibility import (
    CannotActError,
    require_affordable,
    require_enrolled,
    require_member,
)
from connector.sandbox.yotpo.shoppers.newcomers import fresh_loyalty
from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects, loyalty_payloads
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.scene import Scene

#: An expiration reminder says that points expire in 30 days. The customer's field `points_expire_at` in the same
#: webhook is 10 days earlier.
_EXPIRY_DAYS, _EARLIER_EXPIRY_DAYS = 30, 10
_HALF_A_DAY = timedelta(hours=12)
_YEAR = timedelta(days=365)


def purchase(person: Person, scene: Scene, *, cents: int | None = None) -> Iterator[Webhook]:
    """Spend money, earn points, and maybe reach a tier.

    A customer who has opted out cannot do this, because Yotpo would give no points and send no webhook.
    """
    loyalty = require_member(person)
    cents = scene.dice.randrange(500, 20_000) if cents is None else cents
    moment = scene.moment(person)
    orders = [str(next(moment.ids))]
    loyalty.last_purchase_at = moment.now.replace(microsecond=0)
    loyalty.total_spend_cents += cents
    loyalty.total_purchases += 1
    loyalty.actions.amount_spent_cents += cents
    loyalty.actions.amount_spent_cents_in_customer_currency += cents
    loyalty.actions.purchases_made += 1
    for needed in (loyalty.maintain, loyalty.upgrade):
        _need_less(needed, cents)
    points = cents // 100
    earn(loyalty, points)
    if loyalty.points_expire_at:
        loyalty.points_expire_at = loyalty.last_purchase_at + _YEAR
    yield loyalty_payloads.points_earned(person, moment, "Make a purchase", points, orders)
    yield loyalty_payloads.points_changed(person, scene.moment(person), points, "Make a purchase", orders)
    if (tier := next_tier_reached(loyalty)) is not None:
        yield from move_to(person, scene, tier)


def adjust(person: Person, scene: Scene, *, difference: int | None = None) -> Iterator[Webhook]:
    """Let the merchant add points or take points away."""
    loyalty = require_enrolled(person)
    difference = scene.dice.randrange(-200, 500) if difference is None else difference
    difference = max(difference, -loyalty.points_balance)
    earn(loyalty, difference)
    yield loyalty_payloads.points_changed(person, scene.moment(person), difference, "Adjusted by the store", [])


def redeem(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Buy a coupon."""
    reward = require_affordable(person, loyalty_objects.REWARDS)
    _spend_points(require_member(person), reward.points)
    yield loyalty_payloads.redeemed(person, scene.moment(person), reward, scene.code())
    yield loyalty_payloads.points_changed(person, scene.moment(person), -reward.points, reward.description, [])


def redeem_custom_reward(person: Person, scene: Scene) -> Iterator[Webhook]:
    reward = require_affordable(person, (loyalty_objects.DONATION,))
    _spend_points(require_member(person), reward.points)
    yield loyalty_payloads.custom_reward(person, scene.moment(person))
    yield loyalty_payloads.points_changed(person, scene.moment(person), -reward.points, reward.description, [])


def donate(person: Person, scene: Scene) -> Iterator[Webhook]:
    reward = require_affordable(person, (loyalty_objects.GIVEN_AWAY,))
    _spend_points(require_member(person), reward.points)
    yield loyalty_payloads.donation(person, scene.moment(person))
    yield loyalty_payloads.points_changed(person, scene.moment(person), -reward.points, reward.description, [])


def be_awarded(person: Person, scene: Scene, *, expires_in_days: int | None = None) -> Iterator[Webhook]:
    """Get a coupon from a campaign. Some coupons expire."""
    loyalty = require_member(person)
    if expires_in_days is None:
        expires_in_days = scene.dice.choice((0, 14, 30))
    loyalty.perks_redeemed += 1
    moment = scene.moment(person)
    expires_at = moment.now.replace(microsecond=0) + timedelta(days=expires_in_days) if expires_in_days else None
    yield loyalty_payloads.awarded(person, moment, scene.code(), expires_at)


def ask_for_cancellation(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Ask to give a coupon back. The customer's data does not change before the merchant agrees."""
    require_enrolled(person)
    yield loyalty_payloads.cancellation_request(person, scene.moment(person), scene.code())


def have_birthday(person: Person, scene: Scene) -> Iterator[Webhook]:
    yield _gift(person, scene, "birthday")


def have_anniversary(person: Person, scene: Scene) -> Iterator[Webhook]:
    yield _gift(person, scene, "anniversary")


def capture_birthday(
    person: Person, scene: Scene, *, month: int | None = None, day: int | None = None, year: int | None = None
) -> Iterator[Webhook]:
    """Enter the date of birth. A known year does not change unless the caller gives a new year."""
    loyalty = require_enrolled(person)
    loyalty.birthday_month = month or scene.dice.randrange(1, 13)
    loyalty.birthday_day = day or scene.dice.randrange(1, 29)
    drawn_year = scene.dice.choice((None, scene.dice.randrange(1940, 2005)))
    loyalty.birthday_year = year or loyalty.birthday_year or drawn_year
    yield loyalty_payloads.captured(person, scene.moment(person), "birthday")


def capture_anniversary(
    person: Person, scene: Scene, *, month: int | None = None, day: int | None = None, year: int | None = None
) -> Iterator[Webhook]:
    """Enter an anniversary. Only webhooks show it. A known year does not change unless the caller gives a new year."""
    loyalty = require_enrolled(person)
    loyalty.anniversary_month = month or scene.dice.randrange(1, 13)
    loyalty.anniversary_day = day or scene.dice.randrange(1, 29)
    drawn_year = scene.dice.choice(("", scene.dice.randrange(1990, 2020)))
    webhook = loyalty_payloads.captured(person, scene.moment(person), "anniversary")
    webhook.body["customer"]["anniversary_year"] = year or person.webhook_only.get("anniversary_year") or drawn_year
    yield webhook


def create_account(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Join the loyalty program. A newcomer of newcomers.py has joined already."""
    moment = scene.moment(person)
    if person.loyalty is None:
        person.loyalty = fresh_loyalty(moment.now.replace(microsecond=0))
    yield loyalty_payloads.account_created(person, moment)


def opt_in(person: Person, scene: Scene, *, accepts_marketing: bool | None = None) -> Iterator[Webhook]:
    loyalty = require_enrolled(person)
    moment = scene.moment(person)
    loyalty.is_opt_in, loyalty.opt_in_at, loyalty.opt_out_at = True, moment.now.replace(microsecond=0), None
    if accepts_marketing is not None:
        loyalty.accepts_marketing = accepts_marketing
    yield loyalty_payloads.opt_in(person, moment)


def opt_out(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Leave the loyalty program. This also deletes the date of the opt-in."""
    loyalty = require_member(person)
    moment = scene.moment(person)
    loyalty.is_opt_in, loyalty.opt_in_at, loyalty.opt_out_at = False, None, moment.now.replace(microsecond=0)
    yield loyalty_payloads.opt_out(person, moment)


def be_reminded_of_points(person: Person, scene: Scene) -> Iterator[Webhook]:
    balance = require_enrolled(person).points_balance
    too_expensive = [reward for reward in loyalty_objects.REWARDS if reward.points > balance]
    if not too_expensive:
        raise CannotActError("The customer has enough points for every reward.")
    yield loyalty_payloads.points_reminder(person, scene.moment(person), too_expensive[0])


def be_reminded_of_reward(person: Person, scene: Scene) -> Iterator[Webhook]:
    yield loyalty_payloads.redemption_reminder(
        person, scene.moment(person), require_affordable(person, loyalty_objects.REWARDS)
    )


def be_reminded_of_expiry(person: Person, scene: Scene) -> Iterator[Webhook]:
    loyalty = require_enrolled(person)
    moment = scene.moment(person)
    today = moment.now.replace(microsecond=0)
    loyalty.next_points_expire_on = today.date() + timedelta(days=_EXPIRY_DAYS)
    loyalty.next_points_expire_amount = loyalty.points_balance
    loyalty.points_expire_at = today + timedelta(days=_EXPIRY_DAYS - _EARLIER_EXPIRY_DAYS)
    yield loyalty_payloads.expiration_reminder(person, moment, _EXPIRY_DAYS)


def _gift(person: Person, scene: Scene, occasion: str) -> Webhook:
    loyalty = require_member(person)
    loyalty.perks_redeemed += 1
    moment = scene.moment(person)
    return loyalty_payloads.gift(person, moment, occasion, moment.now - _HALF_A_DAY, scene.code())


def earn(loyalty: Loyalty, points: int) -> None:
    """Add points. A negative number takes points away, but `points_earned` never decreases."""
    loyalty.points_balance += points
    if points > 0:
        loyalty.points_earned += points
        loyalty.actions.points_earned += points


def _spend_points(loyalty: Loyalty, points: int) -> None:
    loyalty.points_balance -= points
    loyalty.total_points_redeemed += points
    loyalty.total_redemptions += 1
    loyalty.perks_redeemed += 1


def _need_less(needed: Requirements, cents: int) -> None:
    needed.amount_cents_needed = max(0, needed.amount_cents_needed - cents)
    needed.amount_cents_needed_in_customer_currency = max(0, needed.amount_cents_needed_in_customer_currency - cents)
    needed.purchases_needed = max(0, needed.purchases_needed - 1)
