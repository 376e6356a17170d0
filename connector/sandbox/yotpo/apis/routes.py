"""The routes of all APIs of Yotpo. A request passes the faults and the gate and reaches its operation. It is logged.

The real APIs have several hosts. The simulator has one host, because no two APIs have the same path.
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
from connector.sandbox.yotpo.gate import Serve, by_app_token, by_keys, by_secret, by_token, gated
from connector.sandbox.yotpo.log import Request, masked
from connector.sandbox.yotpo.world import ApiRequest, World

_CORE = "/core/v3/stores/<app_key>"
_V2 = "/v2/<app_key>"

OPERATIONS: dict[tuple[str, str], Serve] = {
    # These paths are on api.yotpo.com. With an app's token, they are also on developers.yotpo.com.
    ("POST", f"{_CORE}/access_tokens"): gated(by_secret, tokens.access_token),
    ("POST", "/oauth/token"): gated(by_secret, tokens.client_credentials),
    ("GET", f"{_CORE}/customers"): gated(by_token, customers.retrieve),
    ("PATCH", f"{_CORE}/customers"): gated(by_token, patching.create_or_update),
    # These paths are on developers.yotpo.com.
    ("POST", "/v2/oauth2/token"): tokens.exchange,
    ("GET", f"{_V2}/info"): gated(by_app_token, legacy.info),
    ("GET", f"{_V2}/customers"): gated(by_app_token, legacy.customer),
    ("GET", f"{_V2}/webhooks"): gated(by_app_token, legacy.list_webhooks),
    ("POST", f"{_V2}/webhooks"): gated(by_app_token, legacy.create_webhook),
    ("DELETE", f"{_V2}/webhooks/<webhook_id>"): gated(by_app_token, legacy.delete_webhook),
    ("POST", "/loyalty/v3/stores/<app_key>/customers"): gated(by_app_token, loyalty.customer_v3),
    # These paths are on loyalty.yotpo.com.
    ("GET", "/api/v2/customers"): gated(by_keys, loyalty.customer_v2),
    ("GET", "/api/v2/vip_tiers"): gated(by_keys, loyalty.vip_tiers),
}


def blueprint(world: World) -> Blueprint:
    return routes.blueprint("api", OPERATIONS, partial(_serve, world))


def _serve(world: World, operation: Serve, **path_values: str) -> Response:
    api_request = _receive(world, path_values)
    with world.lock:
        if api_request.app_key in world.stores:
            world.rates.count_request(str(api_request.app_key), api_request.clock)
        fault = world.faults.pick(
            lambda candidate: candidate.matches(api_request.app_key, api_request.method, api_request.path)
        )
    if fault:
        time.sleep(fault.delay_ms / 1000)
    with world.lock:
        # One lock covers the operation and its log entry, so the log has the order of the operations.
        answer = _answer(world, operation, api_request, fault)
        _log(world, api_request, answer, fault)
    return as_response(answer)


def _answer(world: World, operation: Serve, api_request: ApiRequest, fault: Fault | None) -> Answer | None:
    if fault and fault.prevents_work:
        return fault.answer()
    if api_request.body is None and api_request.method in {"POST", "PATCH"}:
        return answers.NOT_JSON
    answer = operation(world, api_request)
    return fault.spoil(answer) if fault else answer


def _receive(world: World, path_values: dict[str, str]) -> ApiRequest:
    clock = time.monotonic()
    headers = {name.lower(): value for name, value in request.headers.items()}
    query = request.args.to_dict(flat=False)
    body = _body()
    return ApiRequest(
        at=round(time.time(), 3),
        clock=clock,
        method=request.method,
        path=request.path,
        app_key=path_values.get("app_key") or _app_key(world, headers, query, body),
        path_values=path_values,
        query=query,
        headers=headers,
        body=body,
    )


def _app_key(world: World, headers: dict[str, str], query: dict[str, list[str]], body: Any) -> str | None:
    """Return the store of a request whose path names no store, from the guid (Loyalty API) or the client_id (Core)."""
    guid = headers.get("x-guid") or query.get("guid", [""])[0]
    client_id = as_text(as_object(body).get("client_id"))
    with world.lock:
        app_key = next((store.app_key for store in world.stores.values() if store.loyalty_guid == guid), None)
        return app_key or (client_id if client_id in world.stores else None)


def _body() -> Any:
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.to_dict()
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        return None


def _log(world: World, api_request: ApiRequest, answer: Answer | None, fault: Fault | None) -> None:
    entry = Request(
        seq=world.log.seq + 1,
        at=api_request.at,
        app_key=api_request.app_key,
        method=api_request.method,
        path=api_request.path,
        query=masked(api_request.query),
        status=answer.status if answer else None,
        fault=fault.kind if fault else None,
    )
    world.log.add(entry, masked(api_request.body), world.switches.log_size)
    world.by_status[str(answer.status) if answer else "dropped"] += 1
