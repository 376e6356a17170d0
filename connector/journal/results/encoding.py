"""The forms in which the journal stores updates, notes and lists of ids."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import orjson

from connector.journal.packing import unpack
from connector.model import UserEvent, UserUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence


def stored_update(stored: dict[str, Any] | str) -> dict[str, Any]:
    """Return the journaled form of an update. `all_deliveries` shows a packed one as text."""
    return dict(orjson.loads(unpack(b64decode(stored)))) if isinstance(stored, str) else stored


def update_of(stored: dict[str, Any] | str) -> UserUpdate:
    """Return the update that has this journaled form."""
    stored = stored_update(stored)
    return UserUpdate(
        identifiers=stored["identifiers"],
        attributes=stored["attributes"],
        events=tuple(
            UserEvent(name=event["name"], timestamp=event["timestamp"], params=event["params"])
            for event in stored["events"]
        ),
        cleared=tuple(stored.get("cleared", ())),
    )


def encoded(update: UserUpdate) -> str:
    """Return the journaled form of an update. An empty `cleared` is left out: nearly all updates have an empty one."""
    cleared = {"cleared": update.cleared} if update.cleared else {}
    stored = {"identifiers": update.identifiers, "attributes": update.attributes, "events": update.events, **cleared}
    return orjson.dumps(stored).decode()


def json_of(value: object) -> str | None:
    """Return notes as JSON; None if there are none."""
    return orjson.dumps(value).decode() if value else None


def array(ids: Sequence[int]) -> str:
    """Return an array as text, because PostgreSQL cannot have arrays of different lengths in one array."""
    return "{" + ",".join(map(str, ids)) + "}"
