"""Checks a request before its content: first the credentials, then the rate of its store.

Yotpo's pages "Authenticating" and "Guidelines and conventions" name the header or parameter of each API's credential,
and the limit of five requests per second for each store. The pages do not say whether all of Yotpo's APIs share this
limit, or whether Yotpo checks the credentials first. The simulator does both, because that is stricter.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_object, as_text
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.rates import Allowance
from connector.sandbox.yotpo.store import Store
from connector.sandbox.yotpo.switches import Switches
from connector.sandbox.yotpo.world import ApiRequest, Call, World

#: This check returns the store that the request has access to, or the answer that refuses the request.
Admit = Callable[[World, ApiRequest], Store | Answer]
Serve = Callable[[World, ApiRequest], Answer]


def gated(admit: Admit, operation: Callable[[Call], Answer]) -> Serve:
    """Return the operation behind the gate. It runs only if the credentials are valid and the rate allows it."""

    def serve(world: World, request: ApiRequest) -> Answer:
        store = admit(world, request)
        if isinstance(store, Answer):
            return store
        allowance = world.rates.take(store.app_key, request.clock, world.switches.requests_per_second)
        answer = operation(Call(world, store, request)) if allowance.allowed else answers.RATE_LIMITED
        return replace(answer, headers=answer.headers | _headers(world.switches, allowance))

    return serve


def by_token(world: World, request: ApiRequest) -> Store | Answer:
    """Check the credential of Core v3: the token of a merchant or an app, in a header or in the URL."""
    return _by_token(world, request, _token(request), answers.UNAUTHORIZED, apps_only=False)


def by_app_token(world: World, request: ApiRequest) -> Store | Answer:
    """Check the credential of the App Developer APIs: an app's token in the URL."""
    return _by_token(world, request, request.parameter("access_token") or "", answers.NO_TOKEN, apps_only=True)


def by_keys(world: World, request: ApiRequest) -> Store | Answer:
    """Check the credentials of the Loyalty API v2: a merchant's two keys, in headers or in the URL."""
    store = world.store(request.app_key)
    key = request.headers.get("x-api-key") or request.parameter("api_key")
    if store is None or store.loyalty_key != key or _is_revoked(world, store):
        return answers.WRONG_KEYS
    return store


def by_secret(world: World, request: ApiRequest) -> Store | Answer:
    """Check the credential of the two token endpoints of Core v3: the store's API secret."""
    store = world.store(request.app_key)
    body = as_object(request.body)
    secret = as_text(body.get("secret")) or as_text(body.get("client_secret"))
    if store is None or store.secret != secret or _is_revoked(world, store):
        return answers.WRONG_SECRET
    return store


def _by_token(world: World, request: ApiRequest, token: str, refusal: Answer, *, apps_only: bool) -> Store | Answer:
    store = world.store(request.app_key)
    if store is None or _is_revoked(world, store):
        return refusal
    return store if world.credentials.valid(token, store.app_key, apps_only=apps_only) else refusal


def _is_revoked(world: World, store: Store) -> bool:
    return store.app_key in world.switches.revoked


def _token(request: ApiRequest) -> str:
    return request.headers.get("x-yotpo-token") or request.parameter("access_token") or ""


def _headers(switches: Switches, allowance: Allowance) -> dict[str, str]:
    wait = str(math.ceil(allowance.reset))
    headers = {}
    if switches.rate_headers in {"draft", "both"}:
        headers = {"RateLimit-Remaining": str(allowance.remaining), "RateLimit-Reset": wait}
    if switches.rate_headers in {"retry_after", "both"} and not allowance.allowed:
        headers["Retry-After"] = wait
    return headers
