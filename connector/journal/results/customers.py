"""Customers: the profile that Insider has of each. Only the worker that holds a customer's partition changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connector.model import ClearedAt, Profile, TrueAt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.journal.database import Connection


def profiles(connection: Connection, store_id: int, customers: Iterable[str]) -> dict[str, Profile]:
    """Return the profiles of these customers. Customers without a profile are left out."""
    rows = connection.execute(
        "select customer, identifiers, profile from customers where store_id = %s and customer = any(%s)",
        (store_id, list(customers)),
    )
    return {row.customer: _profile(row.identifiers, row.profile) for row in rows}


def write(connection: Connection, store_id: int, changed: Mapping[str, Profile]) -> None:
    """Write the changed profiles."""
    if changed:
        # The rows are sorted, so that two workers never lock them in different orders.
        rows = sorted((customer, *_stored(profile)) for customer, profile in changed.items())
        connection.execute(
            """
            insert into customers (store_id, customer, identifiers, profile, first_seen_at, last_seen_at)
            select %s, customer, identifiers::json, profile::json, now(), now()
            from unnest(%s::text[], %s::text[], %s::text[]) as fresh (customer, identifiers, profile)
            on conflict (store_id, customer) do update
            set identifiers = excluded.identifiers, profile = excluded.profile, last_seen_at = now()
            """,
            (store_id, *(list(column) for column in zip(*rows, strict=True))),
        )


def _profile(identifiers: dict[str, str], stored: list[Any]) -> Profile:
    profile = Profile(identifiers=identifiers)
    for milliseconds, event_id, attributes, cleared in stored:
        profile.attributes.update(attributes)
        profile.times.update(dict.fromkeys(attributes, TrueAt(milliseconds, event_id)))
        profile.times.update(dict.fromkeys(cleared, ClearedAt(milliseconds, event_id)))
    return profile


def _stored(profile: Profile) -> tuple[str, str]:
    """Return the identifiers and the profile in their stored form, which names the event of each attribute once."""
    by_event: dict[tuple[int, int], tuple[dict[str, Any], list[str]]] = {}
    for name, true_at in profile.times.items():
        attributes, cleared = by_event.setdefault((true_at.milliseconds, true_at.event_id), ({}, []))
        if isinstance(true_at, ClearedAt):
            cleared.append(name)
        else:
            attributes[name] = profile.attributes.get(name)
    stored = [[*event, attributes, cleared] for event, (attributes, cleared) in by_event.items()]
    return orjson.dumps(profile.identifiers).decode(), orjson.dumps(stored).decode()
