"""The table of rule types: how each converts a raw value, and how the schema and editors describe it.

This is the only list of types. Loading, compiling, the schema and the dictionary all use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector.mapping.types import values
from connector.mapping.types.money import money

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.model import Value

#: The type of a rule that has a constant instead of a source.
ALWAYS = "always"
#: The type of a rule that removes the rule of the same name from a group, or from the mapping below an overlay.
OMIT = "omit"
#: These keys may follow a rule's type. They say when the attribute must be cleared at Insider.
ABSENT, EMPTY = "absent", "empty"
CLEAR = "clear"


class RuleType(NamedTuple):
    """One type of rule."""

    #: The kind of value at Insider. Insider fixes an attribute's type when the attribute is created.
    kind: str
    #: Converts a raw value (never None) to a value that Insider accepts; None if the value is empty. Raises UnfitError.
    convert: Callable[[object], Value | None]
    description: str
    example: str
    #: A Python condition on `raw`: if it is true, the value needs no conversion. That saves a call for most values.
    unchanged: str = ""


TYPES = {
    "text": RuleType(
        "text",
        values.text,
        "Text without spaces around it, at most 4,096 characters. A number becomes a text.",
        "first_name",
        "raw.__class__ is str and raw.isprintable() and 0 < len(raw) <= 4096 and raw[0] != ' ' != raw[-1]",
    ),
    "number": RuleType(
        "number",
        values.number,
        "A number, or a text that contains only a number.",
        "points_balance",
        "raw.__class__ is int and -9223372036854775808 <= raw <= 9223372036854775807",
    ),
    "money": RuleType(
        "number",
        money,
        "An amount as Yotpo displays it, such as $2,620 or 1.234,50 €, or a plain number. The currency is removed.",
        "credit_balance",
        "raw.__class__ is int and -9223372036854775808 <= raw <= 9223372036854775807",
    ),
    "boolean": RuleType(
        "boolean",
        values.boolean,
        "true or false, also as a text.",
        "accepts_marketing",
        "raw.__class__ is bool",
    ),
    "date": RuleType(
        "time",
        values.date,
        "A calendar date, sent as midnight UTC: from a text or a timestamp, or from {year: …, month: …, day: …}.",
        "vip_tier_ends_at",
    ),
    "datetime": RuleType(
        "time",
        values.datetime,
        "A date with a time, sent in UTC: from a text, or from a number of seconds or milliseconds.",
        "created_at",
    ),
    "list": RuleType(
        "list", values.items, "A list of texts or numbers, from an array or a text with commas.", "tags.labels"
    ),
    "link": RuleType("text", values.link, "A web address. An address without a scheme gets https://.", "referral_link"),
}
