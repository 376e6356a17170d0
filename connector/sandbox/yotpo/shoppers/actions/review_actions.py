"""The actions of reviews. Their webhooks do not contain the totals of the reviews. Only the APIs show these totals."""

from collections.abc import Iterator

from connector.sandbox.yotpo.people.person import Person, Reviews
from connector.sandbox.yotpo.shoppers.eligibility import CannotActError
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Moment, Webhook
from connector.sandbox.yotpo.shoppers.payloads.review_payloads import Review, review, review_request
from connector.sandbox.yotpo.shoppers.scene import Scene

_TOPICS = ("quality", "size", "delivery", "Größe")


def write(person: Person, scene: Scene, *, score: int | None = None) -> Iterator[Webhook]:
    """Write a review. The review has no sentiment, because Yotpo has not read it yet."""
    _require_email(person)
    moment = scene.moment(person)
    score = score or scene.dice.randrange(1, 6)
    totals = person.reviews or _no_reviews()
    before = totals.total_reviews
    totals.total_reviews += 1
    totals.avg_product_rating = _mean(totals.avg_product_rating, before, score)
    totals.total_avg_rating = _mean(totals.total_avg_rating, before, score)
    totals.last_star_rating, totals.last_review_date = score, moment.now.replace(microsecond=0)
    person.reviews = totals
    new = scene.memory.reviews[person.number] = Review(next(moment.ids), score, moment.now)
    yield review("review_create", person, moment, new)


def update(person: Person, scene: Scene) -> Iterator[Webhook]:
    """Update the customer's last review: Yotpo has analyzed the review and found its sentiment.

    If the memory has no review of this customer, the action creates one from the customer's totals, with a new id.
    """
    _require_email(person)
    if person.reviews is None:
        raise CannotActError("The customer has not written a review yet.")
    moment = scene.moment(person)
    old = scene.memory.reviews.get(person.number) or _earlier_review(person.reviews, moment)
    sentiment = round(scene.dice.random(), 4)
    _read(person.reviews, sentiment, scene.dice.choice(_TOPICS))
    new = scene.memory.reviews[person.number] = Review(old.id, old.score, old.created_at, sentiment)
    yield review("review_updated", person, moment, new)


def be_asked_after_fulfillment(person: Person, scene: Scene) -> Iterator[Webhook]:
    _require_email(person)
    yield review_request(person, scene.moment(person), "fulfilled")


def be_asked_after_delivery(person: Person, scene: Scene) -> Iterator[Webhook]:
    _require_email(person)
    yield review_request(person, scene.moment(person), "delivered")


def set_average_sentiment(reviews: Reviews, sentiment: float) -> None:
    """Replace the average sentiment, like a new calculation by Yotpo. No webhook reports this change."""
    reviews.sentiment_avg_product = reviews.total_avg_sentiment = sentiment


def _read(reviews: Reviews, sentiment: float, topic: str) -> None:
    set_average_sentiment(reviews, _mean(reviews.total_avg_sentiment, reviews.total_reviews - 1, sentiment))
    reviews.last_sentiment = sentiment
    reviews.top_topics = [*dict.fromkeys((*(reviews.top_topics or ()), topic))][-3:]


def _require_email(person: Person) -> None:
    if person.email is None:
        raise CannotActError("The customer has no e-mail address, and reviews name customers only by it.")


def _mean(mean: float | None, count: int, value: float) -> float:
    return round(((mean or 0) * count + value) / (count + 1), 2) if mean is not None else float(value)


def _no_reviews() -> Reviews:
    return Reviews(0, None, None, None, None, None, None, None, None, None, None)


def _earlier_review(reviews: Reviews, moment: Moment) -> Review:
    return Review(next(moment.ids), reviews.last_star_rating or 5, reviews.last_review_date or moment.now)
