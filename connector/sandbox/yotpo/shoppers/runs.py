"""Shoppers: customers of a store who act by themselves for a while, in a thread of their own."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from connector.sandbox.simulation.shapes import WrongRequestError
from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.actions.silent_changes import change_silently
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.repertoire import pick
from connector.sandbox.yotpo.shoppers.sender import Manner
from connector.sandbox.yotpo.shoppers.shop import Shop
from connector.sandbox.yotpo.shoppers.standing import CannotActError

#: How many customers are looked at for each shopper that is wanted: not all can act.
_LOOKS = 10


class WrongPlanError(WrongRequestError):
    """Shoppers cannot act so."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the shoppers of a run are asked to do."""

    shoppers: int = 200
    seconds: float = 60
    actions_per_second: float = 10
    #: The same seed lets the same customers of the same store do the same, but for the time.
    seed: int = 1
    #: The share of changes that no webhook tells.
    silent: float = 0.0
    #: Whether they may stay untold; otherwise the same shopper does something later that is told.
    leave_silent: bool = False

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Plan":
        """Take from JSON what names a field here. Raises WrongPlanError."""
        values = {each.name: given[each.name] for each in fields(cls) if each.name in given}
        for name, value in values.items():
            if name == "leave_silent":
                if type(value) is not bool:
                    raise WrongPlanError("leave_silent must be true or false.")
            elif type(value) not in {int, float} or (type(value) is float and name in {"shoppers", "seed"}):
                raise WrongPlanError(f"{name} must be a number.")
            elif name in {"shoppers", "seconds", "actions_per_second"} and value <= 0:
                raise WrongPlanError(f"{name} must be more than 0.")
        return cls(**values)


@dataclass
class Run:
    """One run of shoppers; `lock` is the world's, and `is_wanted` tells whether the store is still the world's."""

    shop: Shop
    plan: Plan
    manner: Manner
    lock: threading.Lock
    is_wanted: Callable[[], bool]
    actions: int = 0
    silent: int = 0
    running: bool = True
    #: What ended it too soon.
    error: str | None = None
    #: Their numbers.
    shoppers: list[int] = field(default_factory=list)
    #: Who has changed without a word.
    _owing: dict[int, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._dice = Random(self.plan.seed)  # noqa: S311 - shoppers, not secrets
        self._scene = self.shop.scene(self._dice)
        self.shoppers = list(self._chosen())
        if not self.shoppers:
            raise WrongPlanError(
                "No customer can do anything that would be told. Set the loyalty webhook (POST …/loyalty-webhook) or "
                "register review webhooks first."
            )

    def start(self) -> None:
        threading.Thread(target=self._run, name="shoppers", daemon=True).start()

    def stop(self) -> None:
        self.running = False

    def state(self) -> dict[str, Any]:
        """What GET shows."""
        return {
            "running": self.running,
            "actions": self.actions,
            "silent": self.silent,
            "untold": len(self._owing),
            "shoppers": len(self.shoppers),
            "error": self.error,
            "webhooks": self.shop.sender.counts(),
            "idle": not self.running and self.shop.sender.is_idle(),
        }

    def _chosen(self) -> Iterator[int]:
        """Draw customers who can act; they may be fewer than were wanted."""
        numbers = range(1, self.shop.store.last + 1)
        deeds = self.shop.deeds()
        found = 0
        for number in self._dice.sample(numbers, min(len(numbers), self.plan.shoppers * _LOOKS)):
            if found < self.plan.shoppers and any(each.fits(self.shop.store.person(number)) for each in deeds):
                found += 1
                yield number

    def _run(self) -> None:
        try:
            self._act_in_turn()
        except Exception as error:  # noqa: BLE001 - whoever waits for the run must see that it has ended
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.running = False

    def _act_in_turn(self) -> None:
        started = time.monotonic()
        for number in range(round(self.plan.seconds * self.plan.actions_per_second)):
            time.sleep(max(0.0, started + number / self.plan.actions_per_second - time.monotonic()))
            with self.lock:
                if not (self.running and self.is_wanted()):
                    return
                self._act(self.shop.store.edit(self._dice.choice(self.shoppers)))
        if self.plan.leave_silent:
            return
        for number in list(self._owing):
            with self.lock:
                self._tell(self.shop.store.edit(number))

    def _act(self, person: Person) -> None:
        self.actions += 1
        if self._dice.random() < self.plan.silent:
            change_silently(person, self._scene)
            self.silent += 1
            self._owing[person.number] = None
        else:
            self._tell(person)

    def _tell(self, person: Person) -> None:
        """Do something of which a webhook tells."""
        deed = pick(self.shop.deeds(), person, self._dice)
        if deed is None:
            return
        try:
            webhooks = deed.done_by(person, self._scene)
        except CannotActError:
            # A reward may cost more than the cheapest one, which is what the repertoire looks at.
            return
        self._count(person, self.shop.send(webhooks, self.manner, self._dice))

    def _count(self, person: Person, sent: list[Webhook]) -> None:
        if any(about.person is person for webhook in sent for about in webhook.about):
            self._owing.pop(person.number, None)
