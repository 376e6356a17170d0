"""The accounts of stores at Yotpo: encrypted credentials, findings of the trial, pauses and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import orjson
import psycopg

from connector.errors import OperatorError
from connector.journal.vault import reseal_rows
from connector.model import YotpoAccount

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.journal.database import Connection
    from connector.journal.vault import Vault

#: After this number of responses with status 401 in a row, an account counts as revoked: the merchant has removed the
#: app or changed the secret (Yotpo's page "Authenticating").
REVOKED_AFTER = 3
#: A backfill reads the next page only while fewer snapshots than this wait to be mapped or delivered.
ROOM = 5_000

_COLUMNS = """
    store_id, app_key, mode, token_sealed, secret_sealed, loyalty_guid, loyalty_key_sealed, state, expands,
    review_webhooks, unauthorized, failures, pause_reason, version, connected_at, ended_at, repeats_expand,
    coalesce(paused_until > now(), false) as paused
"""


class Busy(NamedTuple):
    """A store with requests to send to Yotpo, or with a backfill that waits until its snapshots are delivered."""

    store_id: int
    #: True if a look-up is due, or if the account still needs its trial.
    live: bool
    #: True if a backfill is running and its next page may be read.
    backfill: bool

    @property
    def can_ask(self) -> bool:
        return self.live or self.backfill


def connect(
    connection: Connection,
    vault: Vault,
    *,
    store_id: int,
    app_key: str,
    mode: str,
    token: str | None = None,
    secret: str | None = None,
    loyalty_guid: str | None = None,
    loyalty_key: str | None = None,
) -> None:
    """Store an account, and replace the previous one. Raises OperatorError if another store uses this Yotpo store."""
    try:
        connection.execute(
            """
            insert into yotpo_accounts (store_id, app_key, mode, token_sealed, secret_sealed, loyalty_guid,
                                        loyalty_key_sealed)
            values (%s, %s, %s, %s, %s, %s, %s)
            on conflict (store_id) do update
            set app_key = excluded.app_key, mode = excluded.mode, token_sealed = excluded.token_sealed,
                secret_sealed = excluded.secret_sealed, loyalty_guid = excluded.loyalty_guid,
                loyalty_key_sealed = excluded.loyalty_key_sealed, state = 'connected', expands = null,
                review_webhooks = '{}', unauthorized = 0, failures = 0, paused_until = null, pause_reason = null,
                version = yotpo_accounts.version + 1, connected_at = now(), ended_at = null
            """,
            (store_id, app_key, mode, vault.seal(token), vault.seal(secret), loyalty_guid, vault.seal(loyalty_key)),
        )
    except psycopg.errors.UniqueViolation:
        raise OperatorError(
            f"another store here is connected to the Yotpo store {app_key!r}; disconnect that one first"
        ) from None


def disconnect(connection: Connection, store_id: int) -> bool:
    """Delete the credentials and the pending look-ups; return False if there was no account.

    A running or paused backfill is cancelled.
    """
    ended = connection.execute(
        """
        update yotpo_accounts
        set state = 'disconnected', token_sealed = null, secret_sealed = null, loyalty_key_sealed = null,
            review_webhooks = '{}', paused_until = null, pause_reason = null, version = version + 1, ended_at = now()
        where store_id = %s and state <> 'disconnected'
        """,
        (store_id,),
    ).rowcount
    connection.execute("delete from refreshes where store_id = %s", (store_id,))
    connection.execute("delete from yotpo_installs where store_id = %s", (store_id,))
    connection.execute(
        """
        update backfills set state = 'cancelled', ended_at = now()
        where store_id = %s and state in ('running', 'paused')
        """,
        (store_id,),
    )
    return bool(ended)


def by_store(connection: Connection, vault: Vault, store_id: int) -> YotpoAccount | None:
    """Return a store's account with its secrets decrypted; None if the store was never connected."""
    row = connection.execute(f"select {_COLUMNS} from yotpo_accounts where store_id = %s", (store_id,)).fetchone()
    return _account(row, vault) if row else None


def connected(connection: Connection, *, store_id: int | None = None) -> list[int]:
    """Return the ids of the connected stores, or only this id if its store is connected."""
    rows = connection.execute(
        """
        select store_id from yotpo_accounts join stores on stores.id = store_id
        where state = 'connected' and removed_at is null and (%(store_id)s::int is null or store_id = %(store_id)s)
        order by store_id
        """,
        {"store_id": store_id},
    )
    return [row.store_id for row in rows]


def busy(connection: Connection, *, store_id: int | None = None) -> list[Busy]:
    """Return the stores that have requests to send to Yotpo, or only the one with this id.

    The store whose last turn is the longest ago comes first. The result includes stores with a backfill that waits
    until its snapshots are delivered.
    """
    rows = connection.execute(
        f"""
        select account.store_id, account.expands is null or coalesce(due.at <= now(), false) as live,
               running.id is not null and account.expands is not null and waiting.number < %(room)s as backfill
        from yotpo_accounts account
        join stores on stores.id = account.store_id
        left join lateral (select min(due_at) as at from refreshes where store_id = account.store_id) due on true
        left join backfills running on running.store_id = account.store_id and running.state = 'running'
            and (running.paused_until is null or running.paused_until <= now())
        left join lateral ({waiting_snapshots("account.store_id")}) waiting on running.id is not null
        where account.state = 'connected' and removed_at is null
          and (%(store_id)s::int is null or account.store_id = %(store_id)s)
          and (account.expands is null or due.at <= now() or running.id is not null)
          and (account.paused_until is null or account.paused_until <= now())
        order by account.turn_at nulls first, due.at, account.store_id
        """,
        {"room": ROOM, "store_id": store_id},
    )
    return [Busy(row.store_id, row.live, bool(row.backfill)) for row in rows]


def waiting_snapshots(store_id: LiteralString) -> LiteralString:
    """Return a query for the `number` of snapshots that wait to be mapped or delivered, up to `%(room)s` of each."""
    return f"""
        select (select count(*) from (select from queue
                where bulk and store_id = {store_id} limit %(room)s) received)
             + (select count(*) from (select from deliveries
                where bulk and store_id = {store_id} and state = 'waiting' limit %(room)s) owed) as number
    """


def keep_token(connection: Connection, vault: Vault, account: YotpoAccount, token: str) -> None:
    """Store a fetched token, so that the next request can use it."""
    _update(connection, account, "token_sealed = %(token)s", token=vault.seal(token))


def keep_findings(
    connection: Connection,
    account: YotpoAccount,
    *,
    expands: Sequence[str],
    repeats_expand: bool = False,
    review_webhooks: Mapping[str, str],
) -> None:
    """Store the findings of a trial: the values of `expand`, and the result of registering each webhook.

    An active backfill starts again, because its cursor may contain an older `expand`. No customer is counted twice.
    """
    _update(
        connection,
        account,
        "expands = %(expands)s, repeats_expand = %(repeats)s, review_webhooks = %(webhooks)s",
        expands=list(expands),
        repeats=repeats_expand,
        webhooks=orjson.dumps(review_webhooks).decode(),
    )
    connection.execute(
        """
        update backfills
        set cursor = null, pass = 0, restarts = restarts + 1, skipped = '{}',
            seen = seen - (select coalesce(sum(value::bigint), 0) from jsonb_each_text(skipped))
        where store_id = %s and state in ('running', 'paused') and pages > 0
        """,
        (account.store_id,),
    )


def pause(connection: Connection, account: YotpoAccount, *, seconds: float, reason: str) -> None:
    """Pause the account and count the failure."""
    _update(
        connection,
        account,
        "paused_until = clock_timestamp() + make_interval(secs => %(seconds)s), pause_reason = %(reason)s, "
        "failures = failures + 1",
        seconds=seconds,
        reason=reason,
    )


def pause_store(connection: Connection, store_id: int, *, seconds: float, reason: str) -> None:
    """Pause a store's account, even if its secrets cannot be read, and count the failure."""
    connection.execute(
        """
        update yotpo_accounts
        set paused_until = clock_timestamp() + make_interval(secs => %s), pause_reason = %s, failures = failures + 1,
            turn_at = clock_timestamp()
        where store_id = %s
        """,
        (seconds, reason, store_id),
    )


def count_unauthorized(connection: Connection, account: YotpoAccount) -> bool:
    """Count a response with status 401; return True if the account is now revoked.

    The response is ignored if an operator has replaced the credentials in the meantime.
    """
    revoked = account.unauthorized + 1 >= REVOKED_AFTER
    counted = _update(
        connection,
        account,
        "unauthorized = unauthorized + 1"
        + (", state = 'revoked', paused_until = null, ended_at = now()" if revoked else ""),
    )
    return counted and revoked


def succeed(connection: Connection, account: YotpoAccount) -> None:
    """Record that Yotpo has answered: reset the failures and end the pause."""
    healthy = "unauthorized = 0, failures = 0, paused_until = null, pause_reason = null"
    _update(connection, account, f"turn_at = clock_timestamp(), {healthy}")


def reseal(connection: Connection, vault: Vault) -> int:
    """Encrypt the accounts' secrets again with the first key of SECRET_KEY; return the number of accounts."""
    return reseal_rows(
        connection,
        vault,
        table="yotpo_accounts",
        key="store_id",
        columns=("token_sealed", "secret_sealed", "loyalty_key_sealed"),
        where="state <> 'disconnected'",
    )


def _update(connection: Connection, account: YotpoAccount, changes: str, **values: Any) -> bool:
    """Change an account; return False if an operator has connected it again in the meantime."""
    changed = connection.execute(
        f"update yotpo_accounts set {changes} where store_id = %(store_id)s and version = %(version)s",
        {"store_id": account.store_id, "version": account.version, **values},
    )
    return changed.rowcount > 0


def _account(row: Any, vault: Vault) -> YotpoAccount:
    return YotpoAccount(
        store_id=row.store_id,
        app_key=row.app_key,
        mode=row.mode,
        token=vault.open(row.token_sealed),
        secret=vault.open(row.secret_sealed),
        loyalty_guid=row.loyalty_guid,
        loyalty_key=vault.open(row.loyalty_key_sealed),
        state=row.state,
        expands=None if row.expands is None else tuple(row.expands),
        repeats_expand=row.repeats_expand,
        review_webhooks=row.review_webhooks,
        unauthorized=row.unauthorized,
        failures=row.failures,
        paused=row.paused,
        pause_reason=row.pause_reason,
        version=row.version,
        connected_at=row.connected_at,
        ended_at=row.ended_at,
    )
