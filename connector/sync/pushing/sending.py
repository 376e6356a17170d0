"""Sends a store's customers to Yotpo, one after the other, and reads them back on request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from connector.errors import YotpoRefused
from connector.sync.pushing import comparing, forms
from connector.sync.pushing.results import EarlierRuns, Result
from connector.sync.pushing.work import LEASE_CUSTOMERS, Reading, Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.model import Json
    from connector.sync.pushing.reading import Row
    from connector.sync.pushing.waiting import PatientStore
    from connector.sync.pushing.work import Sending
    from connector.yotpo.client import StoreClient

#: After this number of seconds under a lease, the run starts no further request.
_LEASE_SECONDS = 3.0


def check(rows: Iterable[Row], *, force: bool = False) -> Iterator[Result | None]:
    """Check customers and send nothing. Yield a result for each wrong line, and None for each correct line."""
    for row in rows:
        problems = (row.problem or "",) if row.fields is None else forms.check(row.fields, force=force).problems
        yield Result(row.line, None, "invalid", problems) if problems else None


def push(
    rows: Iterable[Row],
    store: PatientStore,
    *,
    earlier: EarlierRuns | None = None,
    force: bool = False,
    verify_seconds: float | None = None,
) -> Iterator[Result]:
    """Send customers and yield the result of each line as soon as it is known.

    Two kinds of lines are not sent: wrong lines, and lines that an earlier run has sent with the same content
    (`earlier`). Their results are yielded at once. With `verify_seconds`, each customer is read back this number of
    seconds after it was sent, and the line gets a second result. If Yotpo does not answer, the same customer is sent
    again until Yotpo answers.

    Raises OperatorError if the store's account is not connected, or if Yotpo no longer accepts its credentials.
    """
    work = Work(
        app_key=store.account().app_key,
        earlier=earlier or EarlierRuns(),
        force=force,
        verify_seconds=verify_seconds,
        began_at=time.monotonic(),
    )
    for row in rows:
        if result := work.take(row):
            yield result
        # Read the lines before the lease begins, because a slow input must not delay the workers.
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
            item = work.next(time.monotonic())
            if item is None or time.monotonic() >= ends_at:
                return
            result = _read_back(client, item) if isinstance(item, Reading) else _send(client, item)
            store.succeed()
            work.done(item, result, time.monotonic())
            yield result


def _send(client: StoreClient, sending: Sending) -> Result:
    label = forms.label(sending.customer)
    try:
        client.upsert(sending.customer)
    except YotpoRefused as refused:
        return Result(sending.line, label, "refused", (str(refused),), sending.digest)
    return Result(sending.line, label, "sent", (), sending.digest)


def _read_back(client: StoreClient, reading: Reading) -> Result:
    line, customer, digest = reading.sending
    label = forms.label(customer)
    try:
        shown = _shown(client, customer)
    except YotpoRefused as refused:
        return Result(line, label, "missing", (str(refused),), digest)
    if shown is None:
        return Result(line, label, "missing", ("Yotpo shows no such customer",), digest)
    names = comparing.differing(reading.expected, shown)
    problems = tuple(f"{name}: Yotpo shows another value than was sent" for name in names)
    return Result(line, label, "differs" if names else "verified", problems, digest)


def _shown(client: StoreClient, customer: Json) -> Json | None:
    if "external_id" in customer:
        return client.customer(external_id=customer["external_id"])
    if "email" in customer:
        return client.customer(email=customer["email"])
    return client.customer(phone=customer["phone_number"])
