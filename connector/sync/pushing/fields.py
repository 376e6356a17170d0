"""The fields of a customer that Yotpo accepts, each with its type and limits. Error messages never quote a value."""

from __future__ import annotations

import re
from typing import Any

import marshmallow as ma

from connector.model.identifiers import clean_email, clean_phone
from connector.model.times import parse_or_none, rfc3339
from connector.sync.pushing.codes import CURRENCIES, LANGUAGES

_LONGEST = 2_000


class _Text(ma.fields.String):
    """A text field. It removes the spaces around the text."""

    default_error_messages = {"invalid": "has to be text, in quotes", "invalid_utf8": "has to be text"}  # noqa: RUF012 - marshmallow's way

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs)).strip()
        if len(text) > _LONGEST:
            raise ma.ValidationError(f"has to have {_LONGEST} characters at most")
        return text


class _Email(_Text):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address = super()._deserialize(value, attr, data, **kwargs)
        if clean_email(address) is None:
            raise ma.ValidationError("has to be an e-mail address")
        return address


class _Phone(_Text):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        number = super()._deserialize(value, attr, data, **kwargs)
        if clean_phone(number) != number:
            raise ma.ValidationError("has to be a phone number in E.164, such as +15550100123")
        return number


class _Time(_Text):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        moment = None if text.isdigit() else parse_or_none(text)
        if moment is None:
            raise ma.ValidationError("has to be a time in ISO 8601, such as 2026-01-31T12:00:00Z")
        return rfc3339(moment)


def _spelled(*words: str) -> set[str]:
    return {spelled for word in words for spelled in (word, word.upper(), word.title())}


class _Truth(ma.fields.Boolean):
    truthy = {True} | _spelled("true", "yes", "1")
    falsy = {False} | _spelled("false", "no", "0")
    default_error_messages = {"invalid": "has to be true or false (or yes, no, 1, 0)"}  # noqa: RUF012 - marshmallow's way


class _Tags(_Text):
    """A comma-separated text, or a list that becomes such a text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if isinstance(value, list):
            if not all(isinstance(tag, str) and "," not in tag for tag in value):
                raise ma.ValidationError("has to be a comma-separated text, or a list of texts without commas")
            value = ",".join(tag.strip() for tag in value)
        return super()._deserialize(value, attr, data, **kwargs)


def _custom(properties: Any) -> None:
    if not isinstance(properties, dict):
        raise ma.ValidationError("has to be an object")
    if not all(re.fullmatch(r"\w{1,255}", name) for name in properties):
        raise ma.ValidationError("has to have names with only letters, digits and _")
    if not all(isinstance(value, str | bool | int | float) for value in properties.values()):
        raise ma.ValidationError("has to have only texts, numbers and booleans as values, and no null")


def _one_of(words: tuple[str, ...]) -> ma.validate.OneOf:
    return ma.validate.OneOf(words, error=f"has to be one of {', '.join(words)}")


def _as(pattern: str, description: str) -> ma.validate.Regexp:
    return ma.validate.Regexp(rf"(?:{pattern})\Z", error=f"has to be {description}")


class _Form(ma.Schema):
    class Meta:
        unknown = ma.EXCLUDE  # `forms.check` reports unknown names, with suggestions


class Address(_Form):
    """The parts of an address. Yotpo's pages document only their names."""

    error_messages = {"type": "has to be an object with names such as city and zip"}  # noqa: RUF012 - marshmallow's way

    address1, address2, city, company = _Text(), _Text(), _Text(), _Text()
    state, zip, province_code = _Text(), _Text(), _Text()
    country_code = _Text(validate=_as("[A-Z]{2}|", "a country's two letters, such as US"))
    phone_number = _Text()


class Customer(_Form):
    external_id = _Text(validate=ma.validate.Length(1, 255, error="has to have 1 to 255 characters"))
    email = _Email()
    phone_number = _Phone()
    first_name, last_name = _Text(), _Text()
    gender = _Text(validate=_one_of(("F", "M", "Other")))
    account_created_at = _Time()
    account_status = _Text(validate=_one_of(("enabled", "disabled", "invited", "declined")))
    default_language = _Text(
        validate=ma.validate.OneOf(LANGUAGES, error="has to be a language of ISO 639-1, such as en")
    )
    default_currency = _Text(
        validate=ma.validate.OneOf(CURRENCIES, error="has to be a currency of ISO 4217, such as USD")
    )
    tags = _Tags()
    address = ma.fields.Nested(Address)
    accepts_email_marketing, accepts_sms_marketing = _Truth(), _Truth()
    custom_properties = ma.fields.Raw(validate=_custom)
