"""The list of scenarios. A scenario is a function with a docstring and options; its name is the function's."""

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
    #: What it does, in one sentence.
    sentence: str
    #: Called when a fifth of the load has been accepted; the fault is over when it returns.
    body: Body
    #: How many seconds the load must last during the fault: three fifths of the events are spread over them.
    lasting: float = 3.0
    #: Environment variables for all processes of the connector.
    environment: dict[str, str] = field(default_factory=dict)
    #: Puts the webhooks of a customer into another order.
    arrange: Arrangement | None = None
    #: How many threads send each webhook.
    copies: int = 1
    #: How many of the events are sent as the load, as a share; the scenario may send more itself.
    share: float = 1.0
    #: The most events in a second, if the usual rate is too high.
    rate: float | None = None
    rules: Rules = field(default_factory=Rules)
    #: How many seconds everything may take to arrive after the load.
    patience: float = 120.0
    #: The size in megabytes of a separate disk for PostgreSQL.
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
    """Return the scenarios of a module in the order in which it defines them."""
    return _registered[module.__name__]


class NotPossible(Exception):
    """This machine cannot produce the fault; the message says why."""
