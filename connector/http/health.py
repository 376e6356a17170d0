"""The health check routes of a web process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

if TYPE_CHECKING:
    from collections.abc import Callable


def blueprint(check: Callable[[], None]) -> flask.Blueprint:
    """Return the routes `/health` (the process runs) and `/health/ready` (`check` raises no exception)."""
    routes = flask.Blueprint("health", __name__)

    @routes.get("/health")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/health/ready")
    def ready() -> tuple[dict[str, str], int]:
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process is not ready
            return {"status": "unavailable", "reason": type(error).__name__}, 503
        return {"status": "ok"}, 200

    return routes
