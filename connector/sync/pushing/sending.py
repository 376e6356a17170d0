"""Sends customers to a store's Yotpo, one after the other, and reads them back where that is wanted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from connector.errors import YotpoRefused
from connector.sync.pushing import comparing, forms
from connector.sync.pushing.results import Before, Result
from connector.sync.pushing.work import LEASE_CUSTOMERS, Reading, Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.model import Json
    from connector.sync.pushing.reading import Row
    from connector.sync.pushing.waiting import PatientStore
    from connector.sync.pushing.work import Sending
    from connector.yotpo.client import StoreClient

#: After this many seconds nothing more is begun under a lease.
_LEASE_SECONDS = 3.0


def check(rows: Iterable[Row], *, force: bool = False) -> Iterator[Result | None]:
    """Check customers and send nothing; yield the result of each line that is wrong, None for the others."""
    for row in rows:
        problems = (row.problem or "",) if row.given is None else forms.check(row.given, force=force).problems
        yield Result(row.line, None, "invalid", problems) if problems else None


def push(
    rows: Iterable[Row],
    store: PatientStore,
    *,
    before: Before | None = None,
    force: bool = False,
    verify_seconds: float | None = None,
) -> Iterator[Result]:
    """Send customers; yield what became of each, as it happens: a line that is wrong, or was sent before, at once.

    With `verify_seconds`, each is read back so long after it was sent: of such a line come two results. What `before`
    says was sent, and is still the same, is not sent again. Where Yotpo does not answer, the same customer is sent
    again until it does.

    Raises OperatorError where the store's account with Yotpo is no good, or Yotpo no longer takes its credentials.
    """
    work = Work(
        app_key=store.account().app_key,
        before=before or Before(),
        force=force,
        verify_seconds=verify_seconds,
        began_at=time.monotonic(),
    )
    for row in rows:
        if result := work.take(row):
            yield result
        # Read the customers before the lease begins: a file that comes slowly must not hold up the workers.
        while work.is_enough:
            yield from _work_under_lease(store, work)
    while work.is_left:
        yield from _work_under_lease(store, work)


def _work_under_lease(store: PatientStore, work: Work) -> Iterator[Result]:
    now = time.monotonic()
    if work.next(now) is None:
        store.wait(work.due_in(now), "Yotpo needs a while to show what was sent; reading it back")
        return
    with store.lease() as client:
        if client is None:
            return
        ends_at = time.monotonic() + _LEASE_SECONDS
        for _ in range(LEASE_CUSTOMERS):
            duty = work.next(time.monotonic())
            if duty is None or time.monotonic() >= ends_at:
                return
            result = _read_back(client, duty) if isinstance(duty, Reading) else _send(client, duty)
            store.succeed()
            work.done(duty, result, time.monotonic())
            yield result


def _send(client: StoreClient, sending: Sending) -> Result:
    who = forms.who(sending.customer)
    try:
        client.upsert(sending.customer)
    except YotpoRefused as refused:
        return Result(sending.line, who, "refused", (str(refused),), sending.digest)
    return Result(sending.line, who, "sent", (), sending.digest)


def _read_back(client: StoreClient, reading: Reading) -> Result:
    number, customer, digest = reading.sending
    who = forms.who(customer)
    try:
        shown = _shown(client, customer)
    except YotpoRefused as refused:
        return Result(number, who, "missing", (str(refused),), digest)
    if shown is None:
        return Result(number, who, "missing", ("Yotpo shows no such customer",), digest)
    names = comparing.differing(reading.expected, shown)
    problems = tuple(f"{name}: Yotpo shows something else than was sent" for name in names)
    return Result(number, who, "differs" if names else "verified", problems, digest)


def _shown(client: StoreClient, customer: Json) -> Json | None:
    if "external_id" in customer:
        return client.customer(external_id=customer["external_id"])
    if "email" in customer:
        return client.customer(email=customer["email"])
    return client.customer(phone=customer["phone_number"])
