"""The rules of `bench/rules` as handwritten Python. It shows what mapping would cost without a mapping language.

The code reads each object once, skips objects that are missing, and calls no function for a value that already has the
right type. It uses the connector's own conversions, because with other conversions the benchmark would measure
something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.by_hand.attributes import attributes_of
from bench.by_hand.params import params_of
from bench.by_hand.putting import put
from connector.mapping.types.identities import email
from connector.mapping.types.lookup import is_nothing
from connector.model import Mapped, Note, UserEvent, UserUpdate, times

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from connector.model import Json, Options, Value


class Plain(NamedTuple):
    """The results of the rules, as plain dictionaries."""

    identifiers: dict[str, Any]
    attributes: dict[str, Value]
    params: dict[str, Value]
    #: The reason why a value was left out, by section and name.
    unfit: dict[str, dict[str, str]]


def apply(place_of: Callable[[str, str], str], body: Json, occurred_at: datetime, options: Options) -> Mapped:
    """Return the same as the compiled mapping. `place_of` returns the place of a rule, which only notes need."""
    plain = map_plain(body, options)
    notes = _notes(place_of, plain.unfit) if any(plain.unfit.values()) else ()
    if not plain.identifiers:
        return Mapped(notes=notes)
    event = UserEvent("everything", times.rfc3339(occurred_at), plain.params)
    update = UserUpdate(plain.identifiers, plain.attributes, (event,))
    return Mapped((update,), notes=notes)


def _notes(place_of: Callable[[str, str], str], unfit: dict[str, dict[str, str]]) -> tuple[Note, ...]:
    return tuple(
        Note(name=name, problem=problem, rule=place_of(section, name))
        for section, problems in unfit.items()
        for name, problem in problems.items()
    )


def map_plain(body: Json, options: Options) -> Plain:
    """Apply the rules to a webhook."""
    identifiers: dict[str, Any] = {}
    unfit: dict[str, dict[str, str]] = {"identifiers": {}, "attributes": {}, "params": {}}
    customer = value if (value := body.get("customer")).__class__ is dict else {}
    referrer = value if (value := body.get("referrer")).__class__ is dict else {}
    top_code = value if (value := body.get("referral_code")).__class__ is dict else {}
    code_owner = value if (value := top_code.get("customer")).__class__ is dict else {}
    data = value if (value := body.get("data")).__class__ is dict else {}
    shopper = value if (value := body.get("shopper_profile")).__class__ is dict else {}

    raw = customer.get("email")
    if raw is None or is_nothing(raw):
        raw = referrer.get("email")
        if raw is None or is_nothing(raw):
            raw = code_owner.get("email")
            if raw is None or is_nothing(raw):
                raw = data.get("customer_email")
                if raw is None or is_nothing(raw):
                    raw = shopper.get("email")
                    if raw is None or is_nothing(raw):
                        raw = body.get("email")
    put(identifiers, "email", email, raw, unfit["identifiers"])
    if not identifiers:
        return Plain(identifiers, {}, {}, unfit)

    person = body.get("customer")
    if person.__class__ is not dict:
        person = body.get("referrer")
        if person.__class__ is not dict:
            person = code_owner
    perk = value if (value := body.get("perk")).__class__ is dict else {}
    referral_code = value if (value := person.get("referral_code")).__class__ is dict else {}
    vip_stats = value if (value := body.get("vip_stats")).__class__ is dict else {}
    attributes = attributes_of(body, person, perk, referral_code, vip_stats, options, unfit["attributes"])
    params = params_of(body, person, perk, referral_code, vip_stats, unfit["params"])
    return Plain(identifiers, attributes, params, unfit)
