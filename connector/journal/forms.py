"""Checks the settings of a store before they reach the journal."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import marshmallow as ma
import phonenumbers

from connector.errors import OperatorError
from connector.http.urls import SAFE_DESTINATION, is_safe_destination
from connector.model import Options

if TYPE_CHECKING:
    from connector.model import Store

_TEXT = ma.validate.Length(min=1, max=500)
_HEADER_VALUE = ma.validate.Regexp(r"[\x21-\x7e]+\Z", error="has to be printable ASCII without spaces")


def _url(value: str) -> None:
    if not is_safe_destination(value):
        raise ma.ValidationError(f"has to be {SAFE_DESTINATION}")


_OPTIONS = tuple(option.name for option in fields(Options))


class StoreForm(ma.Schema):
    """The settings of a new store."""

    name = ma.fields.String(
        required=True,
        validate=ma.validate.Regexp(
            r"[a-z0-9][a-z0-9-]{0,62}\Z", error="has to be lower-case letters, digits and hyphens, at most 63"
        ),
    )
    insider_partner = ma.fields.String(
        required=True,
        validate=ma.validate.Regexp(
            r"[a-z0-9][a-z0-9._-]{0,99}\Z",
            error="has to be the partner name as Insider shows it: lower case, no spaces",
        ),
    )
    insider_token = ma.fields.String(required=True, validate=[_TEXT, _HEADER_VALUE])
    insider_url = ma.fields.String(load_default=None, allow_none=True, validate=_url)
    webhook_secret = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=[ma.validate.Length(min=8, max=500, error="has to have 8 to 500 characters"), _HEADER_VALUE],
    )
    webhook_secret_header = ma.fields.String(
        load_default="Authorization",
        validate=ma.validate.Regexp(r"[A-Za-z0-9-]{1,100}\Z", error="has to be the name of an HTTP header"),
    )
    standin_year = ma.fields.Integer(load_default=None, allow_none=True, validate=ma.validate.Range(min=1000, max=2100))
    phone_region = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.OneOf(
            sorted(phonenumbers.SUPPORTED_REGIONS), error="has to be a two-letter country code such as US"
        ),
    )
    overlay = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=ma.validate.Regexp(
            r"[A-Za-z0-9_-]{1,100}\Z", error="has to be the name of a directory in overlays, beside the mapping files"
        ),
    )


def read_store(given: dict[str, Any]) -> dict[str, Any]:
    """Return the checked settings as arguments of `stores.add`.

    Raises OperatorError, which names each wrong setting.
    """
    checked = _checked(StoreForm(), given)
    options = Options(**{name: checked.pop(name) for name in _OPTIONS})
    return {**checked, "options": options}


def read_changes(given: dict[str, Any], store: Store) -> dict[str, Any]:
    """Return the checked changes of a store's settings as an argument of `stores.change`. Raises OperatorError."""
    changes = _checked(StoreForm(partial=True), given)
    options = {name: changes.pop(name) for name in _OPTIONS if name in changes}
    return {**changes, **({"options": replace(store.options, **options)} if options else {})}


def _checked(form: StoreForm, given: dict[str, Any]) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = form.load(given)
    except ma.ValidationError as error:
        raise OperatorError("; ".join(_sentence(*item) for item in error.messages_dict.items())) from None
    return checked


def _sentence(name: str, problems: list[str] | Any) -> str:
    text = " and ".join(problems) if isinstance(problems, list) else str(problems)
    return f"{name.replace('_', '-')} {text}"
