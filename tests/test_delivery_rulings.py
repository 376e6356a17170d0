"""What each of Insider's answers means for the users that were sent: its literal answers, read by the client's code."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from connector import delivery
from connector.delivery import Ruling
from connector.insider import wire
from connector.insider.client import Answer

CREDENTIALS_PAUSE = 900.0
ACCESS_DENIED = "Access Denied. You do not have sufficient access to perform this action."


def counted(successful: int, failed: int, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Insider's answer to a batch; a side without users is an empty object."""
    good = {"count": successful} if successful else {}
    return {"data": {"successful": good, "fail": {"count": failed, "errors": errors} if failed else {}}}


def ruled(status: int | None, body: object, users: int = 3) -> Ruling:
    """Return what an answer with this body means, read as the client reads it."""
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    verdict = wire.read_answer(raw, users) if status == 200 else None
    message = "ConnectTimeout" if status is None else wire.read_message(raw)
    return delivery.rule(Answer(status=status, verdict=verdict, message=message, excerpt=raw.decode()), users)


EMAIL_ERROR = {"users.0.identifiers.*.regexp(^.+@.+\\..+$)": ["not a valid email address: X"]}
TWICE = {
    "users.2.identifiers.required": ["either insider_id or idenifiers must be specified"],
    "users.2.insider_id.required": ["either insider_id or idenifiers must be specified"],
    "users.1.events.0.event_params.*.required": ["event_group_id parameter is required", "currency is required"],
}


@pytest.mark.parametrize(
    ("body", "users", "outcome", "refused"),
    [
        (counted(3, 0, {}), 3, "delivered", {}),
        (counted(1, 0, {}), 1, "delivered", {}),
        (counted(2, 1, EMAIL_ERROR), 3, "partly", {0: "not a valid email address: X"}),
        (counted(0, 1, EMAIL_ERROR), 1, "refused", {0: "not a valid email address: X"}),
        (
            counted(1, 2, TWICE),
            3,
            "partly",
            {
                1: "event_group_id parameter is required; currency is required",
                2: "; ".join(["either insider_id or idenifiers must be specified"] * 2),
            },
        ),
    ],
)
def test_users_whom_insider_names_are_refused_and_the_others_delivered(
    body: object, users: int, outcome: str, refused: dict[int, str]
) -> None:
    assert ruled(200, body, users) == Ruling(outcome=outcome, refused=refused)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, counted(2, 1, {"users": ["something is wrong"]}), "something is wrong"),
        (200, counted(1, 2, EMAIL_ERROR), "not a valid email address: X"),
        (200, counted(2, 0, {}), '"count":2'),
        (200, counted(2, 1, {"users.3.attributes.required": ["beyond the batch"]}), "beyond the batch"),
        (400, {"error": "users must be defined: bad request"}, "400: users must be defined"),
        (400, {"error": "request body is bigger than maximum allowed size 5,000,000 bytes"}, "400: request body"),
        (400, {"error": "no valid identifier: bad request"}, "400: no valid identifier"),
        (400, {"success": False, "message": "Request data is not in valid JSON format."}, "400: Request data"),
        (400, "", "400"),
        (413, "<html>Request Entity Too Large</html>", "413"),
    ],
)
def test_a_batch_that_is_refused_without_a_name_is_split(status: int, body: object, told: str) -> None:
    ruling = ruled(status, body)

    assert (ruling.outcome, ruling.refused, ruling.pause) == ("split", {}, None)
    assert told in str(ruling.split)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, {"success": False, "message": "Partner is invalid."}, "400: Partner is invalid."),
        (401, {"success": False, "message": "Partner token authentication failed."}, "401: Partner token"),
        (403, {"success": False, "message": ACCESS_DENIED}, "403: Access Denied."),
        (403, "<html>Request Limit Exceeded</html>", "403"),
    ],
)
def test_wrong_credentials_pause_the_store_for_long(status: int, body: object, told: str) -> None:
    ruling = ruled(status, body)

    assert (ruling.outcome, ruling.refused, ruling.split) == ("unauthorized", {}, None)
    assert ruling.pause is not None
    assert ruling.pause[0] == CREDENTIALS_PAUSE
    assert told in ruling.pause[1]


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, {"unexpected": "neither data nor error"}, "200"),
        (200, "<html>Bad gateway</html>", "200"),
        (200, "", "200"),
        (302, "", "302"),
        (404, {"error": "no such page"}, "404: no such page"),
        (429, {"error": "rejected: too many requests"}, "429: rejected: too many requests"),
        (429, {"message": "Too Many Requests", "status": 429}, "429: Too Many Requests"),
        (500, {"success": False, "message": "an unknown error."}, "500: an unknown error."),
        (503, "Service Unavailable", "503"),
        (504, "", "504"),
        (520, "", "520"),
        (None, "", "no answer: ConnectTimeout"),
    ],
)
def test_everything_else_pauses_the_store_and_delivers_nothing(status: int | None, body: object, told: str) -> None:
    ruling = ruled(status, body)

    assert (ruling.outcome, ruling.refused, ruling.split) == ("paused", {}, None)
    assert ruling.pause is not None
    assert ruling.pause[0] == 0
    assert told in ruling.pause[1]
