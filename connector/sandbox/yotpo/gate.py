"""What a request must pass before its content counts: credentials, then the rate of its store.

Yotpo's pages, "Authenticating" and "Guidelines and conventions": which header or parameter holds the credential of
which API, and five requests a second for each store. That all of Yotpo's APIs share these five, and that credentials
are looked at first, is the simulator's own choice, the stricter one.
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
from connector.sandbox.yotpo.world import Call, Received, World

#: Returns the store that may be asked about, or why it may not.
Admit = Callable[[World, Received], Store | Answer]
Serve = Callable[[World, Received], Answer]


def behind(admit: Admit, operation: Callable[[Call], Answer]) -> Serve:
    """Let only those requests to an operation that are admitted and within the rate."""

    def serve(world: World, received: Received) -> Answer:
        admitted = admit(world, received)
        if isinstance(admitted, Answer):
            return admitted
        allowance = world.rates.take(admitted.app_key, received.clock, world.switches.requests_per_second)
        answer = operation(Call(world, admitted, received)) if allowance.allowed else answers.RATE_LIMITED
        return replace(answer, headers=answer.headers | _headers(world.switches, allowance))

    return serve


def by_token(world: World, received: Received) -> Store | Answer:
    """Core v3: a merchant's or an app's token, in a header or in the URL."""
    return _by_token(world, received, _token(received), answers.UNAUTHORIZED, apps_only=False)


def by_app_token(world: World, received: Received) -> Store | Answer:
    """The App Developer APIs: an app's token in the URL."""
    return _by_token(world, received, received.asked("access_token") or "", answers.NO_TOKEN, apps_only=True)


def by_keys(world: World, received: Received) -> Store | Answer:
    """The Loyalty API v2: a merchant's two keys, in headers or in the URL."""
    store = world.store(received.app_key)
    key = received.headers.get("x-api-key") or received.asked("api_key")
    if store is None or store.loyalty_key != key or _is_revoked(world, store):
        return answers.WRONG_KEYS
    return store


def by_secret(world: World, received: Received) -> Store | Answer:
    """The ways to a token of Core v3: the store's API secret."""
    store = world.store(received.app_key)
    body = as_object(received.body)
    given = as_text(body.get("secret")) or as_text(body.get("client_secret"))
    if store is None or store.secret != given or _is_revoked(world, store):
        return answers.WRONG_SECRET
    return store


def _by_token(world: World, received: Received, token: str, refusal: Answer, *, apps_only: bool) -> Store | Answer:
    store = world.store(received.app_key)
    if store is None or _is_revoked(world, store):
        return refusal
    return store if world.credentials.valid(token, store.app_key, apps_only=apps_only) else refusal


def _is_revoked(world: World, store: Store) -> bool:
    return store.app_key in world.switches.revoked


def _token(received: Received) -> str:
    return received.headers.get("x-yotpo-token") or received.asked("access_token") or ""


def _headers(switches: Switches, allowance: Allowance) -> dict[str, str]:
    wait = str(math.ceil(allowance.reset))
    headers = {}
    if switches.rate_headers in {"draft", "both"}:
        headers = {"RateLimit-Remaining": str(allowance.remaining), "RateLimit-Reset": wait}
    if switches.rate_headers in {"retry_after", "both"} and not allowance.allowed:
        headers["Retry-After"] = wait
    return headers
