"""Everything that shoppers can do, how often they do it, and who can do it."""

from collections.abc import Callable, Iterator
from inspect import signature
from random import Random
from typing import NamedTuple

from connector.sandbox.yotpo.people.person import TIERS, Loyalty, Person
from connector.sandbox.yotpo.shoppers.actions import loyalty_actions, referral_actions, review_actions, tier_actions
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.scene import Scene
from connector.sandbox.yotpo.shoppers.standing import affords, tier_of

Act = Callable[..., Iterator[Webhook]]


class Deed(NamedTuple):
    """Something that a shopper does."""

    #: Of the first webhook that it causes.
    topic: str
    act: Act
    weight: int
    fits: Callable[[Person], bool]

    @property
    def name(self) -> str:
        return self.act.__name__

    @property
    def options(self) -> frozenset[str]:
        """What can be said about it, where it isn't to be drawn."""
        return frozenset(signature(self.act).parameters) - {"person", "scene"}

    def done_by(self, person: Person, scene: Scene, **options: object) -> list[Webhook]:
        """Do it wholly. Raises CannotActError."""
        return list(self.act(person, scene, **options))


def _loyal(fits: Callable[[Loyalty], bool] = lambda _: True, *, opted_out: bool = False) -> Callable[[Person], bool]:
    """Who is in the loyalty program, with an address, and of whom this holds."""

    def suits(person: Person) -> bool:
        loyalty = person.loyalty
        return bool(person.email and loyalty and (opted_out or loyalty.is_opt_in) and fits(loyalty))

    return suits


_MEMBER, _ENROLLED = _loyal(), _loyal(opted_out=True)

LOYALTY_DEEDS = (
    Deed("swell/points/earned", loyalty_actions.purchase, 30, _MEMBER),
    Deed("swell/points/changed", loyalty_actions.adjust, 4, _ENROLLED),
    Deed("swell/redemption/created", loyalty_actions.redeem, 12, _loyal(affords)),
    Deed("swell/redemption/created", loyalty_actions.be_awarded, 5, _MEMBER),
    Deed("loyalty/custom/reward/created", loyalty_actions.redeem_custom_reward, 2, _loyal(affords)),
    Deed("loyalty/donation/created", loyalty_actions.donate, 2, _loyal(affords)),
    Deed("swell/point_redemption/cancellation_request", loyalty_actions.ask_for_cancellation, 2, _ENROLLED),
    Deed("swell/customer/birthday", loyalty_actions.have_birthday, 2, _loyal(lambda it: it.birthday_day is not None)),
    Deed(
        "swell/customer/anniversary",
        loyalty_actions.have_anniversary,
        2,
        _loyal(lambda it: it.anniversary_day is not None),
    ),
    Deed("swell/birthday/captured", loyalty_actions.capture_birthday, 2, _loyal(lambda it: it.birthday_day is None)),
    # Once in a life: it has no time of its own, so that of two that are late nobody could tell the newer one.
    Deed(
        "swell/anniversary/captured",
        loyalty_actions.capture_anniversary,
        2,
        _loyal(lambda it: it.anniversary_day is None),
    ),
    Deed("swell/account/created", loyalty_actions.create_account, 5, lambda it: bool(it.email) and it.loyalty is None),
    Deed("loyalty/opt_in", loyalty_actions.opt_in, 20, _loyal(lambda it: not it.is_opt_in, opted_out=True)),
    Deed("loyalty/opt_out", loyalty_actions.opt_out, 2, _MEMBER),
    Deed("swell/tier/earned", tier_actions.earn_tier, 2, _loyal(lambda it: tier_of(it) != TIERS[-1])),
    Deed("swell/tier/lost", tier_actions.lose_tier, 2, _loyal(lambda it: tier_of(it) is not None, opted_out=True)),
    Deed("swell/tier/status/changed", tier_actions.move_within_tier, 3, _ENROLLED),
    Deed("swell/points/reminder", loyalty_actions.be_reminded_of_points, 2, _loyal(lambda it: not affords(it))),
    Deed("swell/redemption/reminder", loyalty_actions.be_reminded_of_reward, 2, _loyal(affords)),
    Deed("loyalty/expiration/reminder", loyalty_actions.be_reminded_of_expiry, 3, _ENROLLED),
    Deed("swell/referral/share", referral_actions.share, 4, _MEMBER),
    Deed("yotpo/referral/shared", referral_actions.share_newer, 3, _MEMBER),
    Deed("loyalty/referral/product_share", referral_actions.share_product, 3, _MEMBER),
    Deed("loyalty/referral/product_share/reminder", referral_actions.be_reminded_of_product, 1, _MEMBER),
    Deed("swell/referral/completed", referral_actions.complete, 2, _MEMBER),
    Deed("yotpo/referral/completed", referral_actions.complete_newer, 2, _MEMBER),
    Deed(
        "review_request.eligible.on_fulfillment",
        review_actions.be_asked_after_fulfillment,
        2,
        lambda it: bool(it.email),
    ),
    Deed("review_request.eligible.on_delivery", review_actions.be_asked_after_delivery, 2, lambda it: bool(it.email)),
)
REVIEW_DEEDS = (
    Deed("review_create", review_actions.write, 10, lambda it: bool(it.email)),
    Deed("review_updated", review_actions.update, 6, lambda it: bool(it.email) and it.reviews is not None),
)
DEEDS = LOYALTY_DEEDS + REVIEW_DEEDS


def pick(deeds: tuple[Deed, ...], person: Person, dice: Random) -> Deed | None:
    """Draw something that this customer can do now; None: there is nothing."""
    possible = [each for each in deeds if each.fits(person)]
    return dice.choices(possible, [each.weight for each in possible])[0] if possible else None
