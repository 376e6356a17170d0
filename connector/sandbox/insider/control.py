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
from itertools import islice
from typing import Any

from flask import Blueprint, request

from connector.sandbox.insider.profiles import Profile, flat
from connector.sandbox.insider.world import World
from connector.sandbox.simulation import control
from connector.sandbox.simulation.shapes import as_list, as_object

#: How many profiles are shown at once.
_MOST_PROFILES = 1_000
_FILTERS = ("email", "phone_number", "uuid")


def blueprint(world: World) -> Blueprint:
    return control.blueprint("control", control.COMMON | _OPERATIONS, world, world.lock)


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
    given = control.given()
    partner = str(given.get("partner", ""))
    directory = world.account(partner).directory
    wanted = [flat(as_object(each)) for each in as_list(given.get("identifiers"))]
    return [[_without_events(partner, each) for each in directory.find(identifiers)] for identifiers in wanted]


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


def _set(world: World) -> dict[str, Any]:
    switches = control.set_switches(world)
    if not control.given().keys().isdisjoint({"panel", "param_panel", "attribute_budget", "param_budget"}):
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
