"""The Loyalty API: the VIP tiers, and one customer per request. Answers of v3 have an envelope, those of v2 do not."""

from typing import Any

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_object
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.apis.loyalty_shape import loyalty_customer, number_of_loyalty_id
from connector.sandbox.yotpo.people.generator import TIERS, Person
from connector.sandbox.yotpo.store import Lookup, Store
from connector.sandbox.yotpo.world import Call


def customer_v3(call: Call) -> Answer:
    """POST /loyalty/v3/stores/{id}/customers: only reads. `customers` is one object, not a list."""
    body = as_object(call.request.body)
    customer = _customer(call, as_object(body.get("customers")), body)
    return customer if isinstance(customer, Answer) else Answer(200, {"customers": customer})


def customer_v2(call: Call) -> Answer:
    """GET /api/v2/customers."""
    parameters = {name: values[0] for name, values in call.request.query.items()}
    customer = _customer(call, parameters, parameters)
    return customer if isinstance(customer, Answer) else Answer(200, customer)


def vip_tiers(call: Call) -> Answer:
    """GET /api/v2/vip_tiers. Yotpo answers with a list of tiers. Other details of Yotpo's answer are not known."""
    if not call.world.has_loyalty(call.store):
        return answers.NO_LOYALTY
    return Answer(
        200,
        [
            {
                "id": tier.id,
                "name": tier.name,
                "rank": tier.rank,
                "points_earned": tier.points,
                "amount_spent_cents": tier.spent_cents,
                "purchases_made": tier.purchases,
            }
            for tier in TIERS
        ],
    )


def _customer(call: Call, identifiers: dict[str, Any], options: dict[str, Any]) -> dict[str, Any] | Answer:
    if not call.world.has_loyalty(call.store):
        return answers.NO_LOYALTY
    if not any(identifiers.get(name) for name in ("customer_email", "customer_id", "phone_number", "pos_account_id")):
        return answers.error("One of customer_email, customer_id, phone_number and pos_account_id is required")
    person = _find(call.store, identifiers)
    if person is None or person.loyalty is None:
        return answers.NOT_ENROLLED[call.world.switches.not_enrolled]
    return loyalty_customer(
        person,
        with_referral_code=_is_true(options.get("with_referral_code")),
        with_history=_is_true(options.get("with_history")),
    )


def _find(store: Store, identifiers: dict[str, Any]) -> Person | None:
    """Return the first customer with this e-mail address, phone number, external id or Loyalty API id."""
    customer_id = str(identifiers.get("customer_id") or "")
    number = number_of_loyalty_id(customer_id)
    if number is not None and 1 <= number <= store.last:
        return store.person(number)
    lookup = Lookup(
        frozenset({customer_id} - {""}),
        frozenset({str(identifiers.get("customer_email") or "").strip().lower()} - {""}),
        frozenset({str(identifiers.get("phone_number") or "")} - {""}),
    )
    return next(iter(store.search(lookup)), None)


def _is_true(value: Any) -> bool:
    return value is True or value == "true"
