"""The control routes, for tests: JSON, without a token, under /_sandbox.

GET    /users      profiles, oldest first; ?partner= ?email= ?phone_number= ?uuid=
GET    /profiles   the same profiles in pages, without events: ?partner= ?after=BORN ?limit=N (1,000 at most)
POST   /profiles   finds profiles; the body has `partner` and `identifiers`, which is a list of objects; the answer has
                   a list of profiles for each of these objects
GET    /requests   the log, oldest first; ?since=SEQ (later requests only) ?limit=N ?full=1 (with their bodies)
GET    /stats      counters, which values were left out and why, the names that each account has declared
GET    /faults     the faults with their hits; POST adds one (see faults.py), DELETE clears all
GET    /settings   the switches; POST sets some (see switches.py)
POST   /reset      forgets profiles, log, counters and faults, and numbers requests from 1; keeps the switches
GET    /health
"""

from collections import defaultdict
from itertools import islice
from typing import Any

from flask import Blueprint, request

from connector.sandbox.insider.profiles import Profile, flat
from connector.sandbox.insider.world import World
from connector.sandbox.simulation import control
from connector.sandbox.simulation.shapes import as_list, as_object

#: The maximum number of profiles in a page.
_MOST_PROFILES = 1_000
_FILTERS = ("email", "phone_number", "uuid")


def blueprint(world: World) -> Blueprint:
    return control.blueprint("control", control.COMMON | _OPERATIONS, world, world.lock)


def _users(world: World) -> list[dict[str, Any]]:
    query = request.args
    partner = query.get("partner")
    identifiers = {name: query[name] for name in _FILTERS if name in query}
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
    later = (profile for profile in profiles if profile.born > after)
    return [_without_events(partner, profile) for profile in islice(later, limit)]


def _found_profiles(world: World) -> list[list[dict[str, Any]]]:
    body = control.request_json()
    partner = str(body.get("partner", ""))
    directory = world.account(partner).directory
    searches = [flat(as_object(identifiers)) for identifiers in as_list(body.get("identifiers"))]
    return [[_without_events(partner, profile) for profile in directory.find(search)] for search in searches]


def _without_events(partner: str, profile: Profile) -> dict[str, Any]:
    shown = profile.shown(partner) | {"born": profile.born}
    del shown["events"]
    return shown


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
            "total": sum(len(directory.profiles) for directory in directories),
            "merged": sum(directory.merged for directory in directories),
            "merges_refused": sum(directory.merges_refused for directory in directories),
            "identifiers_ignored": sum(directory.identifiers_ignored for directory in directories),
        },
        "declared": {
            partner: {"attributes": account.attributes.declared, "params": account.params.declared}
            for partner, account in accounts.items()
        },
    }


def _set(world: World) -> dict[str, Any]:
    switches = control.set_switches(world)
    if not control.request_json().keys().isdisjoint({"panel", "param_panel", "attribute_budget", "param_budget"}):
        world.redeclare()
    return switches


_OPERATIONS: dict[tuple[str, str], control.Operation] = {
    ("GET", "/users"): _users,
    ("GET", "/profiles"): _profiles,
    ("POST", "/profiles"): _found_profiles,
    ("GET", "/stats"): _stats,
    ("GET", "/settings"): control.show_switches,
    ("POST", "/settings"): _set,
}
