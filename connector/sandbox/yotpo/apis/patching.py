"""Core v3, "Create or update customer": checks a request at once. The change becomes visible later.

Yotpo's page says three things. A request identifies a customer by external_id, or else by e-mail or phone, but not by
both. Null does not change a field. `custom_properties` and `phone_number` can no longer be set. The page does not say
which wrong values Yotpo refuses, and it does not show the error messages.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_object
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.people.generator import Address, Person
from connector.sandbox.yotpo.store import Lookup, Store
from connector.sandbox.yotpo.world import Call

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_GENDERS = ("F", "M", "Other")
_STATUSES = ("enabled", "disabled", "invited", "declined")
_ADDRESS_FIELDS = ("address1", "address2", "city", "company", "state", "zip", "province_code", "country_code")


def create_or_update(call: Call) -> Answer:
    body = as_object(call.request.body)
    customer = body.get("customer")
    if type(customer) is not dict:
        return answers.invalid({"customer": "is missing"})
    values = {name: value for name, value in customer.items() if value is not None}
    problems = {name: "is invalid" for name, value in values.items() if not _CHECKS.get(name, _anything)(value)}
    problems |= _identification_problems(values)
    if problems:
        return answers.invalid(problems)
    call.store.schedule(call.world.switches.visibility_seconds, partial(_apply_change, call.store, values))
    status = call.world.switches.patch_status
    # The body of a successful answer isn't known. All known clients read only the status.
    return Answer(status, "" if status == answers.NO_CONTENT else {})


def _identification_problems(values: dict[str, Any]) -> dict[str, str]:
    if "external_id" in values:
        return {}
    if "email" in values and "phone_number" in values:
        return {"customer": "must be identified by only one of email and phone_number"}
    if "email" in values or "phone_number" in values:
        return {}
    return {"customer": "must be identified by external_id, email or phone_number"}


def _apply_change(store: Store, values: dict[str, Any]) -> None:
    person = _target(store, values) or store.add(partial(_new_customer, phone=values.get("phone_number")))
    for name, value in values.items():
        change = _CHANGES.get(name)
        if change:
            change(person, value)
    person.updated_at = _time(values["account_updated_at"]) if "account_updated_at" in values else _now()


def _target(store: Store, values: dict[str, Any]) -> Person | None:
    """Return the customer to change. None: a new customer has to be created.

    The search uses the external_id, then the e-mail address, then the phone number, until it finds a customer. If
    this customer has a different external_id, the function returns None.
    """
    external_id = values.get("external_id")
    matches = store.search(Lookup(external_ids=frozenset({external_id}))) if external_id else []
    if not matches and "email" in values:
        matches = store.search(Lookup(emails=frozenset({values["email"].lower()})))
    if not matches and "phone_number" in values:
        matches = store.search(Lookup(phones=frozenset({values["phone_number"]})))
    if not matches or (external_id and matches[0].external_id not in {None, external_id}):
        return None
    return store.edit(matches[0].number)


def _new_customer(number: int, *, phone: str | None) -> Person:
    """Return an empty customer with this phone number. Later requests cannot change the phone number."""
    return Person(
        number=number,
        external_id=None,
        email=None,
        phone=phone,
        first_name=None,
        last_name=None,
        gender=None,
        language=None,
        currency=None,
        tags=None,
        address=None,
        account_status=None,
        created_at=_now(),
        updated_at=None,
        accepts_email=None,
        accepts_sms=None,
        lists=[],
        suppression=None,
        custom_properties=None,
        reviews=None,
        loyalty=None,
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _time(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _set_address(person: Person, values: dict[str, Any]) -> None:
    person.address = person.address or Address("", "", "", "", "", "")
    for name in _ADDRESS_FIELDS:
        if values.get(name) is not None:
            setattr(person.address, name, values[name])


def _set_created_at(person: Person, text: str) -> None:
    person.created_at = _time(text)


def _setter(field: str) -> Callable[[Person, Any], None]:
    def change(person: Person, value: Any) -> None:
        setattr(person, field, value)

    return change


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_time(value: Any) -> bool:
    try:
        return type(value) is str and bool(_time(value))
    except ValueError:
        return False


def _is_address(value: Any) -> bool:
    return type(value) is dict and all(part is None or type(part) is str for part in value.values())


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: value in choices


def _anything(_: Any) -> bool:
    """Accept any value of an unknown field, because the simulator ignores such fields."""
    return True


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "external_id": lambda value: type(value) is str and value != "",
    "email": _matches(_EMAIL),
    "phone_number": _matches(_PHONE),
    "first_name": _is_text,
    "last_name": _is_text,
    "gender": _one_of(_GENDERS),
    "account_created_at": _is_time,
    "account_updated_at": _is_time,
    "account_status": _one_of(_STATUSES),
    "default_language": _matches(_LANGUAGE),
    "default_currency": _matches(_CURRENCY),
    "tags": _is_text,
    "address": _is_address,
    "accepts_email_marketing": _is_flag,
    "accepts_sms_marketing": _is_flag,
}
_CHANGES: dict[str, Callable[[Person, Any], None]] = {
    "external_id": _setter("external_id"),
    "email": _setter("email"),
    "first_name": _setter("first_name"),
    "last_name": _setter("last_name"),
    "gender": _setter("gender"),
    "account_created_at": _set_created_at,
    "account_status": _setter("account_status"),
    "default_language": _setter("language"),
    "default_currency": _setter("currency"),
    "tags": _setter("tags"),
    "address": _set_address,
    "accepts_email_marketing": _setter("accepts_email"),
    "accepts_sms_marketing": _setter("accepts_sms"),
}
