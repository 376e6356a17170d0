"""Upsert: refuses some users of a batch, stores the others, and answers user by user.

It follows Insider's API reference, upsert. Insider doesn't publish whether it stores the valid part of a refused user;
the simulator stores no part of a refused user.
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
    if _has_user_without_identifier(world, users):
        return answers.NO_VALID_IDENTIFIER
    errors: dict[str, list[str]] = {}
    failed = 0
    for index, user in enumerate(users):
        user_failures = call.forced.get(index) or _store(world, account, index, user, append=_appends(user, body))
        if user_failures:
            failed += 1
            errors.update(user_failures)
    world.stats.users.update(received=len(users), successful=len(users) - failed, failed=failed)
    return answers.counted(len(users) - failed, failed, errors)


def _has_user_without_identifier(world: World, users: list[Any]) -> bool:
    """Whether there is a user with identifiers, but the account has enabled none of these identifiers.

    The reference says that such a request fails as a whole. Inferred: one such user is enough to refuse the request.
    """
    return world.switches.identifiers is not None and any(
        user.get("identifiers") and not user.get("insider_id") and not world.enabled(flat(user["identifiers"]))
        for user in users
        if type(user) is dict and type(user.get("identifiers")) is dict
    )


def _appends(user: Any, body: dict[str, Any]) -> bool:
    """Whether values are added to arrays.

    `append` wins over `not_append`, and a user's setting wins over the request's setting. Both rules are inferred.
    """
    for place in (user if type(user) is dict else {}, body):
        if type(place.get("append")) is bool:
            return bool(place["append"])
        if type(place.get("not_append")) is bool:
            return not place["not_append"]
    return True


def _store(world: World, account: Account, index: int, user: Any, *, append: bool) -> dict[str, list[str]]:
    """Store a user, or return the errors."""
    errors = user_errors(index, user, strict_event_names=world.switches.strict_event_names)
    if errors:
        return errors
    declared_before = len(account.attributes.declared), len(account.params.declared)
    drops: list[Drop] = []
    attributes = user.get("attributes") or {}
    own = sift_defaults(attributes, defaults.ATTRIBUTES, "", drops)
    custom = account.attributes.sift(attributes.get("custom") or {}, "custom.", drops)
    events = [_sifted(account, event, drops) for event in user.get("events") or ()]
    _note_drops(world, errors, drops)
    if errors:
        account.attributes.forget_after(declared_before[0])
        account.params.forget_after(declared_before[1])
        return errors
    world.stats.drop(drops)
    profile = account.directory.resolve(world.enabled(flat(user.get("identifiers") or {})), user.get("insider_id"))
    _write(profile.attributes, own, append=append)
    _write(profile.custom, custom, append=append)
    for key, event in events:
        _add_event(world, profile, key, event)
    return {}


def _note_drops(world: World, errors: Errors, drops: list[Drop]) -> None:
    """Turn left-out values into failures, if a switch says so. The texts of the errors are the simulator's own."""
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
            current = stored.get(name)
            items = current if type(current) is list else []
            stored[name] = list(dict.fromkeys(items + value))
        else:
            stored[name] = value


def _sifted(account: Account, event: dict[str, Any], drops: list[Drop]) -> tuple[bytes, dict[str, Any]]:
    """Return a key that identical events share, and the event as it is stored.

    The key contains the name, the timestamp and the parameters. Insider doesn't publish which of these it compares. The
    key has the values as they were sent. So the same time in another spelling makes another event.
    """
    name, timestamp, sent = event["event_name"], event["timestamp"], event.get("event_params") or {}
    key = orjson.dumps((name, timestamp, sent), option=orjson.OPT_SORT_KEYS)
    params = sift_defaults(sent, defaults.PARAMS, "event_params.", drops)
    if sent.get("custom"):
        params["custom"] = account.params.sift(sent["custom"], "event_params.custom.", drops)
    return key, {"event_name": name, "timestamp": timestamp, "event_params": params}


def _add_event(world: World, profile: Profile, key: bytes, event: dict[str, Any]) -> None:
    stored = profile.events.get(key)
    if stored:
        stored["transmissions"] += 1
        world.stats.events["duplicate"] += 1
    elif _too_old(world, event):
        world.stats.events["too_old"] += 1
    else:
        profile.events[key] = event | {"received_at": time.time(), "transmissions": 1}
        world.stats.events["stored"] += 1


def _too_old(world: World, event: dict[str, Any]) -> bool:
    """Whether the event is too old for Insider to keep it. Inferred: the user counts as successful anyway."""
    if not world.switches.retention:
        return False
    name = event["event_name"]
    days = world.switches.retention_days.get(name, defaults.RETENTION_DAYS_BY_EVENT.get(name, defaults.RETENTION_DAYS))
    happened_at = defaults.time_of(event["timestamp"])
    return happened_at is not None and happened_at < datetime.now(UTC) - timedelta(days=days)
