"""Compares a sent customer with the customer that Yotpo shows, field by field. Differences in spelling do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.model.times import parse_or_none

if TYPE_CHECKING:
    from connector.model import Json

#: If a phone number has fewer digits, both numbers have to be equal. If both are longer, one of them may lack its
#: country code.
_FEWEST_DIGITS = 5
#: These fields are not compared, because Yotpo shows them only on request. They are deprecated.
_NOT_SHOWN = frozenset({"custom_properties"})
_CASELESS = frozenset({"email", "default_language", "default_currency", "country_code"})


def differing(sent: Json, shown: Json) -> list[str]:
    """Return the names of the fields that Yotpo shows with another value, in the order in which they were sent."""
    names: list[str] = []
    for name, value in sent.items():
        if name in _NOT_SHOWN:
            continue
        if name == "address":
            address = shown.get(name)
            names += [f"{name}.{part}" for part in differing(value, address if isinstance(address, dict) else {})]
        elif not _same(name, value, shown.get(name)):
            names.append(name)
    return names


def not_resent(earlier: Json, later: Json) -> Json:
    """Return the fields of `earlier` that `later` does not contain. Both are lines of the same customer."""
    return {name: value for name, value in earlier.items() if name not in later}


def same_customer(first: Json, second: Json) -> bool:
    """Whether two sent lines belong to one customer: at least one identifier is the same."""
    return any(
        first.get(name) is not None and _same(name, first[name], second.get(name))
        for name in ("external_id", "email", "phone_number")
    )


def _same(name: str, sent: object, shown: object) -> bool:
    if name.endswith("_at"):
        moment, other = parse_or_none(sent), parse_or_none(shown)
        # Compare whole seconds, because Yotpo shows no fractions of a second.
        return (
            moment is not None and other is not None and moment.replace(microsecond=0) == other.replace(microsecond=0)
        )
    if name == "tags":
        return _tags(sent) == _tags(shown)
    if name == "phone_number":
        return _same_number(str(sent), str(shown or ""))
    if isinstance(sent, str):
        # A missing value and an empty text mean the same.
        text, other_text = sent, shown if isinstance(shown, str) else "" if shown is None else str(shown)
        if name in _CASELESS:
            text, other_text = text.lower(), other_text.lower()
        return text.strip() == other_text.strip()
    return sent == shown


def _tags(value: object) -> set[str]:
    return {tag.strip() for tag in value.split(",")} - {""} if isinstance(value, str) else set()


def _same_number(sent: str, shown: str) -> bool:
    """Compare the digits of two phone numbers. Yotpo returns an address's phone number without the country code."""
    digits, other = ("".join(filter(str.isdigit, number)).lstrip("0") for number in (sent, shown))
    if min(len(digits), len(other)) < _FEWEST_DIGITS:
        return digits == other
    return digits.endswith(other) or other.endswith(digits)
