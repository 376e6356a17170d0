"""Reads a profile back. See Insider's API reference: profile. Custom names are read with the prefix c_."""

from typing import Any

from connector.sandbox.insider import answers
from connector.sandbox.insider.defaults import is_number, time_of
from connector.sandbox.insider.operations.identity import requested_profile
from connector.sandbox.insider.profiles import Profile
from connector.sandbox.insider.world import Call
from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_list, as_names, as_object

_QUOTA = 1_000.0
# At Insider the cost depends on the size of the account and the number of event types; this number is from the
# reference's sample. Attributes are free.
_COST_OF_EVENTS = 2.5


def read_profile(call: Call) -> Answer:
    profile = requested_profile(call)
    if profile is None:
        return answers.NO_SUCH_USER
    events = as_object(call.body.get("events"))
    cost = _COST_OF_EVENTS if events else 0.0
    used = call.world.spend("profile", call.token, cost, _QUOTA)
    if used is None:
        return answers.RATE_LIMITED
    content: dict[str, Any] = {"attributes": _attributes(profile, as_names(call.body.get("attributes")))}
    if events:
        queries = [as_object(query) for query in as_list(events.get("wanted"))]
        content["events"] = {str(query.get("event_name")): _events(profile, events, query) for query in queries}
    if call.body.get("quota") is True:
        content["quota"] = {"cost": cost, "used": used, "total": _QUOTA}
    return Answer(200, content)


def _attributes(profile: Profile, names: list[str]) -> dict[str, Any]:
    identifiers = {name.removeprefix("custom."): value for name, value in profile.identifiers.items()}
    values = identifiers | profile.attributes | _prefixed(profile.custom)
    return {name: values[name] for name in names if name in values}


def _events(profile: Profile, window: dict[str, Any], query: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a profile's events with one name in a time window (epoch seconds), with the requested parameters."""
    start, end = _number(window.get("start_date"), 0), _number(window.get("end_date"), float("inf"))
    return [
        _event(event, as_names(query.get("params")))
        for event in profile.events.values()
        if event["event_name"] == query.get("event_name")
        and (happened_at := time_of(event["timestamp"])) is not None
        and start <= happened_at.timestamp() <= end
    ]


def _event(event: dict[str, Any], names: list[str]) -> dict[str, Any]:
    params = event["event_params"]
    values = {"timestamp": event["timestamp"]} | params | _prefixed(params.get("custom", {}))
    return {name: values[name] for name in names if name in values} | {"created_date": event["timestamp"]}


def _prefixed(custom: dict[str, Any]) -> dict[str, Any]:
    return {f"c_{name}": value for name, value in custom.items()}


def _number(value: Any, default: float) -> float:
    return float(value) if is_number(value) else default
