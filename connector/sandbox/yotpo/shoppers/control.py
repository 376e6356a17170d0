"""The API for tests about shoppers and webhooks, under /_sandbox/stores/{app_key}.

POST   /shoppers   {"shoppers":200,"seconds":60,"actions_per_second":10,"seed":1,"silent":0.05,"leave_silent":false}
                   starts a run; the body may also contain send options (sender.SendOptions): late, twice, lost, tries …
GET    /shoppers   returns {"running":…,"actions":n,"webhooks":{"sent":n, …},"idle":…}
DELETE /shoppers   ends the run; the simulator still sends the waiting webhooks
POST   /send       {"topic":"loyalty/opt_in","number":7} or {"action":"be_awarded","number":7,"expires_in_days":3}:
                   lets one customer do one action now, and lists the sent webhooks; allows send options, too
"""

from collections.abc import Callable
from dataclasses import fields
from random import Random

import orjson
from flask import Blueprint, request

from connector.sandbox.simulation import control
from connector.sandbox.simulation.shapes import Json, WrongRequestError, as_object
from connector.sandbox.yotpo.shoppers.payloads import merchant_payloads
from connector.sandbox.yotpo.shoppers.payloads.loyalty_payloads import Moment, Webhook
from connector.sandbox.yotpo.shoppers.repertoire import ACTIONS, Action
from connector.sandbox.yotpo.shoppers.runs import Plan, Run
from connector.sandbox.yotpo.shoppers.scene import Scene
from connector.sandbox.yotpo.shoppers.sender import SendOptions
from connector.sandbox.yotpo.shoppers.shop import Shop
from connector.sandbox.yotpo.world import World

_SEND_OPTIONS = frozenset(entry.name for entry in fields(SendOptions))
_PLAN_FIELDS = frozenset(entry.name for entry in fields(Plan))
#: The webhooks that are about the merchant, so no action of a customer causes them.
_NOTICES: dict[str, Callable[[Moment], Webhook]] = {
    "swell/redemption_code/below_threshold": merchant_payloads.codes_running_out,
    "loyalty/integrations/integration_disabled": merchant_payloads.integration_disabled,
}


def blueprint(world: World) -> Blueprint:
    operations: dict[tuple[str, str], control.Operation] = {
        ("POST", "/shoppers"): _start,
        ("GET", "/shoppers"): _state,
        ("DELETE", "/shoppers"): _stop,
        ("POST", "/send"): _send,
    }
    return control.blueprint("shoppers", operations, _Shops(world), world.lock, f"{control.PREFIX}/stores/<app_key>")


class _Shops:
    """The shop and the last run of each store."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: dict[str, Run] = {}
        self._shops: dict[str, Shop] = {}
        self.dice = Random(1)  # noqa: S311 - shoppers, not secrets

    def shop(self, app_key: str) -> Shop:
        """Return the shop of a store. A store that has replaced another one gets a new shop."""
        store = self.world.store(app_key)
        if store is None:
            raise WrongRequestError(f"There is no store {app_key!r}. POST /_sandbox/stores makes one.", 404)
        shop = self._shops.get(app_key)
        if shop is None or shop.store is not store:
            if shop:
                shop.sender.forget()
            self.runs.pop(app_key, None)
            shop = self._shops[app_key] = Shop(store)
        return shop


def _start(shops: _Shops, app_key: str) -> Json:
    shop, values = shops.shop(app_key), _json_body(_PLAN_FIELDS | _SEND_OPTIONS)
    before = shops.runs.get(app_key)
    if before and before.running:
        raise WrongRequestError("A run of shoppers is active already. DELETE …/shoppers ends it.", 409)
    store = shop.store

    def is_current() -> bool:
        return shops.world.stores.get(app_key) is store

    run = Run(shop, Plan.read(values), SendOptions.read(values), shops.world.lock, is_current)
    shops.runs[app_key] = run
    run.start()
    return run.state()


def _state(shops: _Shops, app_key: str) -> Json:
    shop, run = shops.shop(app_key), shops.runs.get(app_key)
    if run:
        return run.state()
    sender = shop.sender
    return {"running": False, "actions": 0, "webhooks": sender.counts(), "idle": sender.is_idle()}


def _stop(shops: _Shops, app_key: str) -> Json:
    if run := shops.runs.get(app_key):
        run.stop()
    return _state(shops, app_key)


def _send(shops: _Shops, app_key: str) -> Json:
    shop, values = shops.shop(app_key), _json_body()
    scene, send_options = shop.scene(shops.dice), SendOptions.read(values)
    if values.get("topic") in _NOTICES:
        now = shop.memory.tick(0)
        webhooks = [_NOTICES[values["topic"]](Moment(now, app_key, shop.memory.ids))]
    else:
        webhooks = _perform(shop, scene, values)
    sent_webhooks = shop.send(webhooks, send_options, shops.dice)
    return {
        "sent": [
            {"topic": webhook.topic, "about": [subject.person.number for subject in webhook.subjects]}
            for webhook in sent_webhooks
        ]
    }


def _perform(shop: Shop, scene: Scene, values: Json) -> list[Webhook]:
    action = _requested_action(values)
    options = {
        name: value for name, value in values.items() if name not in _SEND_OPTIONS | {"topic", "action", "number"}
    }
    if unknown := sorted(options.keys() - action.options):
        allowed = ", ".join(sorted(action.options))
        raise WrongRequestError(f"{action.name} has no option {unknown[0]!r}; there are: {allowed}.")
    if action.topic == "swell/account/created" and "number" not in values:
        return action.perform(scene.newcomer(), scene)
    try:
        person = shop.store.edit(values.get("number", 0))
    except KeyError:
        raise WrongRequestError(f"There is no customer {values.get('number')}.", 404) from None
    return action.perform(person, scene, **options)


def _requested_action(values: Json) -> Action:
    for action in ACTIONS:
        if values.get("action") == action.name or ("action" not in values and values.get("topic") == action.topic):
            return action
    topics = ", ".join(sorted({action.topic for action in ACTIONS} | _NOTICES.keys()))
    raise WrongRequestError(f"Name a topic ({topics}) or an action ({', '.join(action.name for action in ACTIONS)}).")


def _json_body(allowed: frozenset[str] | None = None) -> Json:
    values = as_object(orjson.loads(request.get_data() or b"{}"))
    if allowed is not None and (unknown := sorted(values.keys() - allowed)):
        raise WrongRequestError(f"There is no {unknown[0]!r}; there are: {', '.join(sorted(allowed))}.")
    return values
