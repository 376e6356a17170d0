"""What tests ask and tell about webhooks, under /_sandbox/stores/{app_key}.

POST   /shoppers   {"shoppers":200,"seconds":60,"actions_per_second":10,"seed":1,"silent":0.05,"leave_silent":false}
                   and how webhooks are sent (see sender.Manner): late, twice, shuffled, lost, eventid, tries …
GET    /shoppers   {"running":…,"actions":n,"webhooks":{"sent":n, …},"idle":…}
DELETE /shoppers   ends the run; what is on its way still arrives
POST   /send       {"topic":"loyalty/opt_in","number":7} or {"action":"be_awarded","number":7,"expires_in_days":3}:
                   one customer does one thing now; the manner of sending as above; answers what was sent

The way of an action, and the modules it passes::

    shoppers ──▶ repertoire ──▶ actions, tier_actions, referral_actions, review_actions ──▶ the truth of a Person
        │                          └──▶ payloads, tier_…, referral_…, review_payloads ──▶ webhooks
        └──▶ silent_changes                                                                  │
                                                         sender ◀── shop (which URL, what was told)

    scene       the clock, the dice, and what one action leaves to the next
    standing    who may do what
    customer_objects, loyalty_objects, spellings    what webhooks are made of
    newcomers   who comes to a store while it is open
    merchant_payloads    webhooks that no customer causes
"""

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from random import Random
from typing import Any

import orjson
from flask import Blueprint, Response, request

from connector.sandbox.yotpo import merchant_payloads
from connector.sandbox.yotpo.payloads import Moment, Webhook
from connector.sandbox.yotpo.repertoire import DEEDS, Deed
from connector.sandbox.yotpo.scene import Scene
from connector.sandbox.yotpo.sender import Manner, WrongMannerError
from connector.sandbox.yotpo.shapes import as_object
from connector.sandbox.yotpo.shop import Shop
from connector.sandbox.yotpo.shoppers import Plan, Run, WrongPlanError
from connector.sandbox.yotpo.standing import CannotActError
from connector.sandbox.yotpo.world import World

Json = dict[str, Any]

_MANNERS = frozenset(each.name for each in fields(Manner))
_PLANS = frozenset(each.name for each in fields(Plan))
#: Webhooks that no customer causes.
_NOTICES: dict[str, Callable[[Moment], Webhook]] = {
    "swell/redemption_code/below_threshold": merchant_payloads.codes_running_out,
    "loyalty/integrations/integration_disabled": merchant_payloads.integration_disabled,
}


class _WrongRequestError(ValueError):
    """What was asked for is not there; the second argument is the status."""


def blueprint(world: World) -> Blueprint:
    control = Blueprint("webhooks", __name__, url_prefix="/_sandbox/stores/<app_key>")
    shops = _Shops(world)
    routes: dict[tuple[str, str], Callable[[_Shops, str], Json]] = {
        ("POST", "/shoppers"): _start,
        ("GET", "/shoppers"): _state,
        ("DELETE", "/shoppers"): _stop,
        ("POST", "/send"): _send,
    }
    for (method, path), answer in routes.items():
        view = partial(_serve, shops, answer)
        control.add_url_rule(path, endpoint=f"{method} {path}", view_func=view, methods=[method])
    return control


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
            raise _WrongRequestError(f"There is no store {app_key!r}. POST /_sandbox/stores makes one.", 404)
        shop = self._shops.get(app_key)
        if shop is None or shop.store is not store:
            if shop:
                shop.sender.forget()
            self.runs.pop(app_key, None)
            shop = self._shops[app_key] = Shop(store)
        return shop


def _serve(shops: _Shops, answer: Callable[[_Shops, str], Json], app_key: str) -> Response:
    with shops.world.lock:
        try:
            body, status = answer(shops, app_key), 200
        except _WrongRequestError as error:
            body, status = {"error": error.args[0]}, error.args[1]
        except (WrongMannerError, WrongPlanError, CannotActError, orjson.JSONDecodeError) as error:
            body, status = {"error": str(error)}, 400
    return Response(orjson.dumps(body), status, content_type="application/json")


def _start(shops: _Shops, app_key: str) -> Json:
    shop, given = shops.shop(app_key), _given(_PLANS | _MANNERS)
    before = shops.runs.get(app_key)
    if before and before.running:
        raise _WrongRequestError("Shoppers are at it already. DELETE …/shoppers ends them.", 409)
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
        raise _WrongRequestError(f"{deed.name} knows no {unknown[0]!r}, only: {', '.join(sorted(deed.options))}.", 400)
    if deed.topic == "swell/account/created" and "number" not in given:
        return deed.done_by(scene.newcomer(), scene)
    try:
        person = shop.store.edit(given.get("number", 0))
    except KeyError:
        raise _WrongRequestError(f"There is no customer {given.get('number')}.", 404) from None
    return deed.done_by(person, scene, **options)


def _deed(given: Json) -> Deed:
    for deed in DEEDS:
        if given.get("action") == deed.name or ("action" not in given and given.get("topic") == deed.topic):
            return deed
    known = ", ".join(sorted({each.topic for each in DEEDS} | _NOTICES.keys()))
    raise _WrongRequestError(f"Name a topic ({known}) or an action ({', '.join(each.name for each in DEEDS)}).", 400)


def _given(known: frozenset[str] | None = None) -> Json:
    given = as_object(orjson.loads(request.get_data() or b"{}"))
    if known is not None and (unknown := sorted(given.keys() - known)):
        raise _WrongRequestError(f"There is no {unknown[0]!r}; there are: {', '.join(sorted(known))}.", 400)
    return given
