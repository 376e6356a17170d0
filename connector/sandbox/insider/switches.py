"""The switches that tests set.

They say who may send requests, which limits there are, and how strict the simulator is where Insider's API reference
says nothing.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from connector.sandbox.simulation import switches
from connector.sandbox.simulation.switches import WrongSwitchError

#: The types that a custom attribute or parameter can have.
KINDS = ("string", "number", "boolean", "datetime", "string_array", "number_array")
_PANELS = frozenset({"panel", "param_panel"})


@dataclass
class Switches(switches.Switches):
    choices: ClassVar = {"mismatch": ("drop", "create", "fail"), "refusal_status": (400, 401, 403)}

    #: The token of each partner; if this is empty, any partner with a lowercase name and any token may send.
    partners: dict[str, str] = field(default_factory=dict)
    #: The status of the answer to a wrong partner or token.
    refusal_status: int = 403
    #: Custom attributes with their types, as declared in the panel; null means that the first value declares its
    #: attribute.
    panel: dict[str, str] | None = None
    #: Custom event parameters with their types, in the same way.
    param_panel: dict[str, str] | None = None
    #: What happens to a value that doesn't have the declared type, or to a name that the panel doesn't have.
    mismatch: str = "drop"
    #: Whether a null value is refused. Otherwise it is ignored.
    strict_null: bool = False
    #: Whether event names with uppercase letters are refused. The samples refuse them, although the printed pattern
    #: allows them.
    strict_event_names: bool = True
    #: The identifiers enabled in the account's settings (custom identifiers as custom.NAME); null means all.
    identifiers: list[str] | None = None
    attribute_budget: int = 80
    param_budget: int = 80
    #: Whether events that are too old are left out.
    retention: bool = True
    #: How many days an event is kept, by event name. For names that are not listed here see defaults.py.
    retention_days: dict[str, int] = field(default_factory=dict)
    #: How many requests to upsert or to delete attributes each token may send in a minute.
    requests_per_minute: int = 25_000
    #: How many requests the log keeps, and how many bytes of their bodies.
    log_size: int = 10_000
    log_bytes: int = 200_000_000

    def check(self, name: str, value: Any) -> None:
        super().check(name, value)
        if name in _PANELS and not set((value or {}).values()) <= set(KINDS):
            raise WrongSwitchError(f"{name} must map names to types, which are: {', '.join(KINDS)}.")
