"""A run of shoppers: customers of a store who act by themselves for a while, all in one thread."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from connector.sandbox.simulation.shapes import WrongRequestError
from connector.sandbox.yotpo.people.person import Person
from connector.sandbox.yotpo.shoppers.actions.silent_changes import change_silently
from connector.sandbox.yotpo.shoppers.eligibility import CannotActError
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Webhook
from connector.sandbox.yotpo.shoppers.repertoire import pick
from connector.sandbox.yotpo.shoppers.sender import SendOptions
from connector.sandbox.yotpo.shoppers.shop import Shop

#: The number of customers that a run tries for each shopper, because not all customers can act.
_CANDIDATES_PER_SHOPPER = 10


class WrongPlanError(WrongRequestError):
    """The plan has a wrong value, or no customer can act."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of a run."""

    shoppers: int = 200
    seconds: float = 60
    actions_per_second: float = 10
    #: With the same seed and the same store, the same customers do the same actions. Only the times differ.
    seed: int = 1
    #: The share of changes that no webhook reports.
    silent: float = 0.0
    #: Whether silent changes stay unreported. If not, shoppers with such changes cause a webhook at the end of the run.
    leave_silent: bool = False

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Plan":
        """Read the fields of a plan from JSON, and ignore other names. Raises WrongPlanError for a wrong value."""
        values = {entry.name: values[entry.name] for entry in fields(cls) if entry.name in values}
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
    """One run of shoppers. `lock` is the world's lock. `is_current` returns whether the world still has the store."""

    shop: Shop
    plan: Plan
    send_options: SendOptions
    lock: threading.Lock
    is_current: Callable[[], bool]
    actions: int = 0
    silent: int = 0
    running: bool = True
    #: The error that ended the run too early.
    error: str | None = None
    #: The customer numbers of the shoppers.
    shoppers: list[int] = field(default_factory=list)
    #: The numbers of customers with a change that no webhook has reported yet, oldest first.
    _unreported: dict[int, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._dice = Random(self.plan.seed)  # noqa: S311 - shoppers, not secrets
        self._scene = self.shop.scene(self._dice)
        self.shoppers = list(self._choose())
        if not self.shoppers:
            raise WrongPlanError(
                "No customer can do anything that causes a webhook. Set the loyalty webhook (POST …/loyalty-webhook) "
                "or register review webhooks first."
            )

    def start(self) -> None:
        threading.Thread(target=self._run, name="shoppers", daemon=True).start()

    def stop(self) -> None:
        self.running = False

    def state(self) -> dict[str, Any]:
        """Return the answer of GET …/shoppers."""
        return {
            "running": self.running,
            "actions": self.actions,
            "silent": self.silent,
            "untold": len(self._unreported),
            "shoppers": len(self.shoppers),
            "error": self.error,
            "webhooks": self.shop.sender.counts(),
            "idle": not self.running and self.shop.sender.is_idle(),
        }

    def _choose(self) -> Iterator[int]:
        """Draw customers who can act. If too few can act, there are fewer shoppers than the plan wants."""
        numbers = range(1, self.shop.store.last + 1)
        actions = self.shop.actions()
        count = 0
        for number in self._dice.sample(numbers, min(len(numbers), self.plan.shoppers * _CANDIDATES_PER_SHOPPER)):
            if count < self.plan.shoppers and any(action.can_act(self.shop.store.person(number)) for action in actions):
                count += 1
                yield number

    def _run(self) -> None:
        try:
            self._act_in_turn()
        except Exception as error:  # noqa: BLE001 - a test that waits for the run must see that it has ended
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self.running = False

    def _act_in_turn(self) -> None:
        started = time.monotonic()
        for number in range(round(self.plan.seconds * self.plan.actions_per_second)):
            time.sleep(max(0.0, started + number / self.plan.actions_per_second - time.monotonic()))
            with self.lock:
                if not (self.running and self.is_current()):
                    return
                self._act(self.shop.store.edit(self._dice.choice(self.shoppers)))
        if self.plan.leave_silent:
            return
        for number in list(self._unreported):
            with self.lock:
                self._act_with_webhook(self.shop.store.edit(number))

    def _act(self, person: Person) -> None:
        self.actions += 1
        if self._dice.random() < self.plan.silent:
            change_silently(person, self._scene)
            self.silent += 1
            self._unreported[person.number] = None
        else:
            self._act_with_webhook(person)

    def _act_with_webhook(self, person: Person) -> None:
        """Let the customer do an action that causes a webhook."""
        action = pick(self.shop.actions(), person, self._dice)
        if action is None:
            return
        try:
            webhooks = action.perform(person, self._scene)
        except CannotActError:
            # The repertoire only checks the cheapest reward. The reward of this action may cost more.
            return
        self._note_reported(person, self.shop.send(webhooks, self.send_options, self._dice))

    def _note_reported(self, person: Person, sent_webhooks: list[Webhook]) -> None:
        if any(subject.person is person for webhook in sent_webhooks for subject in webhook.subjects):
            self._unreported.pop(person.number, None)
