"""The custom names of an account: their types, how many are allowed, and why values of an upsert are left out.

Insider doesn't publish what it does with an attribute that doesn't exist or has another type; its documentation only
says that such values are "not reflected". So by default the simulator leaves such values out and counts them, and the
user counts as successful.
"""

from typing import Any, NamedTuple

from connector.sandbox.insider.defaults import Check, time_of
from connector.sandbox.insider.switches import Switches

_KINDS: dict[type, str] = {str: "string", int: "number", float: "number", bool: "boolean"}


class Drop(NamedTuple):
    """A value that was left out, and why.

    The reasons:

    null        the value is null
    nested      the value is an object, or an array of other things than texts or numbers; no sample has such a value
    empty       the value is an empty array, so the type of its items is unknown
    misplaced   the name is at the root, where only Insider's own names are allowed
    type        the type of the value is not the declared type
    unknown     the panel doesn't declare the name
    budget      the account already has the maximum number of names
    """

    reason: str
    name: str
    message: str


class Catalog:
    """The declared names of an account: either of attributes or of event parameters.

    Each of the two has its own budget.
    """

    def __init__(self, panel: dict[str, str] | None, budget: int, switches: Switches) -> None:
        self.declared: dict[str, str] = dict(panel or {})
        self._closed = panel is not None
        self._budget = budget
        self._switches = switches

    def sift(self, values: dict[str, Any], prefix: str, drops: list[Drop]) -> dict[str, Any]:
        """Return the custom values that Insider keeps; add the others to `drops`."""
        kept = {}
        declared = self.declared
        for name, value in values.items():
            kind = _KINDS.get(type(value))
            # Nearly every value is a scalar of the declared type, so this check comes first, for speed.
            if (kind is not None and declared.get(name) == kind) or not (reason := self._refuse(name, value)):
                kept[name] = value
            else:
                drops.append(Drop(reason, prefix + name, _message(name, reason, declared.get(name, "declared"))))
        return kept

    def forget_after(self, count: int) -> None:
        """Keep the first `count` names. Remove the later names, which a refused user has declared."""
        for name in list(self.declared)[count:]:
            del self.declared[name]

    def _refuse(self, name: str, value: Any) -> str:
        """Return the reason why Insider leaves a value out. Return "" if Insider keeps the value.

        If Insider keeps the value and its name is new, declare the name.
        """
        kind = kind_of(value)
        if kind in {"null", "nested"}:
            return kind
        declared = self.declared.get(name)
        if declared is not None and _fits(declared, kind, value):
            return ""
        if self._switches.mismatch != "create" and (declared is not None or self._closed):
            return "type" if declared is not None else "unknown"
        if kind == "empty":
            return kind
        if declared is None and len(self.declared) >= self._budget:
            return "budget"
        self.declared[name] = kind
        return ""


def kind_of(value: Any) -> str:
    """Return a value's type as the panel names it, or one of the reasons `null`, `nested` and `empty`."""
    if value is None:
        return "null"
    if type(value) is not list:
        return _KINDS.get(type(value), "nested")
    kinds = {_KINDS.get(type(item)) for item in value}
    if not kinds:
        return "empty"
    if kinds in ({"string"}, {"number"}):
        return f"{kinds.pop()}_array"
    return "nested"


def _fits(declared: str, kind: str, value: Any) -> bool:
    if declared == "datetime":
        return time_of(value) is not None
    return kind == declared or (kind == "empty" and declared.endswith("_array"))


def sift_defaults(values: dict[str, Any], checks: dict[str, Check], prefix: str, drops: list[Drop]) -> dict[str, Any]:
    """Return the values at the root that Insider keeps, without `custom`; add the others to `drops`."""
    kept = {}
    for name, value in values.items():
        check = checks.get(name)
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


def _message(name: str, reason: str, requirement: str) -> str:
    return f"{name} must not be null" if reason == "null" else f"{name} must be {requirement}"
