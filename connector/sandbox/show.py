"""Sends every sample through the running connector and compares what arrived at Insider with its golden pair."""

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
from connector.journal import story
from connector.journal.database import Database
from connector.journal.results import deliveries
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
_TIMEOUT_SECONDS = 20.0
_POLL_SECONDS = 0.01
_WARM_UP = {"topic": "sandbox/started", "customer": {"email": "nobody@example.com"}}


@dataclass(frozen=True, slots=True)
class Arrival:
    """The result of one sample."""

    sample: Sample
    event_id: int
    #: What arrived, in the form of a golden pair, with the pair's addresses and times.
    arrived: Json
    #: The time from the webhook to Insider; None if no request was sent to Insider.
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
        """Send each sample as soon as the previous sample has arrived, and yield what arrived at Insider.

        Raises OperatorError if the intake refuses a sample, or if a sample does not arrive within 20 seconds.
        """
        self._warm_up()
        self._settle_leftovers()
        run = secrets.token_hex(3)
        for sample in samples(pairs, run=run, now=datetime.now(UTC)):
            yield self._send(sample)

    def webhook_url(self, options: Options) -> str:
        """Return the webhook URL of a store with these options; add the store unless an earlier run has done so."""
        set_options = {name: value for name, value in asdict(options).items() if value is not None}
        name = "-".join([SANDBOX, *map(str, set_options.values())]).lower()
        if name not in self._urls:
            flags = [word for key, value in set_options.items() for word in (f"--{key.replace('_', '-')}", str(value))]
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
        response = self._session.post(
            url,
            data=sample.body,
            headers={"Content-Type": "application/json", "eventid": sample.tag},
            timeout=10,
        )
        if response.status_code != requests.codes.ok:
            raise OperatorError(f"{golden}: the intake answered {response.status_code}: {response.text}")
        event = self._settled(response.json()["id"], str(golden))
        users, arrived_at = self._users(since)
        milliseconds = (arrived_at - sent_at) * 1000 if arrived_at else None
        return Arrival(sample, event["id"], _as_golden(sample, event, users), milliseconds)

    def _settled(self, event_id: int, name: str) -> dict[str, Any]:
        """Wait until an event is mapped and none of its deliveries waits; return the event's timeline."""
        unsettled = {"received", "waiting"}
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with self._database.connection() as connection:
                event = story.of_event(connection, event_id)
            if event and unsettled.isdisjoint({event["state"], *(each["state"] for each in event["deliveries"])}):
                return event
            time.sleep(_POLL_SECONDS)
        raise OperatorError(
            f"{name} has not arrived within {_TIMEOUT_SECONDS:g} seconds; see the logs in {self._stack.state}"
        )

    def _users(self, since: int) -> tuple[list[Json], float | None]:
        """Return the users in requests to Insider after request `since`, and the time of the last request."""
        entries = self._stack.insider("requests", since=since, full=1)
        upserted = [user for entry in entries if entry["path"] == _UPSERT for user in entry["body"]["users"]]
        cleared = [user for entry in entries if entry["path"] != _UPSERT for user in entry["body"]["users"]]
        return _with_cleared(upserted, cleared), max((entry["at"] for entry in entries), default=None)

    def _settle_leftovers(self) -> None:
        """Wait until the deliveries of an earlier run are settled, so that they are not mistaken for this run's."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with self._database.connection() as connection:
                if not deliveries.oldest_undelivered_seconds(connection):
                    return
            time.sleep(_POLL_SECONDS)
        raise OperatorError("deliveries of an earlier run are still waiting; `connector status` shows more")

    def _warm_up(self) -> None:
        """Wait until a first webhook is settled, so that the times of the samples do not include the start."""
        response = self._session.post(self.webhook_url(Options()), json=_WARM_UP, timeout=10)
        self._settled(response.json()["id"], "the first webhook")


def _as_golden(sample: Sample, event: dict[str, Any], users: list[Json]) -> Json:
    """Return the result of an event in the form of a golden pair."""
    dead = [delivery for delivery in event["deliveries"] if delivery["state"] == "dead"]
    result = {
        "users": [_update(user) for user in users],
        "refused": [{"reason": delivery["reason"], **goldens.without_empty(delivery["update"])} for delivery in dead],
        "notes": [{"name": note["name"], "problem": note["problem"]} for note in event["notes"] or []],
        "notice": event["notice"],
    }
    if event["occurred_at"] == event["received_at"]:
        _stop_clock(sample, rfc3339(event["received_at"]), result["users"] + result["refused"])
    return goldens.without_empty(sample.as_documented(result))


def _with_cleared(upserted: list[Json], cleared: list[Json]) -> list[Json]:
    """Return the upserted users, each with the names of the attributes that were deleted for the same user."""
    users = [dict(user) for user in upserted]
    for deletion in cleared:
        matches = [user for user in users if user["identifiers"] == deletion["identifiers"]]
        if not matches:
            matches = [{"identifiers": deletion["identifiers"]}]
            users += matches
        matches[0]["cleared"] = [*deletion.get("whole", []), *deletion.get("custom", {}).get("whole", [])]
    return users


def _update(user: Json) -> Json:
    """Turn a user in a request back into the update from which the user was made."""
    events = [
        goldens.without_empty(
            {
                "name": user_event["event_name"],
                "timestamp": user_event["timestamp"],
                "params": _flat(user_event.get("event_params", {})),
            }
        )
        for user_event in user.get("events", [])
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
    """Replace the time of receipt by the fixed time of receipt of the golden pairs."""
    fixed = rfc3339(goldens.RECEIVED_AT + timedelta(days=sample.days))
    for update in updates:
        for user_event in update.get("events", []):
            if user_event["timestamp"] == received_at:
                user_event["timestamp"] = fixed


def _flat(values: Json) -> Json:
    return {**{name: value for name, value in values.items() if name != "custom"}, **values.get("custom", {})}


def table(arrivals: list[Arrival]) -> Iterator[str]:
    """Yield the lines of the table: topic, user, attributes, user events, milliseconds from webhook to Insider."""
    yield f"{'topic and case':62} {'user':34} {'attributes':>10}  {'user events':32} {'ms':>6}"
    for arrival in arrivals:
        yield from _rows(arrival)
    times = [arrival.milliseconds for arrival in arrivals if arrival.milliseconds is not None]
    if times:
        matching = sum(arrival.as_expected for arrival in arrivals)
        yield ""
        yield f"{matching} of {len(arrivals)} samples arrived as their golden pairs say."
        yield f"From webhook to Insider: p50 {median(times):.0f} ms, slowest {max(times):.0f} ms."


def _rows(arrival: Arrival) -> Iterator[str]:
    golden = arrival.sample.golden
    name = f"{golden.topic} {golden.case}"
    result = arrival.arrived
    rows = [
        (
            next(iter(user["identifiers"].values())),
            len(user.get("attributes", {})),
            [user_event["name"] for user_event in user.get("events", [])],
        )
        for user in result.get("users", [])
    ]
    rows += [("dead letter", 0, [refused["reason"]]) for refused in result.get("refused", [])]
    if "notice" in result:
        rows.append(("operator notice", 0, [result["notice"]["text"]]))
    for position, (user, attributes, user_events) in enumerate(rows or [("no user", 0, [])]):
        milliseconds = "-" if arrival.milliseconds is None else f"{arrival.milliseconds:.0f}"
        first = position == 0
        yield (
            f"{name if first else '':62} {user:34} {attributes or '-':>10}  {', '.join(user_events) or '-':32} "
            f"{milliseconds if first else '':>6}"
        ).rstrip()
    if not arrival.as_expected:
        yield f"    DIFFERS from {golden.expected.name}: {json.dumps(result, ensure_ascii=False)}"
