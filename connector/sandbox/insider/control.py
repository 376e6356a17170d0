"""What tests ask and tell the simulator, in JSON, without a token, under /_sandbox.

GET    /users      profiles in the order of their birth; ?partner= ?email= ?phone_number= ?uuid=
GET    /profiles   as /users, without events, for many of them: ?partner= ?after=BORN ?limit=N (1,000 at most)
POST   /profiles   whom identifiers lead to: partner, and identifiers, a list of objects; a list of profiles for each
GET    /requests   the log, oldest first; ?since=SEQ (later ones only) ?limit=N ?full=1 (with their bodies)
GET    /stats      counters, what was left out and why, the names that each account has declared
GET    /faults     the faults with their hits; POST adds one (see faults.py), DELETE clears all
GET    /settings   the switches; POST sets some (see switches.py)
POST   /reset      forgets profiles, log, counters and faults, and numbers requests from 1; the switches stay
GET    /health
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import Any

import orjson
from flask import Blueprint, Response, request

from connector.sandbox.insider.answers import Answer
from connector.sandbox.insider.api import as_response
from connector.sandbox.insider.faults import WrongFaultError
from connector.sandbox.insider.profiles import Profile, flat
from connector.sandbox.insider.shapes import as_list, as_object
from connector.sandbox.insider.switches import WrongSwitchError
from connector.sandbox.insider.world import World

#: How many profiles are shown at once.
_MOST_PROFILES = 1_000
_FILTERS = ("email", "phone_number", "uuid")


def blueprint(world: World) -> Blueprint:
    control = Blueprint("control", __name__, url_prefix="/_sandbox")
    for (method, path), answer in _ROUTES.items():
        view = partial(_serve, world, answer)
        control.add_url_rule(path, endpoint=f"{method} {path}", view_func=view, methods=[method])
    return control


def _serve(world: World, answer: Callable[[World], Any]) -> Response:
    with world.lock:
        try:
            return as_response(Answer(200, answer(world)))
        except (WrongFaultError, WrongSwitchError, orjson.JSONDecodeError) as error:
            return as_response(Answer(400, {"error": str(error)}))


def _health(_: World) -> dict[str, str]:
    return {"status": "ok"}


def _users(world: World) -> list[dict[str, Any]]:
    wanted = request.args
    partner = wanted.get("partner")
    identifiers = {name: wanted[name] for name in _FILTERS if name in wanted}
    return [
        profile.shown(name)
        for name, account in world.accounts.items()
        if partner in {None, name}
        for profile in account.directory.profiles.values()
        if identifiers.items() <= profile.identifiers.items()
    ]


def _profiles(world: World) -> list[dict[str, Any]]:
    partner, after = request.args.get("partner", ""), request.args.get("after", 0, type=int)
    limit = min(request.args.get("limit", _MOST_PROFILES, type=int), _MOST_PROFILES)
    profiles = world.account(partner).directory.profiles.values()
    return [_without_events(partner, each) for each in islice((it for it in profiles if it.born > after), limit)]


def _found_profiles(world: World) -> list[list[dict[str, Any]]]:
    given = _given()
    partner = str(given.get("partner", ""))
    directory = world.account(partner).directory
    wanted = [flat(as_object(each)) for each in as_list(given.get("identifiers"))]
    return [[_without_events(partner, each) for each in directory.find(identifiers)] for identifiers in wanted]


def _without_events(partner: str, profile: Profile) -> dict[str, Any]:
    shown = profile.shown(partner) | {"born": profile.born}
    del shown["events"]
    return shown


def _requests(world: World) -> list[dict[str, Any]]:
    limit = request.args.get("limit", type=int)
    found = world.log.after(request.args.get("since", 0, type=int), limit)
    if request.args.get("full") != "1":
        return [entry.shown() for entry in found]
    return [entry.shown() | {"body": world.log.body(entry.seq)} for entry in found]


def _stats(world: World) -> dict[str, Any]:
    stats, accounts = world.stats, world.accounts
    dropped: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (reason, name), count in stats.dropped.items():
        dropped[reason][name] = count
    directories = [account.directory for account in accounts.values()]
    return {
        "requests": {"total": stats.by_status.total(), "by_status": stats.by_status},
        "users": stats.users,
        "events": stats.events,
        "dropped": dropped,
        "profiles": {
            "total": sum(len(each.profiles) for each in directories),
            "merged": sum(each.merged for each in directories),
            "merges_refused": sum(each.merges_refused for each in directories),
            "identifiers_ignored": sum(each.identifiers_ignored for each in directories),
        },
        "declared": {
            partner: {"attributes": account.attributes.declared, "params": account.params.declared}
            for partner, account in accounts.items()
        },
    }


def _add_fault(world: World) -> dict[str, Any]:
    return world.faults.add(_given()).shown()


def _list_faults(world: World) -> list[dict[str, Any]]:
    return world.faults.shown()


def _clear_faults(world: World) -> list[dict[str, Any]]:
    world.faults.clear()
    return world.faults.shown()


def _settings(world: World) -> dict[str, Any]:
    return asdict(world.switches)


def _set(world: World) -> dict[str, Any]:
    values = _given()
    world.switches.change(values)
    if not values.keys().isdisjoint({"panel", "param_panel", "attribute_budget", "param_budget"}):
        world.redeclare()
    return asdict(world.switches)


def _reset(world: World) -> dict[str, Any]:
    world.reset()
    return {}


def _given() -> dict[str, Any]:
    return as_object(orjson.loads(request.get_data()))


_ROUTES: dict[tuple[str, str], Callable[[World], Any]] = {
    ("GET", "/health"): _health,
    ("GET", "/users"): _users,
    ("GET", "/profiles"): _profiles,
    ("POST", "/profiles"): _found_profiles,
    ("GET", "/requests"): _requests,
    ("GET", "/stats"): _stats,
    ("GET", "/faults"): _list_faults,
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): _clear_faults,
    ("GET", "/settings"): _settings,
    ("POST", "/settings"): _set,
    ("POST", "/reset"): _reset,
}
