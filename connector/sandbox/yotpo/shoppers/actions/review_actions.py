"""What shoppers do about reviews. Their webhooks show none of the totals, which only look-ups tell."""

from collections.abc import Iterator

from connector.sandbox.yotpo.people.person import Person, Reviews
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Moment, Webhook
from connector.sandbox.yotpo.shoppers.payloads.review_payloads import Review, review, review_request
from connector.sandbox.yotpo.shoppers.scene import Scene
from connector.sandbox.yotpo.shoppers.standing import CannotActError

_TOPICS = ("quality", "size", "delivery", "Größe")


def write(person: Person, scene: Scene, *, score: int | None = None) -> Iterator[Webhook]:
    """Write a review; Yotpo has not read it yet, so that it has no sentiment."""
    _addressed(person)
    moment = scene.moment(person)
    score = score or scene.dice.randrange(1, 6)
    totals = person.reviews or _none_yet()
    before = totals.total_reviews
    totals.total_reviews += 1
    totals.avg_product_rating = _mean(totals.avg_product_rating, before, score)
    totals.total_avg_rating = _mean(totals.total_avg_rating, before, score)
    totals.last_star_rating, totals.last_review_date = score, moment.now.replace(microsecond=0)
    person.reviews = totals
    written = scene.memory.reviews[person.number] = Review(next(moment.ids), score, moment.now)
    yield review("review_create", person, moment, written)


def update(person: Person, scene: Scene) -> Iterator[Webhook]:
    """A review is read or changed: one that this simulator has seen, else one of before."""
    _addressed(person)
    if person.reviews is None:
        raise CannotActError("The customer has not written a review yet.")
    moment = scene.moment(person)
    old = scene.memory.reviews.get(person.number) or _of_before(person.reviews, moment)
    sentiment = round(scene.dice.random(), 4)
    _read(person.reviews, sentiment, scene.dice.choice(_TOPICS))
    written = scene.memory.reviews[person.number] = Review(old.id, old.score, old.created_at, sentiment)
    yield review("review_updated", person, moment, written)


def be_asked_after_fulfillment(person: Person, scene: Scene) -> Iterator[Webhook]:
    _addressed(person)
    yield review_request(person, scene.moment(person), "fulfilled")


def be_asked_after_delivery(person: Person, scene: Scene) -> Iterator[Webhook]:
    _addressed(person)
    yield review_request(person, scene.moment(person), "delivered")


def recompute(reviews: Reviews, sentiment: float) -> None:
    """Yotpo counts the sentiments anew, of which no webhook tells."""
    reviews.sentiment_avg_product = reviews.total_avg_sentiment = sentiment


def _read(reviews: Reviews, sentiment: float, topic: str) -> None:
    recompute(reviews, _mean(reviews.total_avg_sentiment, reviews.total_reviews - 1, sentiment))
    reviews.last_sentiment = sentiment
    reviews.top_topics = [*dict.fromkeys((*(reviews.top_topics or ()), topic))][-3:]


def _addressed(person: Person) -> None:
    if person.email is None:
        raise CannotActError("The customer has no address, by which alone reviews name him.")


def _mean(mean: float | None, count: int, one_more: float) -> float:
    return round(((mean or 0) * count + one_more) / (count + 1), 2) if mean is not None else float(one_more)


def _none_yet() -> Reviews:
    return Reviews(0, None, None, None, None, None, None, None, None, None, None)


def _of_before(reviews: Reviews, moment: Moment) -> Review:
    return Review(next(moment.ids), reviews.last_star_rating or 5, reviews.last_review_date or moment.now)
