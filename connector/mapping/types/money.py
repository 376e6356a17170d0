"""Reads an amount of money as Yotpo displays it: ``$2,620``, ``€0``, ``₪0``, ``$1,234.50``, ``1.234,50 €``, ``-$5``.

The currency is dropped, because a symbol such as ``$`` is that of many; the store knows its own.
"""

from __future__ import annotations

import re

from connector.mapping.types.values import NUMBER, UnfitError, number

_LIMIT = 40
_CENTS_DIGITS = 2
_THOUSANDS = 3
#: Marks of writing direction, which surround the amounts of right-to-left shops.
_DIRECTION = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"))
_SPACES = "\u0020\u00a0\u2009\u202f"
_SYMBOL = r"(?:[^\W0-9_]{1,4}\.|[^\s0-9.,'\u2019+\u2212()-]{0,5})"
_AMOUNT = re.compile(
    rf"(?P<minus>[-\u2212]?)[{_SPACES}]*{_SYMBOL}[{_SPACES}]*(?P<inner_minus>[-\u2212]?)"
    rf"(?P<digits>[0-9](?:[0-9.,'\u2019{_SPACES}]*[0-9])?)[{_SPACES}]*{_SYMBOL}"
)
#: The commonest amounts: a symbol in front, thousands with a comma, cents with a point. What is left is the digits.
_COMMON = re.compile(r"[$€£₪]?([0-9]{1,3}(?:,[0-9]{3}){0,4}|[0-9]{1,15})(\.[0-9]{2})?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:([.,'\u2019 ])[0-9]{3})(?:\1[0-9]{3})*")


def money(raw: object) -> int | float | None:
    """The amount in units of its currency; a plain number is already one."""
    if not isinstance(raw, str):
        return number(raw)
    if common := _COMMON.fullmatch(raw):
        whole, cents = common.groups()
        return float(whole.replace(",", "") + cents) if cents else int(whole.replace(",", ""))
    written = raw.translate(_DIRECTION).strip()
    if not written:
        return None
    if NUMBER.fullmatch(written):
        return number(written)
    found = _AMOUNT.fullmatch(written) if len(written) <= _LIMIT else None
    if not found or (found["minus"] and found["inner_minus"]):
        raise UnfitError("The value is not an amount of money")
    digits = found["digits"]
    whole, cents = (digits, "") if digits.isdecimal() else _split(re.sub(rf"[{_SPACES}]", " ", digits))
    sign = "-" if found["minus"] or found["inner_minus"] else ""
    return number(f"{sign}{whole}.{cents}" if cents else f"{sign}{whole}")


def _split(digits: str) -> tuple[str, str]:
    """Tell thousands from cents; the last separator is that of cents unless three digits follow it."""
    last = max(map(digits.rfind, ".,"))
    after = len(digits) - last - 1
    if last < 0 or after == _THOUSANDS:
        if after == _THOUSANDS and digits.count(".") == 1 and "," not in digits:
            # Yotpo writes thousands with a comma. A lone point may then mean thousands or thousandths: 1.234.
            raise UnfitError("The point may stand for thousands or for decimals")
        return _joined(digits), ""
    if after > _CENTS_DIGITS:
        raise UnfitError("The value is not an amount of money")
    whole = digits[:last]
    if digits[last] in whole:
        raise UnfitError("The value is not an amount of money")
    return _joined(whole), digits[last + 1 :]


def _joined(whole: str) -> str:
    if not whole.isdigit() and not _GROUPED.fullmatch(whole):
        raise UnfitError("The value is not an amount of money")
    return re.sub(r"[^0-9]", "", whole)
