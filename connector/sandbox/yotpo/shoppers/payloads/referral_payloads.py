"""Builds the webhooks of referrals. Each webhook has its own shape. In most of them, `email` is the friend's address.

The shapes of completed referrals are from Yotpo's page of webhook events. The shapes of shared referrals are from the
pages of the Loyalty API.
"""

from connector.sandbox.simulation.shapes import Json
from connector.sandbox.yotpo.apis.loyalty_shape import loyalty_id
from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.eligibility import require_enrolled
from connector.sandbox.yotpo.shoppers.payloads import loyalty_objects, spellings
from connector.sandbox.yotpo.shoppers.payloads.customer_objects import (
    code_counters,
    customer,
    newer_referral_code,
    referral_code,
    referral_of,
)
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import STORE, WEBSITE, Moment, Subject, Webhook

_EMAIL_STATES = ("sent", "opened", "clicked", "bounced", "soft_bounced", "rejected", "unsubscribed", "marked_as_spam",
           "delayed")  # fmt: skip


def share(person: Person, moment: Moment, friend: str) -> Webhook:
    """A customer of an older store has shared the link. `email` is the friend's address."""
    topic = "swell/referral/share"
    customer_object = customer(topic, person)
    body = {
        "topic": topic,
        "name": "Swell Referral Share",
        "email": friend,
        "from": person.email,
        "customer": customer_object,
        "referral_link": referral_of(person).link,
    }
    return Webhook(topic, moment.now, body, [Subject(person, customer_object)])


def shared(person: Person, moment: Moment, friend: str) -> Webhook:
    """A customer of a store that joined after August 2024 has shared the link. `email` is the friend's address."""
    topic = "yotpo/referral/shared"
    unpriced = dict.fromkeys(
        ("cost_text", "amount", "applies_to_product_type", "duration", "discount_amount_cents", "discount_type",
         "description")
    )  # fmt: skip
    body = {
        "topic": topic,
        "name": "Yotpo Referral shared",
        "website_url": None,
        "store_name": "Yotpo Store",
        "from": person.email,
        "referral_link": f"{referral_of(person).link}?e",
        "referral_code": newer_referral_code(person, customer=None),
        "redemption_option": unpriced | {"id": 1, "type": "shopify_fixed_amount_coupon", "name": "$10 off"},
        "email": friend,
        "customer": customer(topic, person),
    }
    # Yotpo's pages do not say which person the `customer` of this topic is. So the memory does not save the values of
    # `customer`.
    return Webhook(topic, moment.now, body, [Subject(person, {})])


def product_share(person: Person, moment: Moment, friend: str, *, reminder: bool = False) -> Webhook:
    """A customer has recommended a product. `email` is the friend's address."""
    topic = "loyalty/referral/product_share" + ("/reminder" if reminder else "")
    customer_object = customer(topic, person)
    product = str(next(moment.ids))
    body = {
        "topic": topic,
        "name": "Loyalty Referral Product Share" + (" Reminder" if reminder else ""),
        **WEBSITE,
        "email": friend,
        "from": person.email,
        "customer": customer_object,
        "product_referral_link": f"{referral_of(person).link}?p={product}",
        "product_id": product,
        "product_name": "Premium Wireless Headphones",
        "image_url": "https://cdn.shopify.com/s/files/1/0001/headphones.jpg",
    }
    return Webhook(topic, moment.now, body, [Subject(person, customer_object)])


def completed(person: Person, moment: Moment, friend: Person, points: int) -> Webhook:
    """A friend has bought in an older store. The webhook has no `customer`. The referrer is in two other places."""
    topic = "swell/referral/completed"
    referrer_object, friend_object = customer(topic, person), customer(topic, friend)
    body = {
        "topic": topic,
        "name": "Swell Referral Completed",
        "perk": loyalty_objects.perk(
            moment.ids, person.number, moment.now, "Refer a friend", points=points, completed_at=moment.now
        ),
        "email": person.email,
        "referrer": referrer_object,
        "referral_code": _code_with_owner(person),
        "referred_customer": friend_object,
    }
    return Webhook(topic, moment.now, body, [Subject(person, referrer_object), Subject(friend, friend_object)])


def completed_newer(person: Person, moment: Moment, friend: Person, code: str) -> Webhook:
    """A friend has bought in a store that joined after August 2024. The referrer is in the referral code."""
    topic = "yotpo/referral/completed"
    referrer_object = customer(topic, person)
    referrer_object |= {
        "thirty_party_id": None,
        "third_party_id": None,
        "birth_year": referrer_object["birth_year"] or None,
    }
    referrer_object |= {"anniversary_year": referrer_object["anniversary_year"] or None}
    friend_object = customer(f"{topic} friend", friend)
    friend_object |= {"thirty_party_id": None, "third_party_id": None}
    friend_object |= {"referral_link": "", "referral_discount_code": ""}
    body = {
        "topic": topic,
        "name": "Yotpo Referral completed",
        **STORE,
        "perk": _newer_perk(person, moment, code),
        "referral_code": newer_referral_code(person, referrer_object),
        "friend_referral_code": newer_referral_code(friend, customer=None),
        "email": person.email,
        "friend": friend_object,
        "published_at": spellings.with_offset(moment.now),
    }
    return Webhook(topic, moment.now, body, [Subject(person, referrer_object), Subject(friend, friend_object)])


def _newer_perk(person: Person, moment: Moment, code: str) -> Json:
    """Return a perk in the newer shape. It contains the redemption option and the redemption, but no points."""
    perk = loyalty_objects.perk(
        moment.ids, person.number, moment.now, "Refer a friend", points=None, completed_at=moment.now
    )
    reward = loyalty_objects.TEN_OFF
    redemption = loyalty_objects.redemption(moment.ids, moment.now, code)
    redemption = {name: value for name, value in redemption.items() if name not in {"created_at", "updated_at"}}
    redemption |= loyalty_objects.PLACE | loyalty_objects.THIRD_PARTY | {"token": str(redemption["id"]), "code": code}
    return perk | {
        "campaign_id": None,
        "redemption_option_id": reward.id,
        "redemption_option": loyalty_objects.option_in_perk(reward) | {"discount_rate_cents": 100},
        "redemption": redemption,
    }


def _code_with_owner(person: Person) -> Json:
    """Return the referral code in the shape of a completed referral. It contains the referrer again, as owner."""
    code = referral_of(person)
    owner = loyalty_id(person.number)
    code_object = referral_code(person)
    del code_object["unique_clicks"], code_object["total_clicks"]
    return code_object | code_counters(code) | {
        "id": owner,
        "campaign_id": 7,
        "clicks": code.total_clicks,
        "invalid_clicks": 0,
        "customer_id": owner,
        "links_clicked": code.total_clicks,
        "target_referrals": None,
        "customer": _owner(person),
    }  # fmt: skip


def _owner(person: Person) -> Json:
    loyalty = require_enrolled(person)
    owner_object = customer("swell/referral/completed", person)
    del owner_object["third_party_id"], owner_object["referral_code"]
    return owner_object | {
        "id": loyalty_id(person.number),
        "user_id": None,
        "merchant_id": 1,
        "is_member": False,
        "name": person.last_name,
        "subscribed": True,
        **{f"email_{state}_count": 0 for state in _EMAIL_STATES},
        "source": "store_account",
        "points_expiration_job_id": None,
        "prettyTotalSpend": f"${loyalty.total_spend_cents // 100}",
    }
