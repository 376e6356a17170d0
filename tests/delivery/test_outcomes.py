"""What Insider's literal responses mean for the users that were sent, and the reason and cause of each refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.delivery import outcomes
from connector.delivery.outcomes import Ruling
from connector.insider import wire
from connector.insider.client import Response
from connector.insider.wire import Failure
from connector.mapping import load
from connector.model import Attempt, Refusal, UserEvent, UserUpdate

if TYPE_CHECKING:
    from pathlib import Path

    from connector.mapping import MappingSet, TopicMapping

CREDENTIALS_PAUSE = 900.0
ACCESS_DENIED = "Access Denied. You do not have sufficient access to perform this action."

#: Insider's literal rules below a user, and what they say.
NEITHER = "either insider_id or idenifiers must be specified"
EMAIL = Failure(r"identifiers.*.regexp(^.+@.+\..+$)", "not a valid email address: X")
PHONE = Failure(r"identifiers.*.regexp(^\+[1-9]\d{6,14}$)", "user has an invalid phone number: X")
ESCAPED_PHONE = Failure(r"identifiers.*.regexp(^\\+[1-9]\\d{6,14}$)", "user has an invalid phone number: X")
UUID = Failure("identifiers.*.type(string)", "uuid must be string: X")
NAMES = Failure("identifiers.*.in(defaults_column)", "key must be one of phone_number(pn), email(em) or uuid")
EVENT_NAME = Failure("events.0.event_name.*.regexp(^[a-z0-9][a-zA-Z0-9._-]*$)", "invalid event name: X")
PARAMS = [
    Failure("events.0.event_params.*.required", "event_group_id parameter is required on purchase event"),
    Failure("events.0.event_params.*.required", "unit_sale_price parameter is required on purchase event"),
]
MISSING = [Failure("identifiers.required", NEITHER), Failure("insider_id.required", NEITHER)]


def counted(successful: int, failed: int, errors: dict[str, list[str]]) -> dict[str, Any]:
    """Insider's answer to a batch; a side without users is an empty object."""
    good = {"count": successful} if successful else {}
    return {"data": {"successful": good, "fail": {"count": failed, "errors": errors} if failed else {}}}


def ruled(status: int | None, body: object, users: int = 3) -> Ruling:
    """Return what a response with this body means, read as the client reads it."""
    raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
    verdict = wire.read_response(raw, users) if status == 200 else None
    message = "ConnectTimeout" if status is None else wire.read_message(raw)
    return outcomes.rule(Response(status=status, verdict=verdict, message=message, excerpt=raw.decode()), users)


def test_all_users_are_delivered_if_none_is_refused() -> None:
    assert ruled(200, counted(3, 0, {})) == ruled(200, counted(1, 0, {}), users=1) == Ruling(outcome="delivered")


@pytest.mark.parametrize("index", [0, 2])
@pytest.mark.parametrize("said", [MISSING, [EMAIL], [PHONE], [UUID], [NAMES], [EVENT_NAME], PARAMS])
def test_users_that_insider_names_are_refused_and_the_others_are_delivered(said: list[Failure], index: int) -> None:
    errors: dict[str, list[str]] = {}
    for path, message in said:
        errors.setdefault(f"users.{index}.{path}", []).append(message)

    assert ruled(200, counted(2, 1, errors)) == Ruling(outcome="partly", refused={index: said})
    if index == 0:
        assert ruled(200, counted(0, 1, errors), users=1) == Ruling(outcome="refused", refused={0: said})


def test_several_users_are_refused_each_with_its_own_reasons() -> None:
    errors = {f"users.2.{EMAIL.path}": [EMAIL.message], f"users.0.{UUID.path}": [UUID.message]}

    assert ruled(200, counted(1, 2, errors)) == Ruling(outcome="partly", refused={2: [EMAIL], 0: [UUID]})


@pytest.mark.parametrize(
    ("status", "body", "cause", "told"),
    [
        (200, counted(2, 1, {"users": ["something is wrong"]}), "unattributed", "something is wrong"),
        (200, counted(1, 2, {"users.0.attributes.required": ["at least one"]}), "unattributed", "at least one"),
        (200, counted(2, 0, {}), "unattributed", '"count":2'),
        (200, counted(2, 1, {"users.3.attributes.required": ["beyond it"]}), "unattributed", "beyond it"),
        (400, {"error": "users must be defined: bad request"}, "request.400", "400: users must be defined"),
        (
            400,
            {"error": "request body is bigger than maximum allowed size 5,000,000 bytes"},
            "request.400",
            "400: request body is bigger",
        ),
        (400, {"error": "content type must be application/json"}, "request.400", "400: content type must be"),
        (400, {"error": "no valid identifier: bad request"}, "request.400", "400: no valid identifier"),
        (400, {"success": False, "message": "Request data is not in valid JSON format."}, "request.400", "400: Reque"),
        (400, "", "request.400", "400"),
        (413, "<html>Request Entity Too Large</html>", "request.413", "413"),
    ],
)
def test_a_batch_that_is_refused_without_a_name_is_split(status: int, body: object, cause: str, told: str) -> None:
    ruling = ruled(status, body)

    assert (ruling.outcome, ruling.refused, ruling.pause) == ("split", {}, None)
    assert ruling.split is not None
    assert (ruling.split.cause, ruling.split.rule) == (cause, "")
    assert told in ruling.split.reason


# ------------------------------------------------------------------------------------------------- clears

NOBODY = "no such user for these identifiers: no data"


def ruled_clear(status: int, body: object, users: int = 3) -> Ruling:
    raw = orjson.dumps(body)
    verdict = wire.read_cleared(raw, users) if status == 200 else None
    answer = Response(status=status, verdict=verdict, message=wire.read_message(raw), excerpt=raw.decode())
    return outcomes.rule(answer, users, outcomes.CLEAR)


def test_unknown_users_have_nothing_to_clear() -> None:
    errors = {"users.0.identifiers.exists": [NOBODY], "users.2.whole.0.type": ["no good"]}

    assert ruled_clear(200, counted(1, 2, errors)) == Ruling(
        outcome="partly", refused={2: [Failure("whole.0.type", "no good")]}
    )
    assert ruled_clear(200, counted(0, 1, {"users.0.identifiers.exists": [NOBODY]}), users=1) == Ruling(
        outcome="delivered"
    )
    both = {"users.0.identifiers.exists": [NOBODY, "and no good"]}
    assert set(ruled_clear(200, counted(2, 1, both)).refused) == {0}


def test_a_request_refused_for_an_unknown_user_is_split() -> None:
    assert ruled_clear(404, {"error": NOBODY}, users=1) == Ruling(outcome="delivered")
    ruling = ruled_clear(404, {"error": NOBODY}, users=2)
    assert (ruling.outcome, ruling.split and ruling.split.cause) == ("split", "unattributed")
    # After an upsert, or with another sentence, a 404 is a failure of Insider.
    assert (
        ruled(404, {"error": NOBODY}).outcome
        == ruled_clear(404, {"error": "no such page"}, users=1).outcome
        == "paused"
    )


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {}, "delivered"),
        (200, counted(3, 0, {}), "delivered"),
        (200, counted(2, 1, {"users": ["something is wrong"]}), "split"),
        (200, counted(2, 0, {}), "split"),
        (200, {"unexpected": 1}, "paused"),
        (400, {"error": "users must be defined: bad request"}, "split"),
        (400, {"success": False, "message": "Partner is invalid."}, "unauthorized"),
        (403, {"success": False, "message": ACCESS_DENIED}, "unauthorized"),
        (429, {"error": "rejected: too many requests"}, "paused"),
        (500, {"success": False, "message": "an unknown error."}, "paused"),
    ],
)
def test_all_other_responses_to_a_clear_mean_the_same_as_for_an_upsert(status: int, body: object, outcome: str) -> None:
    assert ruled_clear(status, body).outcome == outcome
    if body:
        assert ruled_clear(status, body) == ruled(status, body)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "told"),
    [
        (400, {"success": False, "message": "Partner is invalid."}, "unauthorized", "400: Partner is invalid."),
        (401, {"success": False, "message": "Partner token authentication failed."}, "unauthorized", "401: Partner"),
        (403, {"success": False, "message": ACCESS_DENIED}, "unauthorized", "403: Access Denied."),
        (403, "<html>Request Limit Exceeded</html>", "unauthorized", "403"),
        (429, {"error": "rejected: too many requests"}, "paused", "429: rejected: too many requests"),
        (429, {"message": "Too Many Requests", "status": 429}, "paused", "429: Too Many Requests"),
        (500, {"success": False, "message": "an unknown error."}, "paused", "500: an unknown error."),
        (503, "Service Unavailable", "paused", "503"),
        (504, "", "paused", "504"),
        (520, "", "paused", "520"),
        (200, {"unexpected": "neither data nor error"}, "paused", "200"),
        (200, "<html>Bad gateway</html>", "paused", "200"),
        (200, "", "paused", "200"),
        (302, "", "paused", "302"),
        (404, {"error": "no such page"}, "paused", "404: no such page"),
        (None, "", "paused", "no answer: ConnectTimeout"),
    ],
)
def test_everything_else_pauses_the_store_and_delivers_nothing(
    status: int | None, body: object, outcome: str, told: str
) -> None:
    ruling = ruled(status, body)

    assert (ruling.outcome, ruling.refused, ruling.split) == (outcome, {}, None)
    assert ruling.pause is not None
    assert ruling.pause[0] == (CREDENTIALS_PAUSE if outcome == "unauthorized" else 0)
    assert told in ruling.pause[1]


def test_an_attempt_holds_the_request_and_its_outcome() -> None:
    answered = Response(status=200, duration_ms=12, excerpt="{}", message="")
    unanswered = Response(status=None, duration_ms=5000, message="ConnectTimeout")

    assert outcomes.attempt(answered, Ruling(outcome="delivered"), users=2, size=300) == Attempt(
        users=2, bytes=300, status=200, outcome="delivered", duration_ms=12, excerpt="{}"
    )
    assert outcomes.attempt(unanswered, Ruling(outcome="paused"), users=1, size=9).excerpt == "ConnectTimeout"
    cleared = outcomes.attempt(answered, Ruling(outcome="partly"), users=2, size=9, operation=outcomes.CLEAR)
    assert (cleared.operation, cleared.outcome) == ("clear", "partly")


# ------------------------------------------------------------------------------------------------ refused users

MAPPING = """\
topic: a/b
description: Something has happened.
users:
  - person: customer
    identifiers:
      email: email
      phone_number: phone
      uuid: id
    attributes:
      name: {text: first_name}
      points: {number: points}
    events:
      - label: It Happened
        name: it_happened
        params:
          score: {number: score}
"""
PERSON, HAPPENED = "- person: customer", "- label: It Happened"
UPDATE = UserUpdate(
    identifiers={"email": "a@example.com", "phone_number": "+15550100", "uuid": "7"},
    attributes={"name": "Ann", "points": 7},
    events=(
        UserEvent(name="other", timestamp="2026-01-01T12:00:00Z"),
        UserEvent(name="it_happened", timestamp="2026-01-01T12:00:00Z", params={"score": 1}),
    ),
)


def mapping_at(directory: Path) -> TopicMapping:
    (directory / "a.b.yaml").write_text(MAPPING)
    mapping = load(directory).get("a/b")
    assert mapping
    return mapping


def place(words: str) -> str:
    """Return the place of this text in the mapping above."""
    (number,) = [number for number, line in enumerate(MAPPING.splitlines(), start=1) if line.strip().startswith(words)]
    return f"a.b.yaml:{number}"


@pytest.mark.parametrize(
    ("failure", "cause", "words"),
    [
        (EMAIL, "identifiers.email.regexp", "email:"),
        (PHONE, "identifiers.phone_number.regexp", "phone_number:"),
        (ESCAPED_PHONE, "identifiers.phone_number.regexp", "phone_number:"),
        (UUID, "identifiers.uuid.type", "uuid:"),
        (NAMES, "identifiers.in", PERSON),
        (MISSING[0], "identifiers.required", PERSON),
        (MISSING[1], "insider_id.required", PERSON),
        (Failure("events.1.event_name.*.regexp(^[a-z0-9]$)", "x"), "events.event_name.regexp", HAPPENED),
        (Failure("events.1.event_params.*.required", "x"), "events.event_params.required", HAPPENED),
        (Failure("events.1.event_params.custom.score.type(number)", "x"), "events.event_params.score.type", "score:"),
        (Failure("events.1.event_params.gone.required", "x"), "events.event_params.gone.required", HAPPENED),
        # An event that the mapping no longer has.
        (EVENT_NAME, "events.event_name.regexp", PERSON),
        (Failure("attributes.name.type(string)", "x"), "attributes.name.type", "name: {text"),
        (Failure("attributes.custom.points.type(number)", "x"), "attributes.points.type", "points:"),
        (Failure("attributes.custom.gone.type(number)", "x"), "attributes.gone.type", PERSON),
        (Failure("attributes.*.type(string)", "x"), "attributes.type", PERSON),
        (Failure("attributes.required", "x"), "attributes.required", PERSON),
        # Paths that make no sense.
        (Failure("events.2.event_name", "x"), "events.event_name", PERSON),
        (Failure("events.one.event_name", "x"), "events.one.event_name", PERSON),
        (Failure("events", "x"), "events", PERSON),
        (Failure("points", "x"), "points", PERSON),
        (Failure("", "x"), "unknown", PERSON),
        (Failure("7", "x"), "unknown", PERSON),
        (Failure("(X)", "x"), "unknown", PERSON),
        (Failure("..*..", "x"), "unknown", PERSON),
        (Failure("a." * 200, "x"), ("a." * 200)[:100], PERSON),
    ],
)
def test_a_refusal_has_its_cause_and_the_rule_to_look_at(
    tmp_path: Path, failure: Failure, cause: str, words: str
) -> None:
    told = outcomes.refusal([failure], UPDATE, mapping_at(tmp_path))

    assert told == Refusal(reason=failure.message, cause=cause, rule=place(words))
    assert outcomes.refusal([failure], UPDATE, None) == Refusal(reason=failure.message, cause=cause)


@pytest.mark.parametrize(
    ("failure", "cleared", "cause", "words"),
    [
        (Failure("whole.name.type", "x"), ("points", "name"), "clear.whole.name.type", "name: {text"),
        (Failure("custom.whole.0.type", "points is what?"), ("name", "points"), "clear.whole.type", "points:"),
        # If it names none of several attributes, it may be any of them. If there is only one, it is that one.
        (Failure("custom.whole.0.type", "x"), ("name", "points"), "clear.whole.type", PERSON),
        (Failure("custom.whole.0.type", "x"), ("points",), "clear.whole.type", "points:"),
        (Failure("whole.surname_name.type", "x"), ("name", "points"), "clear.whole.surname_name.type", PERSON),
        (EMAIL, ("points",), "clear.identifiers.email.regexp", "email:"),
        (Failure("", "x"), ("points",), "clear.unknown", "points:"),
        (Failure("a." * 200, "x"), (), "clear." + ("a." * 200)[:100], PERSON),
    ],
)
def test_a_refused_clear_has_its_cause_and_the_rule_of_the_attribute(
    tmp_path: Path, failure: Failure, cleared: tuple[str, ...], cause: str, words: str
) -> None:
    update = UserUpdate(identifiers=UPDATE.identifiers, cleared=cleared)
    told = outcomes.refusal([failure], update, mapping_at(tmp_path), outcomes.CLEAR)

    assert told == Refusal(reason=failure.message, cause=cause, rule=place(words))
    assert outcomes.refusal([failure], update, None, outcomes.CLEAR) == Refusal(reason=failure.message, cause=cause)


@pytest.mark.parametrize(
    ("operation", "cleared", "cause", "words"),
    [
        ("upsert", ("points",), "request.400", PERSON),
        ("clear", ("points",), "clear.request.400", "points:"),
        ("clear", ("points", "name"), "clear.request.400", PERSON),
    ],
)
def test_a_delivery_found_by_halving_has_the_place_of_its_mapping(
    tmp_path: Path, operation: str, cleared: tuple[str, ...], cause: str, words: str
) -> None:
    update = UserUpdate(identifiers=UPDATE.identifiers, cleared=cleared)
    split = Refusal(reason="Insider answered 400: bad request", cause="request.400")

    assert outcomes.blamed(split, update, mapping_at(tmp_path), operation) == Refusal(
        reason=split.reason, cause=cause, rule=place(words)
    )
    assert outcomes.blamed(split, update, None, operation).rule == ""


def test_an_identifier_that_the_user_does_not_have_is_not_blamed(tmp_path: Path) -> None:
    update = UserUpdate(identifiers={"email": "a@example.com"}, attributes={"name": "Ann"})
    told = outcomes.refusal([PHONE], update, mapping_at(tmp_path))

    assert (told.cause, told.rule) == ("identifiers.regexp", place(PERSON))


def test_all_failures_make_the_reason_and_the_first_one_the_cause(tmp_path: Path) -> None:
    told = outcomes.refusal([*PARAMS, EMAIL], UPDATE, mapping_at(tmp_path))

    assert told.reason == "; ".join(failure.message for failure in [*PARAMS, EMAIL])
    assert told.cause == "events.event_params.required"


@pytest.mark.parametrize(
    ("topic", "failure", "cause", "rule"),
    [
        ("swell/points/changed", EMAIL, "identifiers.email.regexp", ("groups.yaml", "    email: email")),
        ("customer/snapshot", PHONE, "identifiers.phone_number.regexp", ("customer.snapshot.yaml", "phone_number:")),
        (
            "swell/points/changed",
            Failure("attributes.custom.yotpo_point_balance.type(number)", "X"),
            "attributes.yotpo_point_balance.type",
            ("swell.points.changed.yaml", "yotpo_point_balance:"),
        ),
        ("swell/points/changed", PARAMS[0], "events.event_params.required", ("swell.points.changed.yaml", "- label:")),
        ("review_create", EMAIL, "identifiers.email.regexp", ("groups.yaml", "email: data.customer_email")),
    ],
)
def test_the_rule_is_found_in_the_real_mappings(
    mappings: MappingSet, topic: str, failure: Failure, cause: str, rule: tuple[str, str]
) -> None:
    mapping = mappings.by_topic[topic]
    update = UserUpdate(
        identifiers=UPDATE.identifiers,
        attributes={"yotpo_point_balance": 7},
        events=(UserEvent(name="points_changed", timestamp="2026-01-01T12:00:00Z"),),
    )
    file, words = rule
    lines = mappings.files[file].decode().splitlines()
    number = next(number for number, line in enumerate(lines, start=1) if words in line)

    assert outcomes.refusal([failure], update, mapping) == Refusal(
        reason=failure.message, cause=cause, rule=f"{file}:{number}"
    )


@given(st.emails() | st.text(), st.from_regex(r"\+[1-9]\d{6,14}", fullmatch=True), st.uuids().map(str))
def test_a_cause_holds_no_value_and_is_the_same_for_similar_refusals(email: str, phone: str, uuid: str) -> None:
    for failure, value in ((EMAIL, email), (EVENT_NAME, email), (PHONE, phone), (UUID, uuid)):
        said = failure._replace(message=failure.message.replace("X", value))
        told = outcomes.refusal([said], UPDATE, None)

        assert told.cause == outcomes.refusal([failure], UPDATE, None).cause
        assert told.reason == said.message


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("attributes.required", []),
        ("attributes.required", {"unexpected": [1]}),
        ("attributes.required", None),
        ("attributes.requ\0ired", ["\0"]),
        (f"events.{'9' * 5000}.event_name", ["invalid event name: X"]),
    ],
)
def test_a_refusal_of_any_shape_can_be_journaled(path: str, messages: object) -> None:
    errors = {f"users.0.{path}": messages}
    ruling = ruled(200, {"data": {"successful": {}, "fail": {"count": 1, "errors": errors}}}, users=1)
    told = outcomes.refusal(ruling.refused[0], UPDATE, None)

    assert told.cause
    assert "\0" not in told.reason + told.cause


@pytest.mark.parametrize(
    ("said", "names", "expected"),
    [
        ([PHONE], ("email", "phone_number"), True),
        ([ESCAPED_PHONE], ("phone_number", "uuid"), True),
        ([PHONE, ESCAPED_PHONE], ("email", "phone_number", "uuid"), True),
        # Other parts are refused as well, or there is no other identifier, or no phone number.
        ([PHONE, EMAIL], ("email", "phone_number"), False),
        ([PHONE, PARAMS[0]], ("email", "phone_number"), False),
        ([PHONE, Failure("attributes.required", "x")], ("email", "phone_number"), False),
        ([PHONE, NAMES], ("email", "phone_number"), False),
        ([PHONE], ("phone_number",), False),
        ([PHONE], ("email",), False),
        ([EMAIL], ("email", "phone_number"), False),
        (MISSING, ("email", "phone_number"), False),
    ],
)
def test_the_phone_number_alone_can_be_left_out(said: list[Failure], names: tuple[str, ...], *, expected: bool) -> None:
    update = UserUpdate(identifiers={name: UPDATE.identifiers[name] for name in names}, attributes={"name": "Ann"})

    assert outcomes.is_phone_only(said, update) is expected
