"""The API for tests under /_sandbox. It uses JSON and needs no token.

GET    /health     says whether the simulator runs
GET    /stores     lists the stores with their keys; POST opens a store: app_key, size, and any other field of `Store`
                   whose value is a text, a number or an object (`shares`, `review_webhooks`)
POST   /stores/{app_key}/loyalty-webhook    sets the webhook as a merchant does in the admin: url, secret, header
POST   /stores/{app_key}/customers          adds new customers: count
GET    /customers  lists the true state of customers, in order; ?app_key= ?after=NUMBER ?limit=N (1,000 at most)
POST   /apps       registers an app: client_id, client_secret, redirect_url, name
POST   /uninstall  ends the tokens of all apps for a store: app_key; client_id limits this to one app
GET    /requests   lists the log, oldest first; ?since=SEQ (only later ones) ?limit=N ?full=1 (with bodies)
GET    /stats      counts requests by status; counts for each store: all, refused, and the most within one second
GET    /faults     lists the faults with their hits; POST adds a fault (see faults.py); DELETE clears all
GET    /switches   lists the switches; POST sets switches (see switches.py)
POST   /reset      restores the state at the start, except for the switches
"""

from dataclasses import asdict, fields
from typing import Any

from flask import Blueprint, request

from connector.sandbox.simulation import control
from connector.sandbox.simulation.shapes import Json, WrongRequestError, as_object, fits
from connector.sandbox.yotpo.apis.core_shape import BOTH, REVIEWS, core_customer
from connector.sandbox.yotpo.apis.loyalty_shape import loyalty_customer
from connector.sandbox.yotpo.credentials import App
from connector.sandbox.yotpo.people.generator import Person
from connector.sandbox.yotpo.store import LoyaltyWebhook, Store
from connector.sandbox.yotpo.switches import read_shares
from connector.sandbox.yotpo.world import World

_MAX_LIMIT = 1_000


def blueprint(world: World) -> Blueprint:
    return control.blueprint("control", control.COMMON | _OPERATIONS, world, world.lock)


def _stores(world: World) -> list[dict[str, Any]]:
    return [_store(store) for store in world.stores.values()]


def _open(world: World) -> dict[str, Any]:
    values = control.request_json()
    if "shares" in values:
        values["shares"] = read_shares(as_object(values["shares"]))
    wrong = [entry.name for entry in fields(Store) if entry.name in values and not fits(entry, values[entry.name])]
    if wrong:
        raise WrongRequestError(f"Wrong type: {', '.join(wrong)}.")
    try:
        return _store(world.open(**values))
    except TypeError as error:
        raise WrongRequestError(f"These fields do not describe a store: {error}.") from error


def _store(store: Store) -> dict[str, Any]:
    return {
        "app_key": store.app_key,
        "size": store.size,
        "seed": store.seed,
        "customers": store.last,
        "kept": store.kept,
        "secret": store.secret,
        "loyalty_guid": store.loyalty_guid,
        "loyalty_key": store.loyalty_key,
        "review_webhooks": store.review_webhooks,
        "loyalty_webhook": store.loyalty_webhook._asdict() if store.loyalty_webhook else None,
    }


def _set_loyalty_webhook(world: World, app_key: str) -> dict[str, Any]:
    values: Json = {"secret": None, "header": "Authorization"} | control.request_json()
    store = _existing_store(world, app_key)
    try:
        store.loyalty_webhook = LoyaltyWebhook(**values)
    except TypeError as error:
        raise WrongRequestError(f"These fields do not describe a webhook: {error}.") from error
    return _store(store)


def _add_customers(world: World, app_key: str) -> dict[str, Any]:
    store = _existing_store(world, app_key)
    return {"numbers": [store.insert().number for _ in range(control.request_json().get("count", 1))]}


def _customers(world: World) -> list[dict[str, Any]]:
    store = _existing_store(world, request.args.get("app_key", ""))
    after, limit = request.args.get("after", 0, type=int), request.args.get("limit", _MAX_LIMIT, type=int)
    return [_truth(world, store, person) for person in store.customers_after(max(0, after), min(limit, _MAX_LIMIT))]


def _truth(world: World, store: Store, person: Person) -> dict[str, Any]:
    switches = world.switches
    has_loyalty = world.has_loyalty(store)
    return {
        "number": person.number,
        "core": core_customer(
            person,
            BOTH if has_loyalty else {REVIEWS},
            zoneless=switches.zoneless,
            updated_at_absent=switches.updated_at_absent,
        ),
        "loyalty": loyalty_customer(person) if person.loyalty and has_loyalty else None,
        "told": person.webhook_only,
        "webhooks": person.webhooks,
    }


def _register(world: World) -> dict[str, Any]:
    try:
        app = App(**control.request_json())
    except TypeError as error:
        raise WrongRequestError(f"These fields do not describe an app: {error}.") from error
    world.credentials.apps[app.client_id] = app
    return asdict(app)


def _uninstall(world: World) -> dict[str, Any]:
    values = control.request_json()
    store = _existing_store(world, values.get("app_key", ""))
    return {"ended": world.credentials.uninstall(store.app_key, values.get("client_id"))}


def _stats(world: World) -> dict[str, Any]:
    by_status = world.by_status
    return {"requests": {"total": by_status.total(), "by_status": by_status}, "stores": world.rates.summary()}


def _existing_store(world: World, app_key: str) -> Store:
    store = world.store(app_key)
    if store is None:
        raise WrongRequestError(f"There is no store {app_key!r}; there are: {', '.join(world.stores)}.")
    return store


_OPERATIONS: dict[tuple[str, str], control.Operation] = {
    ("GET", "/stores"): _stores,
    ("POST", "/stores"): _open,
    ("POST", "/stores/<app_key>/loyalty-webhook"): _set_loyalty_webhook,
    ("POST", "/stores/<app_key>/customers"): _add_customers,
    ("GET", "/customers"): _customers,
    ("POST", "/apps"): _register,
    ("POST", "/uninstall"): _uninstall,
    ("GET", "/stats"): _stats,
    ("GET", "/switches"): control.show_switches,
    ("POST", "/switches"): control.set_switches,
}
