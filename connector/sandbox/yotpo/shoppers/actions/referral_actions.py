"""The actions of referrals: a customer shares a link or a product, and a friend clicks, joins and buys."""

from collections.abc import Generator, Iterator

from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.actions.loyalty_actions import create_account, earn, purchase
from connector.sandbox.yotpo.shoppers.eligibility import require_enrolled, require_member
from connector.sandbox.yotpo.shoppers.payloads import loyalty_payloads, referral_payloads
from connector.sandbox.yotpo.shoppers.payloads.customer_objects import referral_of
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.scene import Scene

_BONUS = 500


def share(person: Person, scene: Scene, *, friend: str | None = None) -> Iterator[Webhook]:
    """Send the referral link to a friend who is not a customer."""
    _count_share(person)
    yield referral_payloads.share(person, scene.moment(person), friend or scene.friend_of(person))


def share_newer(person: Person, scene: Scene, *, friend: str | None = None) -> Iterator[Webhook]:
    """Send the referral link to a friend, in a store that joined Yotpo after August 2024."""
    _count_share(person)
    yield referral_payloads.shared(person, scene.moment(person), friend or scene.friend_of(person))


def share_product(person: Person, scene: Scene, *, friend: str | None = None) -> Iterator[Webhook]:
    _count_share(person)
    yield referral_payloads.product_share(person, scene.moment(person), friend or scene.friend_of(person))


def be_reminded_of_product(person: Person, scene: Scene, *, friend: str | None = None) -> Iterator[Webhook]:
    """Remind the friend. The webhook is about the customer who shared the product."""
    require_member(person)
    moment = scene.moment(person)
    yield referral_payloads.product_share(person, moment, friend or scene.friend_of(person), reminder=True)


def complete(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Let a friend join the store and buy. The referrer gets points."""
    friend = yield from _let_friend_buy(person, scene)
    earn(require_member(person), _BONUS)
    yield referral_payloads.completed(person, scene.moment(person), friend, _BONUS)
    yield loyalty_payloads.points_changed(person, scene.moment(person), _BONUS, "Refer a friend", [])


def complete_newer(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Let a friend join and buy, in a store that joined Yotpo after August 2024. The referrer gets a coupon."""
    friend = yield from _let_friend_buy(person, scene)
    require_member(person).perks_redeemed += 1
    yield referral_payloads.completed_newer(person, scene.moment(person), friend, scene.code())


def click(person: Person) -> None:
    """Count a click on the referral link. No webhook reports this change."""
    referral = referral_of(person)
    referral.unique_clicks += 1
    referral.total_clicks += 1
    require_enrolled(person).referrals_made_and_clicked += 1


def _count_share(person: Person) -> None:
    require_member(person)
    referral_of(person).shares += 1


def _let_friend_buy(person: Person, scene: Scene) -> Generator[Webhook, None, Person]:
    loyalty, referral = require_member(person), referral_of(person)
    friend = scene.newcomer(referred_by=person)
    yield from create_account(friend, scene)
    yield from purchase(friend, scene)
    click(person)
    loyalty.successful_referrals += 1
    loyalty.actions.referrals_completed += 1
    referral.orders += 1
    referral.amount_cents += require_enrolled(friend).total_spend_cents
    referral.completed.append(friend.email or "")
    return friend
