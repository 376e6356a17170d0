"""Generates customers in any order. The same seed and number always give the same customer.

It takes some tens of microseconds to generate a customer. E-mail addresses, phone numbers and external ids contain the
customer's number, so a look-up needs no index.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.sandbox.yotpo.people.draws import EARLIEST, Draws
from connector.sandbox.yotpo.people.enrolment import enrol
from connector.sandbox.yotpo.people.names import FIRST_NAMES, LAST_NAMES, PLACES, STREETS, TAGS, TOPICS
from connector.sandbox.yotpo.people.person import (
    TIERS,
    Actions,
    Address,
    Loyalty,
    Person,
    Referral,
    Requirements,
    Reviews,
    Tier,
)

__all__ = [
    "TIERS",
    "Actions",
    "Address",
    "Loyalty",
    "Person",
    "Referral",
    "Requirements",
    "Reviews",
    "Shares",
    "Tier",
    "generate",
    "number_of_email",
    "number_of_external_id",
    "number_of_phone",
]

_DOMAINS = ("com", "net", "org")
_IN_EMAIL = re.compile(r"\.(\d+)@example\.(?:com|net|org)")
#: The start of a German mobile number. Seven digits follow.
_PHONE_PREFIX = "+491510"
_IN_PHONE = re.compile(r"\+491510(\d{7})")
_FIRST_EXTERNAL_ID = 7_000_000_000
_IN_EXTERNAL_ID = re.compile(r"7\d{9}")


@dataclass(frozen=True)
class Shares:
    """The share of each kind among the generated customers, from 0 to 1."""

    #: Customers who only wrote a review. They have no external_id, no updated_at, no account and no loyalty part.
    review_only: float = 0.08
    no_external_id: float = 0.1
    no_updated_at: float = 0.05
    phone_only: float = 0.03
    #: Customers without e-mail and phone. They have an external_id or no identifier.
    unreachable: float = 0.01
    uppercase_email: float = 0.02
    with_phone: float = 0.5
    with_reviews: float = 0.4
    with_loyalty: float = 0.7
    #: `opted_out` and `with_tier` are shares of the enrolled customers.
    opted_out: float = 0.05
    with_tier: float = 0.6
    #: This is the share of the customers with a birthday whose year is known.
    birth_year: float = 0.5


_USUAL = Shares()


def generate(seed: int, number: int, shares: Shares = _USUAL) -> Person:
    """Return the customer with this number, from 1 to 9,999,999, in the store with this seed."""
    draws = Draws(f"{seed}:{number}")
    review_only = draws.chance(shares.review_only)
    no_external_id = draws.chance(shares.no_external_id)
    no_updated_at = draws.chance(shares.no_updated_at)
    unreachable = draws.chance(shares.unreachable)
    phone_only = draws.chance(shares.phone_only)
    has_phone = draws.chance(shares.with_phone)
    (first, gender), last = draws.pick(FIRST_NAMES), draws.pick(LAST_NAMES)
    uppercase = draws.chance(shares.uppercase_email)
    email = _email(number, first, last, draws.pick(_DOMAINS))
    city, state, province, country, language, currency = draws.pick(PLACES)
    created = draws.after(EARLIEST, 2_500)
    updated = draws.after(created, 90)
    has_reviews = draws.chance(shares.with_reviews)
    enrolled = draws.chance(shares.with_loyalty)
    opted_out, has_tier = draws.chance(shares.opted_out), draws.chance(shares.with_tier)
    has_year = draws.chance(shares.birth_year)
    reachable_by_email = not unreachable and (review_only or not phone_only)
    return Person(
        number=number,
        external_id=None if review_only or no_external_id else str(_FIRST_EXTERNAL_ID + number),
        email=(email.upper() if uppercase else email) if reachable_by_email else None,
        phone=f"{_PHONE_PREFIX}{number:07d}"
        if (phone_only or has_phone) and not (unreachable or review_only)
        else None,
        first_name=first,
        last_name=last,
        gender=draws.pick((gender, None)),
        language=draws.pick((language, None)),
        currency=currency,
        tags=draws.pick(TAGS),
        address=None
        if review_only
        else Address(draws.pick(STREETS), city, state, f"{draws.below(90_000) + 10_000}", province, country),
        account_status=None if review_only else draws.pick(("enabled", "enabled", "disabled", "invited", "declined")),
        created_at=created,
        updated_at=None if review_only or no_updated_at else updated,
        accepts_email=draws.pick((True, False, None)),
        accepts_sms=draws.pick((True, False, None, None)),
        lists=[(str(123_000 + draws.below(5)), created)] if draws.chance(0.3) else [],
        suppression="HARD_BOUNCE" if draws.chance(0.02) else None,
        custom_properties={"skin_type": "dry", "shoe_size": 36 + draws.below(12)} if draws.chance(0.2) else None,
        reviews=_reviews(draws, created) if review_only or has_reviews else None,
        loyalty=enrol(
            draws,
            number,
            created + timedelta(days=draws.below(60)),
            currency,
            opted_out=opted_out,
            has_tier=has_tier,
            has_year=has_year,
        )
        if enrolled and not (review_only or unreachable)
        else None,
    )


def number_of_email(email: str) -> int | None:
    """Return the customer number in a generated address. None: the address contains no number.

    The customer with this number may have another address, so the caller compares the addresses.
    """
    return _number(_IN_EMAIL.search(email.lower()))


def number_of_phone(phone: str) -> int | None:
    return _number(_IN_PHONE.fullmatch(phone))


def number_of_external_id(external_id: str) -> int | None:
    return int(external_id) - _FIRST_EXTERNAL_ID if _IN_EXTERNAL_ID.fullmatch(external_id) else None


def _number(match: re.Match[str] | None) -> int | None:
    return int(match[1]) if match else None


def _plain(name: str) -> str:
    """Return the first word of a name, with only the letters a to z."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.split(r"[^a-z]", folded.replace("'", ""))[0]


_PLAIN = {name: _plain(name) for name in (*LAST_NAMES, *(first for first, _ in FIRST_NAMES))}


def _email(number: int, first: str, last: str, domain: str) -> str:
    return f"{_PLAIN[first]}.{_PLAIN[last]}.{number}@example.{domain}"


def _reviews(draws: Draws, since: datetime) -> Reviews:
    of_products, of_site = draws.rating(), draws.rating()
    only_products = draws.chance(0.4)
    product_sentiment, site_sentiment = draws.sentiment(), draws.sentiment()
    return Reviews(
        total_reviews=1 + draws.below(12),
        avg_product_rating=of_products,
        avg_site_rating=None if only_products else of_site,
        total_avg_rating=of_products if only_products else round((of_products + of_site) / 2, 2),
        sentiment_avg_product=product_sentiment,
        sentiment_avg_site=None if only_products else site_sentiment,
        total_avg_sentiment=product_sentiment if only_products else round((product_sentiment + site_sentiment) / 2, 4),
        top_topics=draws.pick((None, [], [draws.pick(TOPICS)], [draws.pick(TOPICS), "Größe"])),
        last_star_rating=1 + draws.below(5),
        last_review_date=draws.after(since, 300),
        last_sentiment=draws.sentiment(),
    )
