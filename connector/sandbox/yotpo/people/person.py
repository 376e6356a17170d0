"""The true state of one customer of a store, as plain objects that change in place.

Times have the zone UTC. Money is in cents unless a comment says otherwise. Each API and each webhook shows this state
in its own shape. `generator.generate` makes a customer; `shoppers.scene.Memory` fills `webhook_only`.
"""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(slots=True)
class Address:
    address1: str
    city: str
    state: str
    zip: str
    province_code: str
    country_code: str
    address2: str = ""
    company: str = ""


@dataclass(slots=True)
class Reviews:
    """The totals of a customer's reviews. Ratings are averages such as 4.67; sentiments are between 0 and 1."""

    total_reviews: int
    avg_product_rating: float | None
    avg_site_rating: float | None
    total_avg_rating: float | None
    sentiment_avg_product: float | None
    sentiment_avg_site: float | None
    total_avg_sentiment: float | None
    top_topics: list[str] | None
    last_star_rating: int | None
    last_review_date: datetime | None
    last_sentiment: float | None


@dataclass(slots=True)
class Requirements:
    """The totals that a customer still needs to keep a tier or to reach the next tier."""

    points_needed: int
    amount_cents_needed: int
    amount_cents_needed_in_customer_currency: int
    purchases_needed: int
    referrals_needed: int


@dataclass(slots=True)
class Actions:
    """The totals of a customer in the period that counts for tiers."""

    points_earned: int
    amount_spent_cents: int
    amount_spent_cents_in_customer_currency: int
    purchases_made: int
    referrals_completed: int


@dataclass(slots=True)
class Referral:
    """A customer's referral code and its results."""

    code: str
    link: str
    expired: bool
    shares: int
    unique_clicks: int
    total_clicks: int
    orders: int
    amount_cents: int
    #: The e-mail addresses of the friends who have bought.
    completed: list[str]


@dataclass(slots=True)
class Loyalty:
    """The data of Yotpo's loyalty product about an enrolled customer."""

    points_earned: int
    points_balance: int
    total_redemptions: int
    total_points_redeemed: int
    perks_redeemed: int
    total_spend_cents: int
    total_purchases: int
    last_purchase_at: datetime | None
    last_seen_at: datetime | None
    #: These two amounts are in whole units: of the store's currency, and of the customer's currency.
    credit: int
    credit_in_customer_currency: int
    is_opt_in: bool
    opt_in_at: datetime | None
    opt_out_at: datetime | None
    has_store_account: bool
    points_expire_at: datetime | None
    next_points_expire_on: date | None
    next_points_expire_amount: int | None
    #: The name of a tier in `TIERS`. None: the customer has no tier.
    vip_tier_name: str | None
    vip_entry_on: date | None
    vip_ends_on: date | None
    maintain: Requirements
    upgrade: Requirements
    actions: Actions
    successful_referrals: int
    referrals_made_and_clicked: int
    is_referred_by_other_customer: bool
    #: The e-mail address of the referrer.
    referred_by: str | None
    birthday_month: int | None
    birthday_day: int | None
    #: None: only the month and the day are known.
    birthday_year: int | None
    referral: Referral | None
    # The values from here on are only in webhooks. No API shows them.
    is_affiliate: bool
    accepts_marketing: bool | None
    anniversary_month: int | None
    anniversary_day: int | None
    referral_discount_code: str | None
    pos_account_id: str | None = None


@dataclass(slots=True)
class Person:
    """One customer of a store. The number identifies the customer and never changes. No API shows it."""

    number: int
    external_id: str | None
    email: str | None
    #: The phone number in the format E.164.
    phone: str | None
    first_name: str | None
    last_name: str | None
    gender: str | None
    language: str | None
    #: The currency code of ISO 4217.
    currency: str | None
    #: The tags, with commas between them. A tag may be empty.
    tags: str | None
    address: Address | None
    account_status: str | None
    created_at: datetime | None
    updated_at: datetime | None
    accepts_email: bool | None
    accepts_sms: bool | None
    #: The id of each list, and the time when the customer joined it.
    lists: list[tuple[str, datetime]]
    #: The reason why the customer gets no e-mail, such as HARD_BOUNCE.
    suppression: str | None
    custom_properties: dict[str, str | int | float | bool] | None
    reviews: Reviews | None
    #: None: the customer is not enrolled.
    loyalty: Loyalty | None
    #: The customer's values that webhooks have shown and that no API shows, by name.
    webhook_only: dict[str, object] = field(default_factory=dict)
    #: The number of webhooks that were sent about this customer.
    webhooks: int = 0


@dataclass(frozen=True, slots=True)
class Tier:
    """A VIP tier and its thresholds."""

    id: int
    name: str
    rank: int
    points: int
    spent_cents: int
    purchases: int


TIERS = (
    Tier(4101, "BRONZE", 1, 500, 5_000, 2),
    Tier(4102, "SILVER", 2, 2_000, 20_000, 6),
    Tier(4103, "GOLD", 3, 6_000, 60_000, 15),
)
