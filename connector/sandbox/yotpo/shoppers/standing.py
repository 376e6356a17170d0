"""Who may do what: the state that a customer must be in, read without changing anything."""

from connector.sandbox.simulation.shapes import WrongRequestError
from connector.sandbox.yotpo.people.person import TIERS, Loyalty, Person, Tier
from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects
from connector.sandbox.yotpo.shoppers.payloads.loyalty_objects import Reward


class CannotActError(WrongRequestError):
    """The customer is in no state to do this; the sentence says why."""


def enrolled(person: Person) -> Loyalty:
    if person.loyalty is None:
        raise CannotActError("The customer is not enrolled in loyalty.")
    return person.loyalty


def member(person: Person) -> Loyalty:
    loyalty = enrolled(person)
    if not loyalty.is_opt_in:
        raise CannotActError("The customer has opted out of loyalty.")
    return loyalty


def affordable(person: Person, rewards: tuple[Reward, ...]) -> Reward:
    balance = member(person).points_balance
    bought = [each for each in rewards if each.points <= balance]
    if not bought:
        raise CannotActError("The customer's points do not suffice for a reward.")
    return bought[-1]


def affords(loyalty: Loyalty) -> bool:
    return loyalty.points_balance >= min(each.points for each in loyalty_objects.REWARDS)


def tier_of(loyalty: Loyalty) -> Tier | None:
    return next((each for each in TIERS if each.name == loyalty.vip_tier_name), None)
