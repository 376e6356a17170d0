"""What was sent beside what Yotpo shows of the customer, field by field, with an eye for how Yotpo writes things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.model.times import parse_or_none

if TYPE_CHECKING:
    from connector.model import Json

#: So many digits at least make a phone number.
_FEWEST_DIGITS = 5
#: Yotpo does not show them unless they are asked for, and they are deprecated.
_NOT_SHOWN = frozenset({"custom_properties"})
_CASELESS = frozenset({"email", "default_language", "default_currency", "country_code"})


def differing(sent: Json, shown: Json) -> list[str]:
    """Return the names of the fields that Yotpo shows otherwise than they were sent, in the order of the sent ones."""
    names: list[str] = []
    for name, value in sent.items():
        if name in _NOT_SHOWN:
            continue
        if name == "address":
            there = shown.get(name)
            names += [f"{name}.{part}" for part in differing(value, there if isinstance(there, dict) else {})]
        elif not _same(name, value, shown.get(name)):
            names.append(name)
    return names


def covered(earlier: Json, later: Json) -> Json:
    """Return what of an earlier customer still holds when the same one was sent again later."""
    return {name: value for name, value in earlier.items() if name not in later}


def are_the_same(one: Json, other: Json) -> bool:
    """Whether two customers that were sent are one, as far as their identifiers tell."""
    return any(
        one.get(name) is not None and _same(name, one[name], other.get(name))
        for name in ("external_id", "email", "phone_number")
    )


def _same(name: str, sent: object, shown: object) -> bool:
    if name.endswith("_at"):
        moment, other = parse_or_none(sent), parse_or_none(shown)
        # Yotpo shows whole seconds.
        return (
            moment is not None and other is not None and moment.replace(microsecond=0) == other.replace(microsecond=0)
        )
    if name == "tags":
        return _tags(sent) == _tags(shown)
    if name == "phone_number":
        return _same_number(str(sent), str(shown or ""))
    if isinstance(sent, str):
        # Nothing there and an empty text are the same to a reader.
        text, other_text = sent, shown if isinstance(shown, str) else "" if shown is None else str(shown)
        if name in _CASELESS:
            text, other_text = text.lower(), other_text.lower()
        return text.strip() == other_text.strip()
    return sent == shown


def _tags(value: object) -> set[str]:
    return {tag.strip() for tag in value.split(",")} - {""} if isinstance(value, str) else set()


def _same_number(sent: str, shown: str) -> bool:
    """Compare the digits: an address's number comes back without its country code."""
    digits, other = ("".join(filter(str.isdigit, number)).lstrip("0") for number in (sent, shown))
    if min(len(digits), len(other)) < _FEWEST_DIGITS:
        return digits == other
    return digits.endswith(other) or other.endswith(digits)
