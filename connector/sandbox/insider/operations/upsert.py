"""Upsert: takes a batch of users, refuses some, stores the others, and answers user by user.

Insider's API reference, upsert. Whether the good part of a refused user is stored isn't published; here a user with
any failure is stored not at all.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from connector.sandbox.insider import answers, defaults
from connector.sandbox.insider.catalog import Drop, sift_defaults
from connector.sandbox.insider.operations.validation import Errors, user_errors
from connector.sandbox.insider.profiles import Profile, flat
from connector.sandbox.insider.world import Account, Call, World
from connector.sandbox.simulation.answers import Answer


def upsert(call: Call) -> Answer:
    world, account, body = call.world, call.account, call.body
    users = body["users"]
    if _nobody_identified(world, users):
        return answers.NO_VALID_IDENTIFIER
    errors: dict[str, list[str]] = {}
    failed = 0
    for index, user in enumerate(users):
        found = call.forced.get(index) or _take(world, account, index, user, append=_appends(user, body))
        if found:
            failed += 1
            errors.update(found)
    world.stats.users.update(received=len(users), successful=len(users) - failed, failed=failed)
    return answers.counted(len(users) - failed, failed, errors)


def _nobody_identified(world: World, users: list[Any]) -> bool:
    """Whether a user has identifiers, but none that the account has enabled.

    The reference says that such a request fails as a whole. Inferred: one such user is enough.
    """
    return world.switches.identifiers is not None and any(
        user.get("identifiers") and not user.get("insider_id") and not world.enabled(flat(user["identifiers"]))
        for user in users
        if type(user) is dict and type(user.get("identifiers")) is dict
    )


def _appends(user: Any, body: dict[str, Any]) -> bool:
    """Whether arrays are added to. `append` wins over `not_append`, and the user over the request (inferred)."""
    for place in (user if type(user) is dict else {}, body):
        if type(place.get("append")) is bool:
            return bool(place["append"])
        if type(place.get("not_append")) is bool:
            return not place["not_append"]
    return True


def _take(world: World, account: Account, index: int, user: Any, *, append: bool) -> dict[str, list[str]]:
    """Store a user, or return why not."""
    errors = user_errors(index, user, strict_event_names=world.switches.strict_event_names)
    if errors:
        return errors
    known = len(account.attributes.declared), len(account.params.declared)
    drops: list[Drop] = []
    attributes = user.get("attributes") or {}
    named = sift_defaults(attributes, defaults.ATTRIBUTES, "", drops)
    custom = account.attributes.sift(attributes.get("custom") or {}, "custom.", drops)
    events = [_sifted(account, event, drops) for event in user.get("events") or ()]
    _note_drops(world, errors, drops)
    if errors:
        account.attributes.forget_after(known[0])
        account.params.forget_after(known[1])
        return errors
    world.stats.drop(drops)
    profile = account.directory.resolve(world.enabled(flat(user.get("identifiers") or {})), user.get("insider_id"))
    _write(profile.attributes, named, append=append)
    _write(profile.custom, custom, append=append)
    for key, event in events:
        _add_event(world, profile, key, event)
    return {}


def _note_drops(world: World, errors: Errors, drops: list[Drop]) -> None:
    """Turn what would be left out silently into failures, where a switch says so; the words are the simulator's own."""
    fatal = {"null"} if world.switches.strict_null else set()
    if world.switches.mismatch == "fail":
        fatal |= {"type", "unknown"}
    for drop in drops:
        if drop.reason in fatal:
            part = "events.*" if drop.name.startswith("event_params.") else "attributes"
            errors.note(f"{part}.{drop.name}.{drop.reason}", drop.message)


def _write(stored: dict[str, Any], sent: dict[str, Any], *, append: bool) -> None:
    for name, value in sent.items():
        if append and type(value) is list:
            before = stored.get(name)
            merged = before if type(before) is list else []
            stored[name] = list(dict.fromkeys(merged + value))
        else:
            stored[name] = value


def _sifted(account: Account, event: dict[str, Any], drops: list[Drop]) -> tuple[bytes, dict[str, Any]]:
    """Return an event as it will be stored, and what makes another one identical: name, timestamp and parameters.

    Which of these Insider compares isn't published. Compared is what was sent, so that not even a timestamp in another
    spelling counts as the same.
    """
    name, timestamp, sent = event["event_name"], event["timestamp"], event.get("event_params") or {}
    key = orjson.dumps((name, timestamp, sent), option=orjson.OPT_SORT_KEYS)
    params = sift_defaults(sent, defaults.PARAMS, "event_params.", drops)
    if sent.get("custom"):
        params["custom"] = account.params.sift(sent["custom"], "event_params.custom.", drops)
    return key, {"event_name": name, "timestamp": timestamp, "event_params": params}


def _add_event(world: World, profile: Profile, key: bytes, event: dict[str, Any]) -> None:
    known = profile.events.get(key)
    if known:
        known["transmissions"] += 1
        world.stats.events["duplicate"] += 1
    elif _too_old(world, event):
        world.stats.events["too_old"] += 1
    else:
        profile.events[key] = event | {"received_at": time.time(), "transmissions": 1}
        world.stats.events["stored"] += 1


def _too_old(world: World, event: dict[str, Any]) -> bool:
    """Whether Insider wouldn't write the event any more. Inferred: the user counts as successful all the same."""
    if not world.switches.retention:
        return False
    name = event["event_name"]
    days = world.switches.retention_days.get(name, defaults.RETENTION_DAYS_BY_EVENT.get(name, defaults.RETENTION_DAYS))
    happened_at = defaults.time_of(event["timestamp"])
    return happened_at is not None and happened_at < datetime.now(UTC) - timedelta(days=days)
