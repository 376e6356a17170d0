"""The table of all actions of shoppers: the topic, the frequency, and the condition of each action."""

from collections.abc import Callable, Iterator
from inspect import signature
from random import Random
from typing import NamedTuple

from connector.sandbox.yotpo.people.person import TIERS, Loyalty, Person
from connector.sandbox.yotpo.shoppers.actions import loyalty_actions, referral_actions, review_actions, tier_actions
from connector.sandbox.yotpo.shoppers.eligibility import can_afford_reward, tier_of
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.scene import Scene

Act = Callable[..., Iterator[Webhook]]


class Action(NamedTuple):
    """One action of a shopper."""

    #: The topic of the first webhook that the action causes.
    topic: str
    act: Act
    #: The relative frequency of the action in random draws.
    weight: int
    can_act: Callable[[Person], bool]

    @property
    def name(self) -> str:
        return self.act.__name__

    @property
    def options(self) -> frozenset[str]:
        """The names of the values that a caller may set. The action draws missing values."""
        return frozenset(signature(self.act).parameters) - {"person", "scene"}

    def perform(self, person: Person, scene: Scene, **options: object) -> list[Webhook]:
        """Let the customer act, and return the webhooks. Raises CannotActError if the customer cannot do it now."""
        return list(self.act(person, scene, **options))


def _in_program(
    can_act: Callable[[Loyalty], bool] = lambda _: True, *, opted_out: bool = False
) -> Callable[[Person], bool]:
    """Return a condition for customers. A customer must be enrolled, have an e-mail address, and meet `can_act`.

    Customers who have opted out meet the condition only if `opted_out` is true.
    """

    def can_person_act(person: Person) -> bool:
        loyalty = person.loyalty
        return bool(person.email and loyalty and (opted_out or loyalty.is_opt_in) and can_act(loyalty))

    return can_person_act


_MEMBER, _ENROLLED = _in_program(), _in_program(opted_out=True)

LOYALTY_ACTIONS = (
    Action("swell/points/earned", loyalty_actions.purchase, 30, _MEMBER),
    Action("swell/points/changed", loyalty_actions.adjust, 4, _ENROLLED),
    Action("swell/redemption/created", loyalty_actions.redeem, 12, _in_program(can_afford_reward)),
    Action("swell/redemption/created", loyalty_actions.be_awarded, 5, _MEMBER),
    Action("loyalty/custom/reward/created", loyalty_actions.redeem_custom_reward, 2, _in_program(can_afford_reward)),
    Action("loyalty/donation/created", loyalty_actions.donate, 2, _in_program(can_afford_reward)),
    Action("swell/point_redemption/cancellation_request", loyalty_actions.ask_for_cancellation, 2, _ENROLLED),
    Action(
        "swell/customer/birthday",
        loyalty_actions.have_birthday,
        2,
        _in_program(lambda loyalty: loyalty.birthday_day is not None),
    ),
    Action(
        "swell/customer/anniversary",
        loyalty_actions.have_anniversary,
        2,
        _in_program(lambda loyalty: loyalty.anniversary_day is not None),
    ),
    Action(
        "swell/birthday/captured",
        loyalty_actions.capture_birthday,
        2,
        _in_program(lambda loyalty: loyalty.birthday_day is None),
    ),
    # A shopper does this action at most once. Its webhook has no time, so the order of two late webhooks is unknown.
    Action(
        "swell/anniversary/captured",
        loyalty_actions.capture_anniversary,
        2,
        _in_program(lambda loyalty: loyalty.anniversary_day is None),
    ),
    Action(
        "swell/account/created",
        loyalty_actions.create_account,
        5,
        lambda person: bool(person.email) and person.loyalty is None,
    ),
    Action(
        "loyalty/opt_in", loyalty_actions.opt_in, 20, _in_program(lambda loyalty: not loyalty.is_opt_in, opted_out=True)
    ),
    Action("loyalty/opt_out", loyalty_actions.opt_out, 2, _MEMBER),
    Action("swell/tier/earned", tier_actions.earn_tier, 2, _in_program(lambda loyalty: tier_of(loyalty) != TIERS[-1])),
    Action(
        "swell/tier/lost",
        tier_actions.lose_tier,
        2,
        _in_program(lambda loyalty: tier_of(loyalty) is not None, opted_out=True),
    ),
    Action("swell/tier/status/changed", tier_actions.move_within_tier, 3, _ENROLLED),
    Action(
        "swell/points/reminder",
        loyalty_actions.be_reminded_of_points,
        2,
        _in_program(lambda loyalty: not can_afford_reward(loyalty)),
    ),
    Action("swell/redemption/reminder", loyalty_actions.be_reminded_of_reward, 2, _in_program(can_afford_reward)),
    Action("loyalty/expiration/reminder", loyalty_actions.be_reminded_of_expiry, 3, _ENROLLED),
    Action("swell/referral/share", referral_actions.share, 4, _MEMBER),
    Action("yotpo/referral/shared", referral_actions.share_newer, 3, _MEMBER),
    Action("loyalty/referral/product_share", referral_actions.share_product, 3, _MEMBER),
    Action("loyalty/referral/product_share/reminder", referral_actions.be_reminded_of_product, 1, _MEMBER),
    Action("swell/referral/completed", referral_actions.complete, 2, _MEMBER),
    Action("yotpo/referral/completed", referral_actions.complete_newer, 2, _MEMBER),
    Action(
        "review_request.eligible.on_fulfillment",
        review_actions.be_asked_after_fulfillment,
        2,
        lambda person: bool(person.email),
    ),
    Action(
        "review_request.eligible.on_delivery",
        review_actions.be_asked_after_delivery,
        2,
        lambda person: bool(person.email),
    ),
)
REVIEW_ACTIONS = (
    Action("review_create", review_actions.write, 10, lambda person: bool(person.email)),
    Action(
        "review_updated", review_actions.update, 6, lambda person: bool(person.email) and person.reviews is not None
    ),
)
ACTIONS = LOYALTY_ACTIONS + REVIEW_ACTIONS


def pick(actions: tuple[Action, ...], person: Person, dice: Random) -> Action | None:
    """Draw one of the actions that this customer can do now. None: there is no such action."""
    possible = [action for action in actions if action.can_act(person)]
    return dice.choices(possible, [action.weight for action in possible])[0] if possible else None
