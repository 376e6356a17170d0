"""Core v3, "Create or update customer": checked at once, seen only later.

Yotpo's page says who is meant (an external_id; else one of e-mail and phone, not both), that null leaves a field as it
is, and that `custom_properties` and `phone_number` can no longer be set. Which wrong values are refused, and in which
words, it does not say.
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
from connector.sandbox.yotpo.store import Store, Wanted
from connector.sandbox.yotpo.world import Call

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_GENDERS = ("F", "M", "Other")
_STATUSES = ("enabled", "disabled", "invited", "declined")
_ADDRESS = ("address1", "address2", "city", "company", "state", "zip", "province_code", "country_code")


def create_or_update(call: Call) -> Answer:
    body = as_object(call.received.body)
    customer = body.get("customer")
    if type(customer) is not dict:
        return answers.invalid({"customer": "is missing"})
    given = {name: value for name, value in customer.items() if value is not None}
    wrong = {name: "is invalid" for name, value in given.items() if not _CHECKS.get(name, _anything)(value)}
    wrong |= _unidentified(given)
    if wrong:
        return answers.invalid(wrong)
    call.store.later(call.world.switches.visibility_seconds, partial(_apply, call.store, given))
    status = call.world.switches.patch_status
    # What a success answers isn't known; clients have been seen to look at the status only.
    return Answer(status, "" if status == answers.NO_CONTENT else {})


def _unidentified(given: dict[str, Any]) -> dict[str, str]:
    if "external_id" in given:
        return {}
    if "email" in given and "phone_number" in given:
        return {"customer": "must be identified by only one of email and phone_number"}
    if "email" in given or "phone_number" in given:
        return {}
    return {"customer": "must be identified by external_id, email or phone_number"}


def _apply(store: Store, given: dict[str, Any]) -> None:
    person = _meant(store, given) or store.add(partial(_newcomer, phone=given.get("phone_number")))
    for name, value in given.items():
        change = _CHANGES.get(name)
        if change:
            change(person, value)
    person.updated_at = _time(given["account_updated_at"]) if "account_updated_at" in given else _now()


def _meant(store: Store, given: dict[str, Any]) -> Person | None:
    """Return the customer who is changed: by external_id, else by e-mail or phone who has no other external_id."""
    external_id = given.get("external_id")
    known = store.found(Wanted(external_ids=frozenset({external_id}))) if external_id else []
    if not known and "email" in given:
        known = store.found(Wanted(emails=frozenset({given["email"].lower()})))
    if not known and "phone_number" in given:
        known = store.found(Wanted(phones=frozenset({given["phone_number"]})))
    if not known or (external_id and known[0].external_id not in {None, external_id}):
        return None
    return store.edit(known[0].number)


def _newcomer(number: int, *, phone: str | None) -> Person:
    """A customer of whom nothing is known yet. A phone number that identifies is the only one that can be set."""
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


def _set_address(person: Person, given: dict[str, Any]) -> None:
    person.address = person.address or Address("", "", "", "", "", "")
    for name in _ADDRESS:
        if given.get(name) is not None:
            setattr(person.address, name, given[name])


def _set_created_at(person: Person, text: str) -> None:
    person.created_at = _time(text)


def _sets(field: str) -> Callable[[Person, Any], None]:
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
    return type(value) is dict and all(each is None or type(each) is str for each in value.values())


def _like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: type(value) is str and pattern.fullmatch(value) is not None


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], bool]:
    return lambda value: value in choices


def _anything(_: Any) -> bool:
    """What isn't known is left alone."""
    return True


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "external_id": lambda value: type(value) is str and value != "",
    "email": _like(_EMAIL),
    "phone_number": _like(_PHONE),
    "first_name": _is_text,
    "last_name": _is_text,
    "gender": _one_of(_GENDERS),
    "account_created_at": _is_time,
    "account_updated_at": _is_time,
    "account_status": _one_of(_STATUSES),
    "default_language": _like(_LANGUAGE),
    "default_currency": _like(_CURRENCY),
    "tags": _is_text,
    "address": _is_address,
    "accepts_email_marketing": _is_flag,
    "accepts_sms_marketing": _is_flag,
}
_CHANGES: dict[str, Callable[[Person, Any], None]] = {
    "external_id": _sets("external_id"),
    "email": _sets("email"),
    "first_name": _sets("first_name"),
    "last_name": _sets("last_name"),
    "gender": _sets("gender"),
    "account_created_at": _set_created_at,
    "account_status": _sets("account_status"),
    "default_language": _sets("language"),
    "default_currency": _sets("currency"),
    "tags": _sets("tags"),
    "address": _set_address,
    "accepts_email_marketing": _sets("accepts_email"),
    "accepts_sms_marketing": _sets("accepts_sms"),
}
