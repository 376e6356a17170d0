"""Builds the webhooks of reviews and of review requests. The e-mail address is the only identifier in them."""

from dataclasses import dataclass
from datetime import datetime

from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.payloads import spellings
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Moment, Subject, Webhook

#: The lowest id of a reviewer. Yotpo's ids of reviewers have no relation to the ids of customers.
_FIRST_REVIEWER = 1_001


@dataclass(frozen=True, slots=True)
class Review:
    id: int
    score: int
    created_at: datetime
    #: None: Yotpo has not read the review yet.
    sentiment: float | None = None


def review(event: str, person: Person, moment: Moment, customer_review: Review) -> Webhook:
    """Return the webhook `review_create` or `review_updated`.

    `review_updated` does not say what has changed, for example that the merchant has unpublished the review.
    """
    data = {
        "id": customer_review.id,
        # The store's key is in `app_key` here. In review requests, it is in `source_app_key`.
        "source_app_key": None,
        "title": "Works great.",
        "reviewer_display_name": f"{person.first_name} {person.last_name}",
        "content": "Works great.",
        "user_id": _FIRST_REVIEWER + person.number,
        "score": customer_review.score,
        "deleted": False,
        "app_key": moment.app_key,
        "created_at": spellings.in_seconds(customer_review.created_at),
        "updated_at": spellings.in_seconds(moment.now),
        "new": False,
        "user_type": "User",
        "verified_buyer": True,
        "archived": False,
        "shop_owner": False,
        "twitter_pushed": 0,
        "facebook_pushed": 0,
        "review_source_type_id": 4,
        "votes_up": 0,
        "votes_down": 0,
        "review_type_id": 1,
        "source_review_id": None,
        "sentiment": customer_review.sentiment,
        "escalated": False,
        "customer_email": person.email,
        "order_id": customer_review.id,
        "external_order_id": f"ORDER-{customer_review.id}",
        "external_product_id": "PROD-67890",
        "product_title": "Premium Wireless Headphones",
        "language": "",
        "custom_review_form": [{"question": "Pets Name", "answer": "Max, Bella and Luna"}],
    }
    return Webhook(event, moment.now, {"event": event, "data": data}, [Subject(person, {})])


def review_request(person: Person, moment: Moment, trigger: str) -> Webhook:
    """An order was `fulfilled` or `delivered`. The body does not contain the topic."""
    topic = "review_request.eligible.on_" + {"fulfilled": "fulfillment", "delivered": "delivery"}[trigger]
    order = next(moment.ids)
    body = {
        "trigger": {"type": trigger, "date": spellings.in_seconds(moment.now)},
        "source_app_key": moment.app_key,
        "order_id": f"ORD-{order}",
        "review_submission_url": f"https://yotpo.com/go/{order}",
        "shopper_profile": {
            "email": person.email,
            "name": f"{person.first_name} {person.last_name}",
            "locale": f"{person.language or 'en'}-US",
        },
        "products": [
            {
                "product_id": f"prod_{number:03d}",
                "variant_id": f"var_{number:03d}_black",
                "product_title": title,
                "product_image_url": f"https://cdn-yotpo-images-production.yotpo.com/Product/12345/{number}/thumb.png",
            }
            for number, title in enumerate(("Classic Cotton T-Shirt", "Premium Denim Jeans"), start=1)
        ],
    }
    return Webhook(topic, moment.now, body, [Subject(person, {})])
