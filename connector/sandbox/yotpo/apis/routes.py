"""The routes of all of Yotpo's APIs: each request meets the faults, passes the gate, is worked on, and is logged.

The hosts of the real ones are one here: their paths don't collide.
"""

import time
from functools import partial
from typing import Any

import orjson
from flask import Blueprint, Response, request

from connector.sandbox.simulation import routes
from connector.sandbox.simulation.answers import Answer, as_response
from connector.sandbox.simulation.shapes import as_object, as_text
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.apis import customers, legacy, loyalty, patching, tokens
from connector.sandbox.yotpo.faults import Fault
from connector.sandbox.yotpo.gate import Serve, behind, by_app_token, by_keys, by_secret, by_token
from connector.sandbox.yotpo.log import Request, masked
from connector.sandbox.yotpo.world import Received, World

_CORE = "/core/v3/stores/<app_key>"
_V2 = "/v2/<app_key>"

OPERATIONS: dict[tuple[str, str], Serve] = {
    # api.yotpo.com; with an app's token also developers.yotpo.com
    ("POST", f"{_CORE}/access_tokens"): behind(by_secret, tokens.access_token),
    ("POST", "/oauth/token"): behind(by_secret, tokens.client_credentials),
    ("GET", f"{_CORE}/customers"): behind(by_token, customers.retrieve),
    ("PATCH", f"{_CORE}/customers"): behind(by_token, patching.create_or_update),
    # developers.yotpo.com
    ("POST", "/v2/oauth2/token"): tokens.exchange,
    ("GET", f"{_V2}/info"): behind(by_app_token, legacy.info),
    ("GET", f"{_V2}/customers"): behind(by_app_token, legacy.customer),
    ("GET", f"{_V2}/webhooks"): behind(by_app_token, legacy.list_webhooks),
    ("POST", f"{_V2}/webhooks"): behind(by_app_token, legacy.create_webhook),
    ("DELETE", f"{_V2}/webhooks/<webhook_id>"): behind(by_app_token, legacy.delete_webhook),
    ("POST", "/loyalty/v3/stores/<app_key>/customers"): behind(by_app_token, loyalty.customer_v3),
    # loyalty.yotpo.com
    ("GET", "/api/v2/customers"): behind(by_keys, loyalty.customer_v2),
    ("GET", "/api/v2/vip_tiers"): behind(by_keys, loyalty.vip_tiers),
}


def blueprint(world: World) -> Blueprint:
    return routes.blueprint("api", OPERATIONS, partial(_serve, world))


def _serve(world: World, operation: Serve, **named: str) -> Response:
    received = _receive(world, named)
    with world.lock:
        if received.app_key in world.stores:
            world.rates.arrived(str(received.app_key), received.clock)
        fault = world.faults.pick(lambda each: each.matches(received.app_key, received.method, received.path))
    if fault:
        time.sleep(fault.delay_ms / 1000)
    with world.lock:
        # The work and its line in the log share one hold of the lock: the log is in the order of the work.
        answer = _answer(world, operation, received, fault)
        _log(world, received, answer, fault)
    return as_response(answer)


def _answer(world: World, operation: Serve, received: Received, fault: Fault | None) -> Answer | None:
    if fault and fault.answers_itself:
        return fault.answer()
    if received.body is None and received.method in {"POST", "PATCH"}:
        return answers.NOT_JSON
    answer = operation(world, received)
    return fault.spoiled(answer) if fault else answer


def _receive(world: World, named: dict[str, str]) -> Received:
    clock = time.monotonic()
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.args.to_dict(flat=False)
    body = _body()
    return Received(
        at=round(time.time(), 3),
        clock=clock,
        method=request.method,
        path=request.path,
        app_key=named.get("app_key") or _app_key(world, headers, query, body),
        named=named,
        query=query,
        headers=headers,
        body=body,
    )


def _app_key(world: World, headers: dict[str, str], query: dict[str, list[str]], body: Any) -> str | None:
    """Return the store that is meant by another thing than the path: the client_id of Core, or the guid of Loyalty."""
    guid = headers.get("x-guid") or query.get("guid", [""])[0]
    client_id = as_text(as_object(body).get("client_id"))
    with world.lock:
        found = next((store.app_key for store in world.stores.values() if store.loyalty_guid == guid), None)
        return found or (client_id if client_id in world.stores else None)


def _body() -> Any:
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.to_dict()
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        return None


def _log(world: World, received: Received, answer: Answer | None, fault: Fault | None) -> None:
    entry = Request(
        seq=world.log.seq + 1,
        at=received.at,
        app_key=received.app_key,
        method=received.method,
        path=received.path,
        query=masked(received.query),
        status=answer.status if answer else None,
        fault=fault.kind if fault else None,
    )
    world.log.add(entry, masked(received.body), world.switches.log_size)
    world.by_status[str(answer.status) if answer else "dropped"] += 1
