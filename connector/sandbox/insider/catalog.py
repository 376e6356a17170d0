"""The custom names of an account: their types and their budget; and what is left out of an upsert, and why.

What Insider does with an attribute that doesn't exist, or that has another type, isn't published; it only says that
such values are "not reflected". So by default they are left out, the user counts as successful, and each is counted.
"""

from typing import Any, NamedTuple

from connector.sandbox.insider.defaults import Check, time_of
from connector.sandbox.insider.switches import Switches

_KINDS: dict[type, str] = {str: "string", int: "number", float: "number", bool: "boolean"}


class Drop(NamedTuple):
    """A value that was left out, and why.

    The reasons:

    null        it is null
    nested      it is an object, or an array of anything but texts or numbers; no sample shows one
    empty       it is an empty array, and nothing says what it would be an array of
    misplaced   it is at the root, where only Insider's own names may be
    type        it is of another type than declared
    unknown     the panel doesn't declare it
    budget      the account has declared as many as it may
    """

    reason: str
    name: str
    message: str


class Catalog:
    """What an account has declared in one of its two budgets: attributes or event parameters."""

    def __init__(self, panel: dict[str, str] | None, budget: int, switches: Switches) -> None:
        self.declared: dict[str, str] = dict(panel or {})
        self._closed = panel is not None
        self._budget = budget
        self._switches = switches

    def sift(self, values: dict[str, Any], prefix: str, drops: list[Drop]) -> dict[str, Any]:
        """Return what Insider keeps of custom values; the rest is added to the drops."""
        kept = {}
        declared = self.declared
        for name, value in values.items():
            kind = _KINDS.get(type(value))
            # Nearly every value is a scalar of the declared type, so this comes first, for speed.
            if (kind is not None and declared.get(name) == kind) or not (reason := self._refuse(name, value)):
                kept[name] = value
            else:
                drops.append(Drop(reason, prefix + name, _message(name, reason, declared.get(name, "declared"))))
        return kept

    def forget_after(self, count: int) -> None:
        """Take back what a refused user has declared beyond the first count names."""
        for name in list(self.declared)[count:]:
            del self.declared[name]

    def _refuse(self, name: str, value: Any) -> str:
        kind = kind_of(value)
        if kind in {"null", "nested"}:
            return kind
        wanted = self.declared.get(name)
        if wanted is not None and _fits(wanted, kind, value):
            return ""
        if self._switches.mismatch != "create" and (wanted is not None or self._closed):
            return "type" if wanted is not None else "unknown"
        if kind == "empty":
            return kind
        if wanted is None and len(self.declared) >= self._budget:
            return "budget"
        self.declared[name] = kind
        return ""


def kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if type(value) is not list:
        return _KINDS.get(type(value), "nested")
    kinds = {_KINDS.get(type(each)) for each in value}
    if not kinds:
        return "empty"
    if kinds in ({"string"}, {"number"}):
        return f"{kinds.pop()}_array"
    return "nested"


def _fits(wanted: str, kind: str, value: Any) -> bool:
    if wanted == "datetime":
        return time_of(value) is not None
    return kind == wanted or (kind == "empty" and wanted.endswith("_array"))


def sift_defaults(values: dict[str, Any], known: dict[str, Check], prefix: str, drops: list[Drop]) -> dict[str, Any]:
    """Return what Insider keeps of the values at the root, all but `custom`; the rest is added to the drops."""
    kept = {}
    for name, value in values.items():
        check = known.get(name)
        if check is not None and check(value):
            kept[name] = value
        elif name != "custom":
            reason = _reason(check, value)
            drops.append(Drop(reason, prefix + name, _message(name, reason, "of the documented type and format")))
    return kept


def _reason(check: Check | None, value: Any) -> str:
    if value is None:
        return "null"
    return "type" if check else "misplaced"


def _message(name: str, reason: str, wanted: str) -> str:
    return f"{name} must not be null" if reason == "null" else f"{name} must be {wanted}"
