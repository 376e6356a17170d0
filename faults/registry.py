"""The list of scenarios. A scenario is a function; its name, its docstring and its options say all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faults.checking import Rules

if TYPE_CHECKING:
    from types import ModuleType

    from faults.plan import Arrangement
    from faults.run import Run

Body = Callable[["Run"], None]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    name: str
    #: What is done, in one sentence.
    sentence: str
    #: Called when a fifth of the load has been accepted; the fault is over when it returns.
    body: Body
    #: How many seconds of load the fault needs: three fifths of the events are spread over them.
    lasting: float = 3.0
    #: Variables that all processes of the connector get.
    environment: dict[str, str] = field(default_factory=dict)
    #: In which order the webhooks of a customer are sent.
    arrange: Arrangement | None = None
    #: By how many senders each webhook is sent.
    copies: int = 1
    #: The part of the events that makes the load; the scenario adds the rest by itself.
    share: float = 1.0
    #: Events in a second, where it must not be more.
    rate: float | None = None
    rules: Rules = field(default_factory=Rules)
    #: How long everything may take to arrive after the load.
    patience: float = 120.0
    #: The size of a disk of its own for PostgreSQL, in megabytes.
    disk: int | None = None


_registered: dict[str, list[Scenario]] = {}


def scenario(**options: Any) -> Callable[[Body], Body]:
    """Register a function as a scenario; its docstring is the sentence, and the options are Scenario's."""

    def register(body: Body) -> Body:
        name = body.__name__.replace("_", "-")
        sentence = " ".join((body.__doc__ or "").split())
        _registered.setdefault(body.__module__, []).append(Scenario(name=name, sentence=sentence, body=body, **options))
        return body

    return register


def of_module(module: ModuleType) -> list[Scenario]:
    """Return the scenarios of a module in the order of its lines."""
    return _registered[module.__name__]


class NotPossible(Exception):
    """This machine cannot show the fault, for the reason given."""
