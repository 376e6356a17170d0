"""Insider's routes. Each request goes through the faults, the gate and its operation, and is logged with its answer."""

import time
from collections.abc import Callable
from functools import partial

from flask import Blueprint, Response, request

from connector.sandbox.insider.faults import Fault
from connector.sandbox.insider.gate import Received, receive, refusal
from connector.sandbox.insider.operations import erasure, identity
from connector.sandbox.insider.operations.reading import read_profile
from connector.sandbox.insider.operations.upsert import upsert
from connector.sandbox.insider.world import Call, Request, World
from connector.sandbox.simulation import routes
from connector.sandbox.simulation.answers import Answer, as_response

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
    return routes.blueprint("api", OPERATIONS, partial(_serve, world))


def _serve(world: World, operation: Operation) -> Response:
    received = receive(request)
    with world.lock:
        fault = world.faults.pick(lambda fault: fault.matches(received.partner, received.path, received.users))
    if fault and not fault.processed:
        time.sleep(fault.delay_ms / 1000)
    with world.lock:
        # The operation and its log entry happen under one lock, so that the log is in the order of the operations.
        answer = _answer(world, operation, received, fault)
        _log(world, received, answer, fault)
    if fault and fault.processed:
        time.sleep(fault.delay_ms / 1000)
    return as_response(answer)


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
    world.log.add(entry, received.raw, world.switches.log_size)
    world.stats.by_status[str(answer.status) if answer else "cut"] += 1
