"""Installs of our app at Yotpo that have started. Each has a secret that is valid once, for half an hour."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from connector.journal.vault import digest

if TYPE_CHECKING:
    from connector.journal.database import Connection

#: An install that takes longer than this has to be started again.
_INSTALL_SECONDS = 1800


def begin(connection: Connection, store_id: int) -> str:
    """Return a secret for one install of the app in this store. It is valid for half an hour."""
    state = secrets.token_urlsafe(32)
    connection.execute("delete from yotpo_installs where expires_at < now()")
    connection.execute(
        "insert into yotpo_installs values (%s, %s, now() + make_interval(secs => %s))",
        (digest(state), store_id, _INSTALL_SECONDS),
    )
    return state


def end(connection: Connection, state: str) -> int | None:
    """Return the store's id for the secret of an install, and delete the secret.

    Returns None if the secret is unknown, used or too old.
    """
    row = connection.execute(
        """
        delete from yotpo_installs using stores
        where state_digest = %s and stores.id = store_id and removed_at is null
        returning store_id, expires_at > now() as good
        """,
        (digest(state),),
    ).fetchone()
    return row.store_id if row and row.good else None
