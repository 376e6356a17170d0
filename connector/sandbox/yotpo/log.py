"""The log of requests. It contains no secrets."""

from dataclasses import dataclass
from typing import Any

from connector.sandbox.simulation import log

_SECRETS = frozenset({"access_token", "secret", "client_secret", "code", "api_key", "guid", "utoken"})


@dataclass(frozen=True, kw_only=True)
class Request(log.Request):
    app_key: str | None
    query: dict[str, list[str]]


class Log(log.Log[Request, Any]):
    """The last requests. Their bodies are JSON with masked secrets."""


def masked(value: Any) -> Any:
    """Return a query or a body with stars in place of its secrets."""
    if isinstance(value, list):
        return [masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _stars(item) if name in _SECRETS else masked(item) for name, item in value.items()}


def _stars(value: Any) -> Any:
    return ["***"] * len(value) if isinstance(value, list) else "***"
