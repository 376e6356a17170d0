"""A refresh looks up the customers of webhooks at Yotpo, because webhooks do not contain most attributes.

One look-up, some time after the last webhook of a customer, is enough for all webhooks before it. Deliveries do not
wait for the look-up.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.errors import YotpoError, YotpoRefused, YotpoUnauthorized, YotpoUnavailable
from connector.http import backoff
from connector.journal import events
from connector.journal.sync import refreshes
from connector.journal.sync import snapshots as digests
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

#: The most customers that are looked up under one lease. Each needs two requests, and Yotpo allows five requests per
#: second.
_LIMIT = 5
#: If Yotpo is slow, no further customer is looked up under the lease after this number of seconds.
_SECONDS = 5.0
#: After this number of failed look-ups in a row, Yotpo counts as unavailable.
_AWAY = 3
#: The longest wait before a failed look-up is tried again.
_LONGEST_SECONDS = 3600.0

_log = observability.logger("refresh")


class Looked(NamedTuple):
    """The result of one call of `look_up`."""

    #: How many snapshots were journaled.
    snapshots: int
    #: Why the store has to be paused; None if no pause is needed.
    failure: YotpoError | None


class _State(NamedTuple):
    """A customer's state: from the Core API, and from the Loyalty API."""

    core: Json | None = None
    loyalty: Json | None = None
    #: Why one of the two APIs is temporarily not available.
    failure: YotpoUnavailable | None = None


def look_up(
    connection: Connection, account: YotpoAccount, client: StoreClient, *, settling: timedelta, quiet_seconds: float
) -> Looked:
    """Look up some of the store's customers that are due, and journal their snapshots.

    The Loyalty API shows the current state. The Core API may show a change only after `settling`, so the date of its
    snapshot is `settling` before the request. If Yotpo fails for a customer, that customer is looked up again later,
    and the look-ups of other customers continue. If Yotpo refuses the look-up of a customer, the customer is looked up
    again only after the next webhook.
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
            state = _state(account, client, due.customer)
        except YotpoError as error:
            # The error concerns the whole store: Yotpo's rate is used up, or Yotpo refuses the credentials.
            failure = error
            break
        incoming += _incoming(account, state, asked_at=asked_at, settling=settling)
        (postponed if state.failure else served).append(due)
        away = away + 1 if state.failure and state.core is None else 0
        if away == _AWAY:
            failure = state.failure
        if failure or time.monotonic() > ends_at:
            break
    events.append(connection, incoming, low_priority=True)
    # Values of a newer webhook may replace values of this snapshot. So the next nightly backfill has to send these
    # customers again. A customer may have two names: the phone number in the webhook, and the e-mail address in Yotpo's
    # response. The digests of both names are cleared.
    looked_up = {due.customer for due in (*served, *postponed)} | {
        event.customer for event in incoming if event.customer
    }
    digests.outdate(connection, account.store_id, looked_up)
    # This call comes last, because it locks the rows of these customers until the transaction ends. A worker that maps
    # a webhook of such a customer needs the same rows.
    waits = {
        due: backoff.exponential_seconds(quiet_seconds, due.failures, longest=_LONGEST_SECONDS) for due in postponed
    }
    refreshes.finish(connection, account.store_id, served, quiet_seconds=quiet_seconds, waits=waits)
    _log.info("customers.refreshed", store_id=account.store_id, served=len(served), postponed=len(postponed))
    return Looked(len(incoming), failure)


def _state(account: YotpoAccount, client: StoreClient, customer: str) -> _State:
    """Look up a customer in both APIs.

    Raises YotpoUnavailable if Yotpo's rate is used up, and YotpoUnauthorized if Yotpo refuses the credentials.
    """
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
        return _State(failure=error)
    try:
        loyalty = client.loyalty(**name) if client.has_loyalty else None
    except (YotpoRefused, YotpoUnauthorized) as error:
        # The Core API has just accepted the credentials, so the error concerns only Loyalty or its keys.
        _log.warning("loyalty.refused", store_id=account.store_id, error=str(error))
        return _State(core)
    except YotpoUnavailable as error:
        if error.limited:
            raise
        return _State(core, failure=error)
    named = {"email": customer} if email else {"phone_number": customer}
    return _State(core, named | {"loyalty": loyalty} if loyalty else None)


def _core(account: YotpoAccount, client: StoreClient, name: dict[str, str]) -> Json | None:
    """Return the customer from the Core API, with one request for each value of `expand`."""
    core: Json = {}
    for expand in account.expands or ():
        # If a request does not ask for a field, the field is null in the response. This null must not replace the value
        # from another response.
        answer = client.customer(**name, expand=expand) or {}
        core |= {field: value for field, value in answer.items() if value is not None or field not in core}
    return core or None


def _incoming(account: YotpoAccount, state: _State, *, asked_at: datetime, settling: timedelta) -> Iterator[Incoming]:
    """Yield one event for each API's response, because the two responses are true at different times."""
    for content, true_at in ((state.core, asked_at - settling), (state.loyalty, asked_at)):
        if content is None:
            continue
        snapshot = snapshots.snapshot(content)
        if isinstance(snapshot, Flaw):
            _log.warning("refresh.skipped", store_id=account.store_id, reason=str(snapshot))
        else:
            asked_by = f"refresh {asked_at.timestamp():.3f}"
            yield snapshots.incoming(account.store_id, snapshot, asked_by=asked_by, true_at=true_at)
