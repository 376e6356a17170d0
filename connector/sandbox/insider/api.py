"""Insider's routes: each request meets the faults, passes the gate, is worked on, and is logged with its answer."""

import socket
import time
from collections.abc import Callable
from functools import partial

import orjson
from flask import Blueprint, Response, request

from connector.sandbox.insider import erasure, identity
from connector.sandbox.insider.answers import Answer
from connector.sandbox.insider.faults import CUT, Fault
from connector.sandbox.insider.gate import Received, receive, refusal
from connector.sandbox.insider.reading import read_profile
from connector.sandbox.insider.upsert import upsert
from connector.sandbox.insider.world import Call, Request, World

Operation = Callable[[Call], Answer]

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/api/user/v1/upsert"): upsert,
    ("POST", "/api/user/v1/attribute/delete"): erasure.delete_attributes,
    ("PATCH", "/api/user/v1/identity"): identity.change,
    ("DELETE", "/api/user/v1/identity"): identity.delete,
    ("POST", "/api/user/v1/delete"): erasure.delete_user,
    ("POST", "/api/user/v1/anonymize"): erasure.anonymize,
    ("POST", "/api/contact/v1/anonymize"): erasure.anonymize,
    ("POST", "/api/user/v1/profile"): read_profile,
}


def blueprint(world: World) -> Blueprint:
    api = Blueprint("api", __name__)
    for (method, path), operation in OPERATIONS.items():
        view = partial(_serve, world, operation)
        api.add_url_rule(path, endpoint=f"{method} {path}", view_func=view, methods=[method])
    return api


def as_response(answer: Answer) -> Response:
    body = answer.body if isinstance(answer.body, str) else orjson.dumps(answer.body)
    return Response(body, answer.status, answer.headers, content_type=answer.content_type)


def _serve(world: World, operation: Operation) -> Response:
    received = receive(request)
    with world.lock:
        fault = world.faults.pick(received.partner, received.path, received.users)
    if fault and not fault.processed:
        time.sleep(fault.delay_ms / 1000)
    with world.lock:
        # The work and its line in the log share one hold of the lock: the log is in the order of the work.
        answer = _answer(world, operation, received, fault)
        _log(world, received, answer, fault)
    if fault and fault.processed:
        time.sleep(fault.delay_ms / 1000)
    return _cut() if answer is CUT else as_response(answer)


def _answer(world: World, operation: Operation, received: Received, fault: Fault | None) -> Answer | None:
    if fault and fault.replaces and not fault.processed:
        return fault.answer()
    answer = refusal(world, received)
    if answer is None:
        forced = fault.failures(received.users) if fault else {}
        account = world.account(received.partner)
        answer = operation(Call(world, account, received.token, received.body or {}, forced))
    return fault.answer() if fault and fault.replaces else answer


def _log(world: World, received: Received, answer: Answer | None, fault: Fault | None) -> None:
    entry = Request(
        seq=world.log.seq + 1,
        at=received.at,
        partner=received.partner,
        method=received.method,
        path=received.path,
        skip_hook=(received.body or {}).get("skip_hook") is True,
        users=len(received.users),
        bytes=len(received.raw),
        status=answer.status if answer else None,
        fault=fault.kind if fault else None,
        answer=answer.body if answer else None,
    )
    world.log.add(entry, received.raw)
    world.stats.by_status[str(answer.status) if answer else "cut"] += 1


def _cut() -> Response:
    """Close the connection, so that the response never leaves."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
    return Response()
