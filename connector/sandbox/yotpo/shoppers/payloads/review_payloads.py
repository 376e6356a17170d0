"""The webhooks of reviews, which know the customer by nothing but the address, and of review requests."""

from dataclasses import dataclass
from datetime import datetime

from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.payloads import spellings
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import About, Moment, Webhook

#: Yotpo's reviewer ids have nothing to do with those of customers.
_FIRST_REVIEWER = 1_001


@dataclass(frozen=True, slots=True)
class Review:
    id: int
    score: int
    created_at: datetime
    #: None until Yotpo has read it.
    sentiment: float | None = None


def review(event: str, person: Person, moment: Moment, written: Review) -> Webhook:
    """`review_create` or `review_updated`. The latter does not say what has changed, nor that it was unpublished."""
    data = {
        "id": written.id,
        # The store's key stands under another name here than in review requests.
        "source_app_key": None,
        "title": "Works great.",
        "reviewer_display_name": f"{person.first_name} {person.last_name}",
        "content": "Works great.",
        "user_id": _FIRST_REVIEWER + person.number,
        "score": written.score,
        "deleted": False,
        "app_key": moment.app_key,
        "created_at": spellings.in_seconds(written.created_at),
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
        "sentiment": written.sentiment,
        "escalated": False,
        "customer_email": person.email,
        "order_id": written.id,
        "external_order_id": f"ORDER-{written.id}",
        "external_product_id": "PROD-67890",
        "product_title": "Premium Wireless Headphones",
        "language": "",
        "custom_review_form": [{"question": "Pets Name", "answer": "Max, Bella and Luna"}],
    }
    return Webhook(event, moment.now, {"event": event, "data": data}, [About(person, {})])


def review_request(person: Person, moment: Moment, trigger: str) -> Webhook:
    """An order was `fulfilled` or `delivered`. Nothing in the body names the topic."""
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
    return Webhook(topic, moment.now, body, [About(person, {})])
