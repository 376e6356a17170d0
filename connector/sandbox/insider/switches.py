"""What tests can switch: who may send, how strict Insider is where its API reference is silent, and the limits."""

from dataclasses import Field, dataclass, field, fields
from types import UnionType
from typing import Any, get_args, get_origin

#: The types that a custom attribute or parameter can be declared with.
KINDS = ("string", "number", "boolean", "datetime", "string_array", "number_array")
_CHOICES: dict[str, tuple[object, ...]] = {"mismatch": ("drop", "create", "fail"), "refusal_status": (400, 401, 403)}
_PANELS = frozenset({"panel", "param_panel"})


class WrongSwitchError(ValueError):
    """There is no such switch, or it can't be set to this value."""


@dataclass
class Switches:
    #: Partner name to token; while it is empty, any lowercase partner with any token may send.
    partners: dict[str, str] = field(default_factory=dict)
    #: The status that a bad partner or token gets.
    refusal_status: int = 403
    #: Custom attributes with their types, as declared in the panel; null: the first value declares its attribute.
    panel: dict[str, str] | None = None
    #: The same for custom event parameters.
    param_panel: dict[str, str] | None = None
    #: What happens to a value of another type than declared, or to a name that the panel doesn't hold.
    mismatch: str = "drop"
    #: Whether null is refused; it is ignored otherwise.
    strict_null: bool = False
    #: Whether uppercase in event names is refused, as the samples do, although the printed pattern allows it.
    strict_event_names: bool = True
    #: The identifiers enabled in the account's settings (custom ones as custom.NAME); null: all.
    identifiers: list[str] | None = None
    attribute_budget: int = 80
    param_budget: int = 80
    #: Whether events that are too old are left out, after how many days, and exceptions by event name.
    retention: bool = True
    retention_days: dict[str, int] = field(default_factory=dict)
    #: Requests that may upsert and delete attributes in a minute, for each token.
    requests_per_minute: int = 25_000
    #: Requests that the log keeps, and the bytes of their bodies that it keeps.
    log_size: int = 10_000
    log_bytes: int = 200_000_000

    def change(self, values: dict[str, Any]) -> None:
        """Set switches, all or none of them."""
        for name, value in values.items():
            _check(name, value)
        for name, value in values.items():
            setattr(self, name, value)


def fits(entry: Field[Any], value: object) -> bool:
    """Whether a value from JSON is of a dataclass field's type; what containers hold isn't looked at."""
    if entry.type is Any:
        return True
    kinds = get_args(entry.type) if isinstance(entry.type, UnionType) else (entry.type,)
    allowed = tuple(get_origin(kind) or kind for kind in kinds)
    return type(value) in allowed or (float in allowed and type(value) is int)


def _check(name: str, value: Any) -> None:
    known = {entry.name: entry for entry in fields(Switches)}
    if name not in known:
        raise WrongSwitchError(f"There is no switch {name!r}; there are: {', '.join(known)}.")
    if not fits(known[name], value):
        raise WrongSwitchError(f"{name} must be {known[name].type}.")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise WrongSwitchError(f"{name} must be one of {_CHOICES[name]}.")
    if name in _PANELS and not set((value or {}).values()) <= set(KINDS):
        raise WrongSwitchError(f"{name} must map names to types, which are: {', '.join(KINDS)}.")
