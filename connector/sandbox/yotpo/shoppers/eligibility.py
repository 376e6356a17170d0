"""The conditions for actions. Each function checks whether a customer can do an action, and changes nothing."""

from connector.sandbox.simulation.shapes import WrongRequestError
from connector.sandbox.yotpo.people.person import TIERS, Loyalty, Person, Tier
from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects
from connector.sandbox.yotpo.shoppers.payloads.loyalty_objects import Reward


class CannotActError(WrongRequestError):
    """The customer cannot do this action now. The message says why."""


def require_enrolled(person: Person) -> Loyalty:
    """Return the customer's loyalty part. Raises CannotActError if the customer is not enrolled."""
    if person.loyalty is None:
        raise CannotActError("The customer is not enrolled in loyalty.")
    return person.loyalty


def require_member(person: Person) -> Loyalty:
    """Return the customer's loyalty part. Raises CannotActError without enrolment or after an opt-out."""
    loyalty = require_enrolled(person)
    if not loyalty.is_opt_in:
        raise CannotActError("The customer has opted out of loyalty.")
    return loyalty


def require_affordable(person: Person, rewards: tuple[Reward, ...]) -> Reward:
    """Return the last reward for which the points are enough. Raises CannotActError if there is no such reward."""
    balance = require_member(person).points_balance
    affordable = [reward for reward in rewards if reward.points <= balance]
    if not affordable:
        raise CannotActError("The customer does not have enough points for a reward.")
    return affordable[-1]


def can_afford_reward(loyalty: Loyalty) -> bool:
    """Return whether the customer has enough points for the cheapest reward."""
    return loyalty.points_balance >= min(reward.points for reward in loyalty_objects.REWARDS)


def tier_of(loyalty: Loyalty) -> Tier | None:
    return next((tier for tier in TIERS if tier.name == loyalty.vip_tier_name), None)
