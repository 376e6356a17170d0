"""Reads an amount of money as Yotpo displays it: ``$2,620``, ``€0``, ``₪0``, ``$1,234.50``, ``1.234,50 €``, ``-$5``.

The currency is dropped: a symbol such as ``$`` belongs to many currencies, and the store knows its own currency.
"""

from __future__ import annotations

import re

from connector.mapping.types.values import NUMBER, UnfitError, number

_LIMIT = 40
_CENTS_DIGITS = 2
_THOUSANDS = 3
#: Unicode marks of writing direction. Shops that write from right to left put them around amounts.
_DIRECTION = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"))
_SPACES = "\u0020\u00a0\u2009\u202f"
_SYMBOL = r"(?:[^\W0-9_]{1,4}\.|[^\s0-9.,'\u2019+\u2212()-]{0,5})"
_AMOUNT = re.compile(
    rf"(?P<minus>[-\u2212]?)[{_SPACES}]*{_SYMBOL}[{_SPACES}]*(?P<inner_minus>[-\u2212]?)"
    rf"(?P<digits>[0-9](?:[0-9.,'\u2019{_SPACES}]*[0-9])?)[{_SPACES}]*{_SYMBOL}"
)
#: The most common amounts: a symbol first, thousands with a comma, cents with a point.
_COMMON = re.compile(r"[$€£₪]?([0-9]{1,3}(?:,[0-9]{3}){0,4}|[0-9]{1,15})(\.[0-9]{2})?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,'\u2019 ])[0-9]{3})(?:\1[0-9]{3})*")


def money(raw: object) -> int | float | None:
    """Return the amount in units of its currency. A plain number is returned as it is."""
    if not isinstance(raw, str):
        return number(raw)
    if common := _COMMON.fullmatch(raw):
        whole, cents = common.groups()
        return float(whole.replace(",", "") + cents) if cents else int(whole.replace(",", ""))
    amount = raw.translate(_DIRECTION).strip()
    if not amount:
        return None
    if NUMBER.fullmatch(amount):
        return number(amount)
    match = _AMOUNT.fullmatch(amount) if len(amount) <= _LIMIT else None
    if not match or (match["minus"] and match["inner_minus"]):
        raise UnfitError("The value is not an amount of money")
    digits = match["digits"]
    whole, cents = (digits, "") if digits.isdecimal() else _split(re.sub(rf"[{_SPACES}]", " ", digits))
    sign = "-" if match["minus"] or match["inner_minus"] else ""
    return number(f"{sign}{whole}.{cents}" if cents else f"{sign}{whole}")


def _split(digits: str) -> tuple[str, str]:
    """Split digits into whole and cents. The last separator starts the cents, unless three digits follow it."""
    last = max(map(digits.rfind, ".,"))
    after = len(digits) - last - 1
    if last < 0 or after == _THOUSANDS:
        if after == _THOUSANDS and digits.count(".") == 1 and "," not in digits:
            # Yotpo writes thousands with a comma, so a single point is ambiguous: 1.234 may be thousands or decimals.
            raise UnfitError("The point may stand for thousands or for decimals")
        return _joined(digits), ""
    if after > _CENTS_DIGITS:
        raise UnfitError("The value is not an amount of money")
    whole = digits[:last]
    if digits[last] in whole:
        raise UnfitError("The value is not an amount of money")
    return _joined(whole), digits[last + 1 :]


def _joined(whole: str) -> str:
    """Return the whole number without its separators. Raises UnfitError if they do not separate groups of three."""
    if not whole.isdigit() and not _GROUPED.fullmatch(whole):
        raise UnfitError("The value is not an amount of money")
    return re.sub(r"[^0-9]", "", whole)
