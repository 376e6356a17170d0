"""What tests ask and tell about webhooks, under /_sandbox/stores/{app_key}.

POST   /shoppers   {"shoppers":200,"seconds":60,"actions_per_second":10,"seed":1,"silent":0.05,"leave_silent":false}
                   and how webhooks are sent (see sender.Manner): late, twice, shuffled, lost, eventid, tries …
GET    /shoppers   {"running":…,"actions":n,"webhooks":{"sent":n, …},"idle":…}
DELETE /shoppers   ends the run; what is on its way still arrives
POST   /send       {"topic":"loyalty/opt_in","number":7} or {"action":"be_awarded","number":7,"expires_in_days":3}:
                   one customer does one thing now; the manner of sending as above; answers what was sent
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
from connector.sandbox.yotpo.shoppers.repertoire import DEEDS, Deed
from connector.sandbox.yotpo.shoppers.runs import Plan, Run
from connector.sandbox.yotpo.shoppers.scene import Scene
from connector.sandbox.yotpo.shoppers.sender import Manner
from connector.sandbox.yotpo.shoppers.shop import Shop
from connector.sandbox.yotpo.world import World

_MANNERS = frozenset(each.name for each in fields(Manner))
_PLANS = frozenset(each.name for each in fields(Plan))
#: Webhooks that no customer causes.
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
    """The shops of the world's stores, and who acts in them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: dict[str, Run] = {}
        self._shops: dict[str, Shop] = {}
        self.dice = Random(1)  # noqa: S311 - shoppers, not secrets

    def shop(self, app_key: str) -> Shop:
        """Return the shop of a store; a store that took the place of another gets a new one."""
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
    shop, given = shops.shop(app_key), _given(_PLANS | _MANNERS)
    before = shops.runs.get(app_key)
    if before and before.running:
        raise WrongRequestError("Shoppers are at it already. DELETE …/shoppers ends them.", 409)
    store = shop.store

    def is_wanted() -> bool:
        return shops.world.stores.get(app_key) is store

    run = Run(shop, Plan.read(given), Manner.read(given), shops.world.lock, is_wanted)
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
    shop, given = shops.shop(app_key), _given()
    scene, manner = shop.scene(shops.dice), Manner.read(given)
    if given.get("topic") in _NOTICES:
        now = shop.memory.tick(0)
        webhooks = [_NOTICES[given["topic"]](Moment(now, app_key, shop.memory.ids))]
    else:
        webhooks = _done(shop, scene, given)
    sent = shop.send(webhooks, manner, shops.dice)
    numbers = [[about.person.number for about in each.about] for each in sent]
    return {"sent": [{"topic": each.topic, "about": who} for each, who in zip(sent, numbers, strict=True)]}


def _done(shop: Shop, scene: Scene, given: Json) -> list[Webhook]:
    deed = _deed(given)
    options = {name: value for name, value in given.items() if name not in _MANNERS | {"topic", "action", "number"}}
    if unknown := sorted(options.keys() - deed.options):
        raise WrongRequestError(f"{deed.name} knows no {unknown[0]!r}, only: {', '.join(sorted(deed.options))}.")
    if deed.topic == "swell/account/created" and "number" not in given:
        return deed.done_by(scene.newcomer(), scene)
    try:
        person = shop.store.edit(given.get("number", 0))
    except KeyError:
        raise WrongRequestError(f"There is no customer {given.get('number')}.", 404) from None
    return deed.done_by(person, scene, **options)


def _deed(given: Json) -> Deed:
    for deed in DEEDS:
        if given.get("action") == deed.name or ("action" not in given and given.get("topic") == deed.topic):
            return deed
    known = ", ".join(sorted({each.topic for each in DEEDS} | _NOTICES.keys()))
    raise WrongRequestError(f"Name a topic ({known}) or an action ({', '.join(each.name for each in DEEDS)}).")


def _given(known: frozenset[str] | None = None) -> Json:
    given = as_object(orjson.loads(request.get_data() or b"{}"))
    if known is not None and (unknown := sorted(given.keys() - known)):
        raise WrongRequestError(f"There is no {unknown[0]!r}; there are: {', '.join(sorted(known))}.")
    return given
