"""Refresh: looks up the customers whom webhooks have touched, because most attributes are in no webhook.

One look-up, some time after the last webhook, serves all that came before it. No delivery waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector import observability, snapshots
from connector.errors import YotpoError, YotpoRefused, YotpoUnauthorized
from connector.identifiers import clean_email
from connector.journal import events, refreshes
from connector.journal import snapshots as kept

if TYPE_CHECKING:
    from datetime import timedelta

    from connector.journal.database import Connection
    from connector.journal.refreshes import Due
    from connector.model import Incoming, Json, YotpoAccount
    from connector.yotpo.client import Line

#: In one turn: two questions each, five a second, so that a turn is over in two seconds.
_LIMIT = 5

_log = observability.logger("refresh")


class Looked(NamedTuple):
    """What came of looking up customers."""

    #: Snapshots that were journaled.
    snapshots: int
    #: Why the rest of them have to wait; None where there is none.
    failure: YotpoError | None


def look_up(
    connection: Connection, account: YotpoAccount, line: Line, *, settling: timedelta, quiet_seconds: float
) -> Looked:
    """Look up the customers of a store who are due, a few at a time, and journal what Yotpo shows of them.

    What Yotpo's Core API shows may lack what was written just before, by up to `settling`; the Loyalty API's word is
    of the moment. What it refuses to tell of one customer is asked again after his next webhook.
    """
    served: list[Due] = []
    incoming: list[Incoming] = []
    failure: YotpoError | None = None
    for due in refreshes.due(connection, account.store_id, limit=_LIMIT):
        asked_at = events.now(connection)
        try:
            shown = _shown(connection, account, line, due.customer)
        except YotpoRefused as error:
            _log.warning("refresh.refused", store_id=account.store_id, status=error.status)
            shown = None
        except YotpoError as error:
            failure = error
            break
        served.append(due)
        if taken := snapshots.snapshot(shown) if shown else None:
            true_at = asked_at if "loyalty" in (shown or {}) else asked_at - settling
            asked_by = f"refresh {asked_at.timestamp():.3f}"
            incoming.append(snapshots.incoming(account.store_id, taken, asked_by=asked_by, true_at=true_at))
    events.append(connection, incoming, bulk=True)
    if served:
        refreshes.serve(connection, account.store_id, served, quiet_seconds=quiet_seconds)
        _log.info("customers.refreshed", store_id=account.store_id, asked=len(served), shown=len(incoming))
    return Looked(len(incoming), failure)


def _shown(connection: Connection, account: YotpoAccount, line: Line, customer: str) -> Json | None:
    """Return all that Yotpo shows of a customer: the Core API's object, and under `loyalty` the Loyalty API's."""
    email = clean_email(customer)
    name = {"email": email} if email else {"phone": customer}
    shown: Json = {}
    for expand in account.expands or ():
        one = line.customer(**name, expand=expand)
        if one:
            kept.keep(connection, account.store_id, {customer: snapshots.digest(one)}, expand=expand)
            # What was not asked for is null in the answer, and must not hide what another one has shown.
            shown |= {field: value for field, value in one.items() if value is not None or field not in shown}
    loyalty = _loyalty(account, line, name)
    if loyalty:
        shown = (shown or {"email" if email else "phone_number": customer}) | {"loyalty": loyalty}
    return shown or None


def _loyalty(account: YotpoAccount, line: Line, name: dict[str, str]) -> Json | None:
    """Return the Loyalty API's word; None also where it refuses keys or a token that the Core API has just taken."""
    if not line.has_loyalty:
        return None
    try:
        return line.loyalty(**name)
    except YotpoUnauthorized as error:
        _log.warning("loyalty.refused", store_id=account.store_id, error=str(error))
        return None
