"""Sends every sample through the running connector and holds what arrived at Insider against its golden pair."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import requests

from connector.errors import OperatorError
from connector.journal import deliveries, story
from connector.journal.database import Database
from connector.model import Options
from connector.model.times import rfc3339
from connector.sandbox.samples import samples
from connector.sandbox.stack import SANDBOX
from connector.workshop import goldens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.model import Json
    from connector.sandbox.samples import Sample
    from connector.sandbox.stack import Stack

_UPSERT = "/api/user/v1/upsert"
_PATIENCE_SECONDS = 20.0
_POLL_SECONDS = 0.01
_WARM_UP = {"topic": "sandbox/started", "customer": {"email": "nobody@example.com"}}


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of one sample."""

    sample: Sample
    event_id: int
    #: In the form of a golden pair, with its addresses and times.
    arrived: Json
    #: From the webhook to Insider; None where nothing was to be sent there.
    milliseconds: float | None

    @property
    def as_expected(self) -> bool:
        return bool(self.arrived == json.loads(self.sample.golden.expected.read_bytes()))


class Show:
    """One run of all samples."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._session = requests.Session()
        self._database = Database(stack.environment["DATABASE_URL"], connections=1, wait_seconds=5.0)
        self._urls: dict[str, str] = {}

    def run(self, pairs: Iterable[goldens.Golden]) -> Iterator[Arrival]:
        """Send the samples one after another, each as soon as the one before has arrived."""
        self._warm_up()
        self._settle_leftovers()
        run = secrets.token_hex(3)
        for sample in samples(pairs, run=run, now=datetime.now(UTC)):
            yield self._send(sample)

    def webhook_url(self, options: Options) -> str:
        """Return the webhook URL of a store with these options; it is added where a run before has not done so."""
        given = {name: value for name, value in asdict(options).items() if value is not None}
        name = "-".join([SANDBOX, *map(str, given.values())]).lower()
        if name not in self._urls:
            flags = [word for key, value in given.items() for word in (f"--{key.replace('_', '-')}", str(value))]
            try:
                store = self._stack.command("stores", "resume", name)
            except OperatorError:
                store = self._stack.command(
                    "stores", "add", name, "--insider-partner", "sandbox", "--insider-token", "sandbox-token", *flags
                )
            self._urls[name] = f"{self._stack.web_url}/webhooks/yotpo/{store['webhook_url'].rpartition('/')[2]}"
        return self._urls[name]

    def _send(self, sample: Sample) -> Arrival:
        golden = sample.golden
        url = f"{self.webhook_url(golden.options)}/{golden.topic}"
        since = max((entry["seq"] for entry in self._stack.insider("requests")), default=0)
        sent_at = time.time()
        answer = self._session.post(
            url,
            data=sample.body,
            headers={"Content-Type": "application/json", "eventid": sample.tag},
            timeout=10,
        )
        if answer.status_code != requests.codes.ok:
            raise OperatorError(f"{golden}: the intake answered {answer.status_code}: {answer.text}")
        event = self._settled(answer.json()["id"], str(golden))
        users, at = self._users(since)
        took = (at - sent_at) * 1000 if at else None
        return Arrival(sample, event["id"], _as_golden(sample, event, users), took)

    def _settled(self, event_id: int, name: str) -> dict[str, Any]:
        """Wait until everything that follows from an event has been done, and return what the journal knows of it."""
        patience = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < patience:
            with self._database.connection() as connection:
                event = story.of_event(connection, event_id)
            undone = {"received", "waiting"}
            if event and undone.isdisjoint({event["state"], *(one["state"] for one in event["deliveries"])}):
                return event
            time.sleep(_POLL_SECONDS)
        raise OperatorError(
            f"{name} has not arrived within {_PATIENCE_SECONDS:g} seconds; see the logs in {self._stack.state}"
        )

    def _users(self, since: int) -> tuple[list[Json], float | None]:
        """Return the users that Insider has been sent since, and when the last of them came."""
        entries = self._stack.insider("requests", since=since, full=1)
        upserted = [user for entry in entries if entry["path"] == _UPSERT for user in entry["body"]["users"]]
        cleared = [user for entry in entries if entry["path"] != _UPSERT for user in entry["body"]["users"]]
        return _with_cleared(upserted, cleared), max((entry["at"] for entry in entries), default=None)

    def _settle_leftovers(self) -> None:
        """Wait until what a run before has left waiting is delivered, so that it is not taken for this run's."""
        patience = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < patience:
            with self._database.connection() as connection:
                if not deliveries.oldest_undelivered_seconds(connection):
                    return
            time.sleep(_POLL_SECONDS)
        raise OperatorError("a run before has left something that is not delivered; `connector status` shows it")

    def _warm_up(self) -> None:
        """Wait until a first webhook went all the way, so that the others' times are not those of starting up."""
        answer = self._session.post(self.webhook_url(Options()), json=_WARM_UP, timeout=10)
        self._settled(answer.json()["id"], "the first webhook")


def _as_golden(sample: Sample, event: dict[str, Any], users: list[Json]) -> Json:
    """Write what became of an event in the form of a golden pair."""
    dead = [one for one in event["deliveries"] if one["state"] == "dead"]
    written = {
        "users": [_update(user) for user in users],
        "refused": [{"reason": one["reason"], **goldens.without_empty(one["update"])} for one in dead],
        "notes": [{"name": note["name"], "problem": note["problem"]} for note in event["notes"] or []],
        "notice": event["notice"],
    }
    if event["occurred_at"] == event["received_at"]:
        _stop_clock(sample, rfc3339(event["received_at"]), written["users"] + written["refused"])
    return goldens.without_empty(sample.as_documented(written))


def _with_cleared(upserted: list[Json], cleared: list[Json]) -> list[Json]:
    """Join what Insider was asked to take and to forget of the same users."""
    users = [dict(user) for user in upserted]
    for forgotten in cleared:
        same = [user for user in users if user["identifiers"] == forgotten["identifiers"]]
        if not same:
            same = [{"identifiers": forgotten["identifiers"]}]
            users += same
        same[0]["cleared"] = [*forgotten.get("whole", []), *forgotten.get("custom", {}).get("whole", [])]
    return users


def _update(user: Json) -> Json:
    """Write a user as the update that it was."""
    events = [
        goldens.without_empty(
            {
                "name": one["event_name"],
                "timestamp": one["timestamp"],
                "params": _flat(one.get("event_params", {})),
            }
        )
        for one in user.get("events", [])
    ]
    return goldens.without_empty(
        {
            "identifiers": user["identifiers"],
            "attributes": _flat(user.get("attributes", {})),
            "events": events,
            "cleared": user.get("cleared", []),
        }
    )


def _stop_clock(sample: Sample, received_at: str, updates: list[Json]) -> None:
    """Replace the time of receipt by that of the golden pairs, whose clock stands still."""
    stopped = rfc3339(goldens.RECEIVED_AT + timedelta(days=sample.days))
    for update in updates:
        for one in update.get("events", []):
            if one["timestamp"] == received_at:
                one["timestamp"] = stopped


def _flat(values: Json) -> Json:
    return {**{name: value for name, value in values.items() if name != "custom"}, **values.get("custom", {})}


def table(arrivals: list[Arrival]) -> Iterator[str]:
    """Yield the lines of the table: topic, user, attributes, user events, milliseconds from webhook to Insider."""
    yield f"{'topic and case':62} {'user':34} {'attributes':>10}  {'user events':32} {'ms':>6}"
    for arrival in arrivals:
        yield from _rows(arrival)
    times = [arrival.milliseconds for arrival in arrivals if arrival.milliseconds is not None]
    if times:
        right = sum(arrival.as_expected for arrival in arrivals)
        yield ""
        yield f"{right} of {len(arrivals)} samples arrived as their golden pairs say."
        yield f"From webhook to Insider: p50 {median(times):.0f} ms, slowest {max(times):.0f} ms."


def _rows(arrival: Arrival) -> Iterator[str]:
    golden = arrival.sample.golden
    name = f"{golden.topic} {golden.case}"
    told = arrival.arrived
    what = [
        (
            next(iter(user["identifiers"].values())),
            len(user.get("attributes", {})),
            [one["name"] for one in user.get("events", [])],
        )
        for user in told.get("users", [])
    ]
    what += [("dead letter", 0, [one["reason"]]) for one in told.get("refused", [])]
    if "notice" in told:
        what.append(("operator notice", 0, [told["notice"]["text"]]))
    for position, (user, attributes, user_events) in enumerate(what or [("nobody", 0, [])]):
        took = "-" if arrival.milliseconds is None else f"{arrival.milliseconds:.0f}"
        first = position == 0
        yield (
            f"{name if first else '':62} {user:34} {attributes or '-':>10}  {', '.join(user_events) or '-':32} "
            f"{took if first else '':>6}"
        ).rstrip()
    if not arrival.as_expected:
        yield f"    DIFFERS from {golden.expected.name}: {json.dumps(told, ensure_ascii=False)}"
