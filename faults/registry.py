"""The list of scenarios. A scenario is a function with a docstring and options; its name is the function's name."""

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
    #: One sentence that says what the scenario does.
    sentence: str
    #: The function is called when a fifth of the load has been accepted. The fault ends when the function returns.
    body: Body
    #: How many seconds the load must last during the fault. Three fifths of the events are sent in these seconds.
    lasting: float = 3.0
    #: Environment variables for all processes of the connector.
    environment: dict[str, str] = field(default_factory=dict)
    #: Puts the webhooks of a customer into another order.
    arrange: Arrangement | None = None
    #: How many threads send each webhook.
    copies: int = 1
    #: The share of the events that the load sends. The scenario may send more events itself.
    share: float = 1.0
    #: The highest number of events in a second, if the usual rate is too high.
    rate: float | None = None
    rules: Rules = field(default_factory=Rules)
    #: After the load, everything must arrive within this many seconds.
    patience: float = 120.0
    #: The size in megabytes of a separate disk for PostgreSQL.
    disk: int | None = None


_registered: dict[str, list[Scenario]] = {}


def scenario(**options: Any) -> Callable[[Body], Body]:
    """Register a function as a scenario. Its docstring becomes `sentence`; the options are other fields of Scenario."""

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
