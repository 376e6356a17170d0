"""Stores: their settings, their encrypted secrets, holds that operators set, and pauses that delivery sets."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import orjson
import psycopg

from connector.errors import OperatorError, SecretsError, StoreNotFound
from connector.journal import partitions
from connector.journal.vault import digest, reseal_rows
from connector.model import Options, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.journal.database import Connection
    from connector.journal.vault import Vault

_COLUMNS = """
    id, name, token_sealed, webhook_secret_sealed, webhook_secret_header, insider_partner, insider_token_sealed,
    insider_url, options, held, pause_reason, failures, version, created_at,
    coalesce(paused_until > now(), false) as paused
"""

#: Every change by an operator ends the pause that delivery has set. It also increases the version: so the result of a
#: request that was sent with the old settings is ignored.
_CHANGED = "paused_until = null, pause_reason = null, failures = 0, version = version + 1"


def add(
    connection: Connection,
    vault: Vault,
    *,
    name: str,
    insider_partner: str,
    insider_token: str,
    insider_url: str | None = None,
    webhook_secret: str | None = None,
    webhook_secret_header: str = "Authorization",
    options: Options | None = None,
) -> Store:
    """Add a store and create its webhook token. Raises OperatorError if the name is in use."""
    token = secrets.token_urlsafe(32)
    try:
        row = connection.execute(
            f"""
            insert into stores (name, token_digest, token_sealed, webhook_secret_sealed, webhook_secret_header,
                                insider_partner, insider_token_sealed, insider_url, options)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            returning {_COLUMNS}
            """,
            (
                name,
                digest(token),
                vault.seal(token),
                vault.seal(webhook_secret),
                webhook_secret_header,
                insider_partner,
                vault.seal(insider_token),
                insider_url,
                orjson.dumps(options or Options()).decode(),
            ),
        ).fetchone()
    except psycopg.errors.UniqueViolation:
        raise OperatorError(
            f"there is a store named {name!r} already; choose another name, or remove that store"
        ) from None
    return _store(row, vault)


def by_token(connection: Connection, vault: Vault, token: str) -> Store | None:
    """Return the store whose webhook URL contains this token; None if there is none."""
    row = connection.execute(f"select {_COLUMNS} from stores where token_digest = %s", (digest(token),)).fetchone()
    return _store(row, vault) if row else None


def by_id(connection: Connection, vault: Vault, store_id: int) -> Store | None:
    row = connection.execute(
        f"select {_COLUMNS} from stores where id = %s and removed_at is null", (store_id,)
    ).fetchone()
    return _store(row, vault) if row else None


def options(connection: Connection, store_id: int, *, lock: bool = False) -> Options | None:
    """Return a store's options for its mapping; None if the store was removed.

    With `lock`, the store cannot be removed until the transaction ends.
    """
    clause = "for share" if lock else ""
    query = f"select options from stores where id = %s and removed_at is null {clause}"
    row = connection.execute(query, (store_id,)).fetchone()
    return Options(**row.options) if row else None


def by_name(connection: Connection, vault: Vault, name: str) -> Store:
    """Return the store with this name. Raises StoreNotFound."""
    row = connection.execute(
        f"select {_COLUMNS} from stores where name = %s and removed_at is null", (name,)
    ).fetchone()
    if row is None:
        raise StoreNotFound(f"there is no store named {name!r}; `connector stores list` shows all stores")
    return _store(row, vault)


def all_stores(connection: Connection, vault: Vault) -> list[Store]:
    rows = connection.execute(f"select {_COLUMNS} from stores where removed_at is null order by name")
    return [_store(row, vault) for row in rows]


def rotate_token(connection: Connection, vault: Vault, store: Store) -> None:
    """Give the store a new webhook URL. The old URL is unknown from now on."""
    token = secrets.token_urlsafe(32)
    connection.execute(
        "update stores set token_digest = %s, token_sealed = %s where id = %s and removed_at is null",
        (digest(token), vault.seal(token), store.id),
    )


def change(connection: Connection, vault: Vault, store: Store, changes: Mapping[str, Any]) -> None:
    """Change settings of a store; their names are the parameters of `add`.

    End its pause, because the old settings may have caused the pause.
    """
    sealed = {"insider_token": "insider_token_sealed", "webhook_secret": "webhook_secret_sealed"}
    values = {sealed.get(name, name): vault.seal(value) if name in sealed else value for name, value in changes.items()}
    if "options" in values:
        values["options"] = orjson.dumps(values["options"]).decode()
    columns = "".join(f"{column} = %({column})s, " for column in values)
    connection.execute(f"update stores set {columns} {_CHANGED} where id = %(id)s", {**values, "id": store.id})


def hold(connection: Connection, store: Store, *, held: bool) -> None:
    """Hold a store's deliveries, or release them. Both also end a pause that delivery has set."""
    connection.execute(f"update stores set held = %s, {_CHANGED} where id = %s", (held, store.id))


def remove(connection: Connection, store: Store) -> int:
    """Remove a store: accept no more webhooks for it, and delete its secrets. Its events and deliveries stay.

    Waiting deliveries become dead letters, and the function returns their number. It waits for the workers that hold a
    partition of the store.
    """
    partitions.hold_all(connection, store.id)
    # Also wait for a step of a replay. Such a step takes its locks in the same order.
    connection.execute("select from stores where id = %s for update", (store.id,))
    buried = connection.execute(
        """
        update deliveries
        set state = 'dead', reason = 'the store was removed', cause = 'store.removed', rule = '', settled_at = now()
        where store_id = %s and state = 'waiting'
        """,
        (store.id,),
    ).rowcount
    connection.execute(
        """
        delete from replayed_events using events
        where replayed_events.mapped_at is null and events.id = event_id and store_id = %s
        """,
        (store.id,),
    )
    connection.execute(
        """
        update stores
        set removed_at = now(), token_digest = null, token_sealed = null,
            webhook_secret_sealed = null, insider_token_sealed = null
        where id = %s
        """,
        (store.id,),
    )
    return buried


def reseal(connection: Connection, vault: Vault) -> int:
    """Encrypt the secrets of all stores again with the first key of SECRET_KEY; return the number of stores."""
    return reseal_rows(
        connection,
        vault,
        table="stores",
        key="id",
        columns=("token_sealed", "webhook_secret_sealed", "insider_token_sealed"),
        where="removed_at is null",
    )


def pause(connection: Connection, store: Store, *, seconds: float, reason: str) -> None:
    """Pause the store's deliveries and count the failure, unless an operator has changed the store in the meantime."""
    connection.execute(
        """
        update stores
        set paused_until = clock_timestamp() + make_interval(secs => %s), pause_reason = %s, failures = failures + 1
        where id = %s and version = %s
        """,
        (seconds, reason, store.id, store.version),
    )


def end_pause(connection: Connection, store: Store) -> None:
    """End a pause, because Insider has accepted deliveries of this store again."""
    connection.execute(
        """
        update stores set paused_until = null, pause_reason = null, failures = 0
        where id = %s and version = %s and failures > 0
        """,
        (store.id, store.version),
    )


def states(connection: Connection, *, name: str | None = None) -> list[dict[str, Any]]:
    """Return the states of all stores, or only of the one with this name.

    Each has counts of waiting events, waiting deliveries and dead letters.
    """
    rows = connection.execute(
        """
        select name,
               case when held then 'held'
                    when paused_until > now() then 'paused until ' || to_char(paused_until at time zone 'UTC',
                                                   'YYYY-MM-DD"T"HH24:MI:SS"Z"') || ': ' || pause_reason
                    else 'active' end as state,
               coalesce(received, 0) as received, coalesce(waiting, 0) as waiting, coalesce(dead, 0) as dead
        from stores
        left join (select store_id, count(*) as received from queue group by store_id) queued on queued.store_id = id
        left join (select store_id, count(*) filter (where state = 'waiting') as waiting,
                          count(*) filter (where state = 'dead') as dead
                   from deliveries where state in ('waiting', 'dead') group by store_id) open on open.store_id = id
        where removed_at is null and (%(name)s::text is null or name = %(name)s)
        order by name
        """,
        {"name": name},
    )
    return [row._asdict() for row in rows]


def _store(row: Any, vault: Vault) -> Store:
    try:
        token, secret, insider_token = map(
            vault.open, (row.token_sealed, row.webhook_secret_sealed, row.insider_token_sealed)
        )
    except SecretsError as error:
        raise SecretsError(f"store {row.name!r}: {error}") from None
    return Store(
        id=row.id,
        name=row.name,
        webhook_token=token or "",
        webhook_secret=secret,
        webhook_secret_header=row.webhook_secret_header,
        insider_partner=row.insider_partner,
        insider_token=insider_token or "",
        insider_url=row.insider_url,
        options=Options(**row.options),
        created_at=row.created_at,
        held=row.held,
        paused=row.paused,
        pause_reason=row.pause_reason,
        failures=row.failures,
        version=row.version,
    )
