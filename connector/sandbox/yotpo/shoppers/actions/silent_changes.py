"""Changes that no webhook reports. Only Yotpo's APIs show these changes."""

from connector.sandbox.yotpo.people.names import FIRST_NAMES
from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.actions.referral_actions import click
from connector.sandbox.yotpo.shoppers.actions.review_actions import set_average_sentiment
from connector.sandbox.yotpo.shoppers.scene import Scene


def change_silently(person: Person, scene: Scene) -> str:
    """Change the data of a customer, and return the kind of the change: `name`, `click` or `reviews`."""
    possible = ["name"]
    if person.loyalty:
        possible.append("click")
    if person.reviews:
        possible.append("reviews")
    kind = scene.dice.choice(possible)
    if kind == "click":
        click(person)
    elif kind == "reviews" and person.reviews:
        set_average_sentiment(person.reviews, round(scene.dice.random(), 4))
    else:
        _rename(person, scene)
    return kind


def _rename(person: Person, scene: Scene) -> None:
    """Change the first name, as a merchant does."""
    person.first_name = scene.dice.choice([name for name, _ in FIRST_NAMES if name != person.first_name])
