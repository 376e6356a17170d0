"""The control routes of any simulator, for tests: JSON, without a token, under /_sandbox."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol

import orjson
from flask import Blueprint, Response, request

from connector.sandbox.simulation import routes
from connector.sandbox.simulation.answers import Answer, as_response
from connector.sandbox.simulation.faults import Faults
from connector.sandbox.simulation.log import Log
from connector.sandbox.simulation.shapes import Json, WrongRequestError, as_object
from connector.sandbox.simulation.switches import Switches

PREFIX = "/_sandbox"

#: An operation is called with the subject, and with each parameter of the path as a keyword argument. It returns the
#: JSON of the answer.
Operation = Callable[..., Any]


class World(Protocol):
    """The state that any simulator has."""

    @property
    def faults(self) -> Faults[Any]: ...

    @property
    def log(self) -> Log[Any, Any]: ...

    @property
    def switches(self) -> Switches: ...

    def reset(self) -> None: ...


def blueprint(
    name: str,
    operations: Mapping[tuple[str, str], Operation],
    subject: object,
    lock: threading.Lock,
    prefix: str = PREFIX,
) -> Blueprint:
    """Return a blueprint of operations on a subject; they run one at a time.

    If a request is wrong, the answer says why.
    """
    return routes.blueprint(name, operations, partial(_serve, subject, lock), prefix)


def request_json() -> Json:
    """Return the JSON object in the body of the current request."""
    return as_object(orjson.loads(request.get_data()))


def show_switches(world: World) -> Json:
    return asdict(world.switches)


def set_switches(world: World) -> Json:
    world.switches.change(request_json())
    return show_switches(world)


def _serve(subject: object, lock: threading.Lock, operation: Operation, **parameters: str) -> Response:
    with lock:
        try:
            return as_response(Answer(200, operation(subject, **parameters)))
        except WrongRequestError as error:
            return as_response(Answer(error.status, {"error": str(error)}))
        except orjson.JSONDecodeError as error:
            return as_response(Answer(400, {"error": str(error)}))


def _health(_: World) -> Json:
    return {"status": "ok"}


def _requests(world: World) -> list[Json]:
    query = request.args
    return world.log.shown(query.get("since", 0, type=int), query.get("limit", type=int), full=query.get("full") == "1")


def _add_fault(world: World) -> Json:
    return asdict(world.faults.add(request_json()))


def _list_faults(world: World) -> list[Json]:
    return world.faults.shown()


def _clear_faults(world: World) -> list[Json]:
    world.faults.clear()
    return world.faults.shown()


def _reset(world: World) -> Json:
    world.reset()
    return {}


#: The routes of every simulator.
COMMON: dict[tuple[str, str], Operation] = {
    ("GET", "/health"): _health,
    ("GET", "/requests"): _requests,
    ("GET", "/faults"): _list_faults,
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): _clear_faults,
    ("POST", "/reset"): _reset,
}
