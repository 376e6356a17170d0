"""Refresh: looks up the customers whom webhooks have touched, because most attributes are in no webhook.

One look-up, some time after the last webhook, serves all that came before it. No delivery waits for it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.errors import YotpoError, YotpoRefused, YotpoUnauthorized, YotpoUnavailable
from connector.http import backoff
from connector.journal import events
from connector.journal.sync import refreshes
from connector.journal.sync import snapshots as kept
from connector.model.identifiers import clean_email
from connector.sync import snapshots
from connector.sync.snapshots import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from connector.journal.database import Connection
    from connector.journal.sync.refreshes import Due
    from connector.model import Incoming, Json, YotpoAccount
    from connector.yotpo.client import StoreClient

#: In one turn: two questions each, five a second; and no more once it has taken so long, because Yotpo is slow.
_LIMIT = 5
_SECONDS = 5.0
#: So many customers in a row of whom Yotpo shows nothing for the moment, and it is taken to be away.
_AWAY = 3
#: One of whom Yotpo could not tell is asked for again later and later, up to this.
_LONGEST_SECONDS = 3600.0

_log = observability.logger("refresh")


class Looked(NamedTuple):
    """What came of looking up customers."""

    #: Snapshots that were journaled.
    snapshots: int
    #: Why Yotpo is to be left alone for a while; None where it is not.
    failure: YotpoError | None


class _Shown(NamedTuple):
    """What Yotpo shows of a customer: the Core API, and the Loyalty API."""

    core: Json | None = None
    loyalty: Json | None = None
    #: Why one of them could not tell for the moment.
    failure: YotpoUnavailable | None = None


def look_up(
    connection: Connection, account: YotpoAccount, client: StoreClient, *, settling: timedelta, quiet_seconds: float
) -> Looked:
    """Look up the customers of a store who are due, a few at a time, and journal what Yotpo shows of them.

    The Loyalty API's word is of the moment. What the Core API shows may lack what was written just before, by up to
    `settling`, and is dated so. A customer of whom Yotpo cannot tell is asked for again, and does not hold up the
    others; what it refuses to tell of one is asked again after his next webhook.
    """
    ends_at = time.monotonic() + _SECONDS
    served: list[Due] = []
    postponed: list[Due] = []
    incoming: list[Incoming] = []
    failure: YotpoError | None = None
    away = 0
    for due in refreshes.due(connection, account.store_id, limit=_LIMIT):
        asked_at = events.now(connection)
        try:
            shown = _ask(account, client, due.customer)
        except YotpoError as error:
            # It concerns the whole store: the rate is used up, or the credentials are no good.
            failure = error
            break
        incoming += _incoming(account, shown, asked_at=asked_at, settling=settling)
        (postponed if shown.failure else served).append(due)
        away = away + 1 if shown.failure and shown.core is None else 0
        if away == _AWAY:
            failure = shown.failure
        if failure or time.monotonic() > ends_at:
            break
    events.append(connection, incoming, low_priority=True)
    # What a webhook tells may win over what was shown just now; so the next reconcile sends these customers again.
    # Yotpo may show under his address whom the webhook named by his number.
    looked_up = {due.customer for due in (*served, *postponed)} | {one.customer for one in incoming if one.customer}
    kept.outdate(connection, account.store_id, looked_up)
    # Last, because a worker that has mapped a webhook of such a customer waits for these rows.
    waits = {
        due: backoff.exponential_seconds(quiet_seconds, due.failures, longest=_LONGEST_SECONDS) for due in postponed
    }
    refreshes.serve(connection, account.store_id, served, quiet_seconds=quiet_seconds, waits=waits)
    _log.info("customers.refreshed", store_id=account.store_id, served=len(served), postponed=len(postponed))
    return Looked(len(incoming), failure)


def _ask(account: YotpoAccount, client: StoreClient, customer: str) -> _Shown:
    """Ask both APIs about a customer. Raises YotpoUnavailable where the rate is used up, YotpoUnauthorized."""
    email = clean_email(customer)
    name = {"email": email} if email else {"phone": customer}
    try:
        core = _core(account, client, name)
    except YotpoRefused as error:
        _log.warning("refresh.refused", store_id=account.store_id, status=error.status)
        core = None
    except YotpoUnavailable as error:
        if error.limited:
            raise
        return _Shown(failure=error)
    try:
        loyalty = client.loyalty(**name) if client.has_loyalty else None
    except (YotpoRefused, YotpoUnauthorized) as error:
        # The Core API has just taken the credentials: this is about Loyalty alone, or its keys.
        _log.warning("loyalty.refused", store_id=account.store_id, error=str(error))
        return _Shown(core)
    except YotpoUnavailable as error:
        if error.limited:
            raise
        return _Shown(core, failure=error)
    named = {"email": customer} if email else {"phone_number": customer}
    return _Shown(core, named | {"loyalty": loyalty} if loyalty else None)


def _core(account: YotpoAccount, client: StoreClient, name: dict[str, str]) -> Json | None:
    """Return all that the Core API shows of a customer, with one question for each value of `expand`."""
    core: Json = {}
    for expand in account.expands or ():
        # What was not asked for is null in the answer, and must not hide what another one has shown.
        one = client.customer(**name, expand=expand) or {}
        core |= {field: value for field, value in one.items() if value is not None or field not in core}
    return core or None


def _incoming(account: YotpoAccount, shown: _Shown, *, asked_at: datetime, settling: timedelta) -> Iterator[Incoming]:
    """Yield the events of what each API has shown: two, because they are true at different times."""
    for part, true_at in ((shown.core, asked_at - settling), (shown.loyalty, asked_at)):
        if part is None:
            continue
        taken = snapshots.snapshot(part)
        if isinstance(taken, Flaw):
            _log.warning("refresh.skipped", store_id=account.store_id, reason=str(taken))
        else:
            asked_by = f"refresh {asked_at.timestamp():.3f}"
            yield snapshots.incoming(account.store_id, taken, asked_by=asked_by, true_at=true_at)
