"""The settings that can change while a simulator runs.

Each simulator has its own settings, and may check more than their types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from connector.sandbox.simulation.shapes import Json, WrongRequestError, fits


class WrongSwitchError(WrongRequestError):
    """There is no such switch, or it can't be set to this value."""


@dataclass
class Switches:
    #: By switch: its allowed values. A switch that is not here allows all values of its type.
    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {}

    def change(self, values: Json) -> None:
        """Set all these switches, or no switch if one value is wrong. Raises WrongSwitchError."""
        for name, value in values.items():
            self.check(name, value)
        for name, value in values.items():
            setattr(self, name, value)

    def check(self, name: str, value: Any) -> None:
        """Check that a switch exists and allows a value. Raises WrongSwitchError."""
        entries = {entry.name: entry for entry in fields(self)}
        if name not in entries:
            raise WrongSwitchError(f"There is no switch {name!r}; there are: {', '.join(entries)}.")
        if not fits(entries[name], value):
            raise WrongSwitchError(f"{name} must be {entries[name].type}.")
        if name in self.choices and value not in self.choices[name]:
            raise WrongSwitchError(f"{name} must be one of {self.choices[name]}.")
