"""What can be set while a simulator runs; each has fields of its own, and may hold them to more than their types."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from connector.sandbox.simulation.shapes import Json, WrongRequestError, fits


class WrongSwitchError(WrongRequestError):
    """There is no such switch, or it can't be set to this value."""


@dataclass
class Switches:
    #: The values of those switches that may only have some.
    choices: ClassVar[Mapping[str, tuple[object, ...]]] = {}

    def change(self, values: Json) -> None:
        """Set switches, all or none of them. Raises WrongSwitchError."""
        for name, value in values.items():
            self.check(name, value)
        for name, value in values.items():
            setattr(self, name, value)

    def check(self, name: str, value: Any) -> None:
        """Raises WrongSwitchError."""
        known = {entry.name: entry for entry in fields(self)}
        if name not in known:
            raise WrongSwitchError(f"There is no switch {name!r}; there are: {', '.join(known)}.")
        if not fits(known[name], value):
            raise WrongSwitchError(f"{name} must be {known[name].type}.")
        if name in self.choices and value not in self.choices[name]:
            raise WrongSwitchError(f"{name} must be one of {self.choices[name]}.")
