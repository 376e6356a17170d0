"""Checks a customer against what Yotpo accepts, before it is sent.

The rules come from Yotpo's pages "About customers" and "Create or update customer". The fields of an address and the
two marketing fields come from Yotpo's Magento module and from Yotpo's responses. Problems name fields, but they never
quote values, because values are personal data.
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
    "Leave it out, or send it with --force"
)
_CUSTOM_DEPRECATED = "is deprecated by Yotpo, which has other endpoints for it; leave it out, or send it with --force"
_COUNTED = "is counted by Yotpo itself; it can only be read. Leave it out"
_READ_ONLY = {
    "account_updated_at": "is set by Yotpo with each change; it can only be read. Leave it out",
    "device_id": "is set by Yotpo; it can only be read. Leave it out",
    "lists": "can only be read here; Yotpo has other endpoints to change lists. Leave them out",
    "channels": "can only be read here; Yotpo has other endpoints to change subscriptions. Leave them out",
    **dict.fromkeys(("yotpo_ugc", "yotpo_loyalty", "yotpo_sms", "yotpo_email", "yotpo_subscriptions"), _COUNTED),
}


class Checked(NamedTuple):
    """The result of a check: the customer to send, without nulls, or an empty customer and the problems."""

    customer: Json
    problems: tuple[str, ...]


_FORM = Customer()
_ADDRESS = frozenset(Address().fields)
_NAMES = frozenset(_FORM.fields)
#: The column names that a CSV file may have.
_COLUMNS = (_NAMES - {"address", _CUSTOM}) | {f"address.{name}" for name in _ADDRESS}


def check(fields: Json, *, force: bool = False) -> Checked:
    """Return the customer to send, or the problems with it. `force` allows deprecated fields."""
    set_fields = _without_nulls(fields)
    problems = [*_wrong_names(fields, set_fields, force=force)]
    try:
        customer: Json = _FORM.load(set_fields)
    except ma.ValidationError as error:
        customer = {}
        problems += _sentences(error.messages_dict)
    problems += _wrong_identity(set_fields, force=force)
    return Checked({} if problems else customer, tuple(problems))


def wrong_column(name: str, *, force: bool) -> str | None:
    """Return the problem with a column name of a CSV file; None if the name is valid."""
    if not name:
        return "has no name"
    outer, _, inner = name.partition(".")
    if inner and outer == _CUSTOM:
        return None if force else _CUSTOM_DEPRECATED
    if name in {"address", _CUSTOM}:
        return f"is an object; name a column for each of its fields: {name}.NAME"
    return _READ_ONLY.get(outer) or _unknown(name, _COLUMNS)


def label(customer: Json) -> str:
    """Return the customer's first identifier, such as ``external_id 7001``, for the operator but never for a log."""
    name = next(name for name in ("external_id", "email", "phone_number") if name in customer)
    return f"{name} {customer[name]}"


def digest(app_key: str, customer: Json) -> str:
    """Return a hash of the store and the customer's fields, as 16 hexadecimal digits."""
    body = orjson.dumps([app_key, customer], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()[:16]


def _without_nulls(fields: Json) -> Json:
    """Return the fields without nulls. For Yotpo, a null means the same as a missing field: do not change it."""
    address = fields.get("address")
    if isinstance(address, dict):
        fields = {**fields, "address": {name: value for name, value in address.items() if value is not None} or None}
    return {name: value for name, value in fields.items() if value is not None}


def _wrong_names(fields: Json, set_fields: Json, *, force: bool) -> list[str]:
    problems = [f"{name}: {_READ_ONLY[name]}" for name in set_fields if name in _READ_ONLY]
    problems += [
        f"{_shown(name)}: {problem}" for name in fields if (problem := _unknown(name, _NAMES | _READ_ONLY.keys()))
    ]
    if isinstance(address := set_fields.get("address"), dict):
        problems += [f"address.{_shown(name)}: {problem}" for name in address if (problem := _unknown(name, _ADDRESS))]
    if _CUSTOM in set_fields and not force:
        problems.append(f"{_CUSTOM}: {_CUSTOM_DEPRECATED}")
    return problems


def _shown(name: str) -> str:
    """Return a name from the file, shortened and safe to print on a terminal."""
    return (name if name.isprintable() else ascii(name))[:_NAME_SHOWN]


def _unknown(name: str, names: frozenset[str]) -> str | None:
    return None if name in names else f"is not a field of a customer{did_you_mean(name[:_NAME_SHOWN], names)}"


def _wrong_identity(fields: Json, *, force: bool) -> list[str]:
    has_phone = "phone_number" in fields
    if "external_id" in fields:
        return [f"phone_number: {_PHONE_UNSETTABLE}"] if has_phone and not force else []
    if has_phone and "email" in fields:
        return [_BOTH]
    return [] if has_phone or "email" in fields else [f"external_id: {_IDENTITY}"]


def _sentences(messages: Json, within: str = "") -> list[str]:
    """Return marshmallow's messages as one sentence per field, such as ``address.zip: has to be text``."""
    problems: list[str] = []
    for name, sentences in messages.items():
        if isinstance(sentences, dict):
            problems += _sentences(sentences, f"{name}.")
        else:
            problems.append(f"{(within + name).removesuffix('._schema')}: {' and '.join(sentences)}")
    return problems
