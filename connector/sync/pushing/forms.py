"""What Yotpo takes of a customer, checked before anything is sent.

From Yotpo's pages "About customers" and "Create or update customer"; the fields of an address and the two of
marketing are those of its Magento module and of its own answers. What is told of a line names fields and never quotes
a value: values are people's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import marshmallow as ma
import orjson

from connector.mapping.reading.problems import did_you_mean
from connector.sync.pushing.fields import Address, Customer

if TYPE_CHECKING:
    from connector.model import Json

_NAME_SHOWN = 60
_CUSTOM = "custom_properties"
_IDENTITY = "give external_id, or else exactly one of email and phone_number"
_BOTH = (
    "email, phone_number: if an external_id is not specified, Yotpo cannot accept both; leave one out, or give an "
    "external_id"
)
_PHONE_UNSETTABLE = (
    "can no longer be set (Yotpo has deprecated it); it only identifies a customer without external_id and email. "
    "Leave it out, or send it all the same with --force"
)
_CUSTOM_DEPRECATED = (
    "is deprecated by Yotpo, which has other endpoints for it; leave it out, or send it all the same with --force"
)
_COUNTED = "is what Yotpo itself counts; it can only be read. Leave it out"
_READ_ONLY = {
    "account_updated_at": "is set by Yotpo with each change; it can only be read. Leave it out",
    "device_id": "is Yotpo's own; it can only be read. Leave it out",
    "lists": "are changed by Yotpo's endpoints for lists; here they can only be read. Leave them out",
    "channels": "are changed by Yotpo's endpoints for subscriptions; here they can only be read. Leave them out",
    **dict.fromkeys(("yotpo_ugc", "yotpo_loyalty", "yotpo_sms", "yotpo_email", "yotpo_subscriptions"), _COUNTED),
}


class Checked(NamedTuple):
    """A line after the check: the customer to send without nulls, unless there are problems."""

    customer: Json
    problems: tuple[str, ...]


_FORM = Customer()
_ADDRESS = frozenset(Address().fields)
_NAMES = frozenset(_FORM.fields)
#: What a column of a CSV may be called.
_COLUMNS = (_NAMES - {"address", _CUSTOM}) | {f"address.{name}" for name in _ADDRESS}


def check(given: Json, *, force: bool = False) -> Checked:
    """Return what is to be sent of a customer, and what keeps it from being sent; `force` lets deprecated fields be."""
    there = _without_nulls(given)
    problems = [*_wrong_names(given, there, force=force)]
    try:
        customer: Json = _FORM.load(there)
    except ma.ValidationError as error:
        customer = {}
        problems += _told(error.messages_dict)
    problems += _wrong_identity(there, force=force)
    return Checked({} if problems else customer, tuple(problems))


def wrong_column(name: str, *, force: bool) -> str | None:
    """Return what is wrong with the name of a CSV's column, or None."""
    if not name:
        return "has no name"
    outer, _, inner = name.partition(".")
    if inner and outer == _CUSTOM:
        return None if force else _CUSTOM_DEPRECATED
    if name in {"address", _CUSTOM}:
        return f"is an object; name a column for each of its fields: {name}.NAME"
    return _READ_ONLY.get(outer) or _unknown(name, _COLUMNS)


def who(customer: Json) -> str:
    """Return what names a customer among others, as ``external_id 7001``; for the operator's eyes only."""
    name = next(name for name in ("external_id", "email", "phone_number") if name in customer)
    return f"{name} {customer[name]}"


def digest(app_key: str, customer: Json) -> str:
    """Return what is the same only for the same customer, sent to the same store of Yotpo: 16 hexadecimal digits."""
    body = orjson.dumps([app_key, customer], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()[:16]


def _without_nulls(given: Json) -> Json:
    """Leave out what is null: Yotpo leaves such a field as it is, just as one that is not there."""
    address = given.get("address")
    if isinstance(address, dict):
        given = {**given, "address": {name: value for name, value in address.items() if value is not None} or None}
    return {name: value for name, value in given.items() if value is not None}


def _wrong_names(given: Json, there: Json, *, force: bool) -> list[str]:
    problems = [f"{name}: {_READ_ONLY[name]}" for name in there if name in _READ_ONLY]
    problems += [f"{_shown(name)}: {told}" for name in given if (told := _unknown(name, _NAMES | _READ_ONLY.keys()))]
    if isinstance(address := there.get("address"), dict):
        problems += [f"address.{_shown(name)}: {told}" for name in address if (told := _unknown(name, _ADDRESS))]
    if _CUSTOM in there and not force:
        problems.append(f"{_CUSTOM}: {_CUSTOM_DEPRECATED}")
    return problems


def _shown(name: str) -> str:
    """Return a name from the file as it may be printed."""
    return (name if name.isprintable() else ascii(name))[:_NAME_SHOWN]


def _unknown(name: str, known: frozenset[str]) -> str | None:
    return None if name in known else f"is no field of a customer{did_you_mean(name[:_NAME_SHOWN], known)}"


def _wrong_identity(there: Json, *, force: bool) -> list[str]:
    has_phone = "phone_number" in there
    if "external_id" in there:
        return [f"phone_number: {_PHONE_UNSETTABLE}"] if has_phone and not force else []
    if has_phone and "email" in there:
        return [_BOTH]
    return [] if has_phone or "email" in there else [f"external_id: {_IDENTITY}"]


def _told(messages: Json, within: str = "") -> list[str]:
    told: list[str] = []
    for name, sentences in messages.items():
        if isinstance(sentences, dict):
            told += _told(sentences, f"{name}.")
        else:
            told.append(f"{(within + name).removesuffix('._schema')}: {' and '.join(sentences)}")
    return told
