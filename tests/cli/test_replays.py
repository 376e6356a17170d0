"""`connector dead-letters` and `connector replays`: list, dry run, start, cancel, discard, and the audit."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector import mapping
from connector.journal import mapping_sets
from connector.journal.packing import pack
from connector.workshop import activation
from tests.delivery.pipelines import NOW, Connector, balance_files, changed

if TYPE_CHECKING:
    from tests.commands import Cli
    from tests.conftest import Insider


@pytest.fixture
def letters(connector: Connector, insider: Insider) -> list[int]:
    """Three dead letters of one cause."""
    emails = [f"bad{number}@example.com" for number in range(3)]
    insider.post("faults", kind="fail_users", emails=emails, error="events.0.event_params.*.required", message="no")
    ids = connector.receive(*(changed(email, 1, NOW) for email in [*emails, "good@example.com"]))
    connector.pipeline.advance(seconds=60)
    assert connector.states() == {"delivered": 1, "dead": 3}
    return ids


def test_dead_letters_are_grouped_by_cause_and_shown_one_by_one(cli: Cli, letters: list[int]) -> None:
    (group,) = cli.json("dead-letters", "list", "--store", "acme")

    assert (group["store"], group["topic"], group["count"]) == ("acme", "swell/points/changed", 3)
    assert group["cause"] == "events.event_params.required"
    assert group["rule"].startswith("swell.points.changed.yaml:")
    assert group["event_id"] in letters
    shown = cli.json("dead-letters", "show", group["group"])
    assert {row["event_id"] for row in shown} == set(letters[:3])
    assert all(row["attempts"] == 1 for row in shown)


def test_a_discarded_group_is_gone_and_the_reason_is_kept(cli: Cli, connector: Connector, letters: list[int]) -> None:
    (group,) = cli.json("dead-letters", "list")

    done = cli.json("dead-letters", "discard", group["group"], "--reason", "test accounts", "--by", "ann")

    assert len(letters) == 4
    assert done == [{"group": group["group"], "store": "acme", "discarded": 3}]
    assert cli.json("dead-letters", "list") == []
    assert connector.states() == {"delivered": 1, "discarded": 3}
    (entry,) = cli.json("audit")
    assert (entry["actor"], entry["action"], entry["reason"]) == ("ann", "dead_letters.discard", "test accounts")
    assert entry["details"] == {"group": group["group"], "dead_letters": 3}


def test_a_dry_run_counts_and_compares_and_changes_nothing(cli: Cli, connector: Connector, letters: list[int]) -> None:
    connector.receive(changed("old@example.com", 1, NOW - timedelta(days=100)))
    connector.pipeline.advance(seconds=60)
    # Pretend that the mapping wrote another attribute at that time.
    (delivery,) = connector.story(letters[3])["deliveries"]
    update = delivery["update"]
    del update["attributes"]["yotpo_vip_tier_name"]
    update["attributes"]["yotpo_point_balance"] = 99
    (packed,) = pack([json.dumps(update).encode()])
    connector.rows("update outcomes set update = %s where event_id = %s returning id", packed, letters[3])

    plan = cli.json("replays", "start", "--store", "acme", "--dry-run")

    assert (plan["events"], plan["too_old"], plan["on_their_way"], plan["compared"]) == (5, 1, 0, 5)
    changes = {(row["name"], row["change"]): row for row in plan["changes"]}
    assert changes["yotpo_point_balance", "changed"]["before"] == 99
    assert changes["yotpo_vip_tier_name", "added"]["events"] == 1
    assert "Differences from the last updates" in cli.run("replays", "start", "--store", "acme", "--dry-run").stdout
    assert cli.json("replays", "list") == []
    assert cli.json("audit") == []


def test_a_dry_run_by_the_mappings_of_then_compares_with_each_events_own_set(
    cli: Cli, connector: Connector, letters: list[int]
) -> None:
    with connector.database.connection() as connection:
        activation.keep(connection, other := mapping.load_files(balance_files("other")))
        activation.activate(connection, other.version, actor="ann", reason="why")
    # Pretend that it was mapped before the journal kept mapping sets.
    connector.rows("update deliveries set mapping = 'older' where event_id = %s returning id", letters[0])
    which = ("replays", "start", "--store", "acme", "--dry-run")

    now, then = cli.json(*which), cli.json(*which, "--mapping", "then")

    assert (now["events"], now["compared"], now["without_set"], now["missing"]) == (4, 4, 0, [])
    assert ("other_one", "added", 4) in {(row["name"], row["change"], row["events"]) for row in now["changes"]}
    assert (then["events"], then["compared"], then["without_set"], then["changes"]) == (4, 3, 1, [])
    (missing,) = then["missing"]
    assert missing == {"version": "older", "events": 1, "problem": "the journal keeps no mapping set 'older'"}
    assert "Events that would be left as they are" in cli.run(*which, "--mapping", "then").stdout


def test_a_dry_run_says_where_the_active_set_cannot_be_loaded(cli: Cli, connector: Connector) -> None:
    with connector.database.connection() as connection:
        mapping_sets.keep(connection, "strange", {"a.b.yaml": b"rules: {}\n"}, topics=1)
        mapping_sets.activate(connection, "strange", previous_id=1, actor="ann", reason="newer")

    done = cli.run("replays", "start", "--store", "acme", "--dry-run")

    assert done.returncode == 1
    assert done.stderr.startswith("error: a.b.yaml:1:1: ")


def test_dead_letters_are_replayed_by_the_mappings_of_then(cli: Cli, connector: Connector, letters: list[int]) -> None:
    connector.rows("update deliveries set mapping = 'older' where event_id = %s returning id", letters[0])
    (group,) = cli.json("dead-letters", "list")

    started = replay(cli, "dead-letters", "replay", group["group"], "--mapping", "then")
    connector.rows("update replays set fed_at = now() - interval '1 minute' returning id")
    connector.pipeline.map_replayed()

    assert started["mapping"] == "then"
    assert cli.json("audit")[0]["details"] == {"replay": started["id"], "events": 3, "mapping": "then"}
    shown = cli.json("replays", "show", str(started["id"]))
    assert (shown["events"], shown["mapped"], shown["without_set"]) == (3, 2, 1)
    (left,) = cli.json("dead-letters", "list")
    assert (left["event_id"], left["count"]) == (letters[0], 1)


def replay(cli: Cli, *arguments: str) -> dict[str, Any]:
    started: dict[str, Any] = cli.json(*arguments, "--reason", "mended", "--by", "ann")
    return started


def test_a_group_is_replayed_with_who_and_why(cli: Cli, connector: Connector, letters: list[int]) -> None:
    (group,) = cli.json("dead-letters", "list")

    started = replay(cli, "dead-letters", "replay", group["group"], "--rate", "7")

    assert (started["events"], started["state"], started["per_second"]) == (3, "running", 7)
    assert (started["actor"], started["reason"], started["skip_hook"]) == ("ann", "mended", True)
    assert started["selection"] == {"group": group["group"]}
    assert cli.json("audit")[0]["action"] == "replay.start"
    connector.rows("update replays set fed_at = now() - interval '1 minute' returning id")
    connector.pipeline.map_replayed()
    assert {row["event_id"] for row in connector_events(connector)} == set(letters[:3])
    assert cli.json("dead-letters", "list") == []


def connector_events(connector: Connector) -> list[dict[str, Any]]:
    return [row._asdict() for row in connector.rows("select event_id from all_deliveries where replay_id is not null")]


@pytest.mark.parametrize(
    ("filters", "events"),
    [
        (("--topic", "swell/points/changed"), 4),
        (("--topic", "swell/points/earned"), 0),
        (("--customer", "GOOD@example.com"), 1),
        (("--state", "dead"), 3),
        (("--state", "delivered"), 1),
        (("--state", "unmapped"), 0),
        (("--since", "1h"), 4),
        (("--until", "1h"), 0),
        (("--since", "2100-01-01T00:00:00Z"), 0),
        (("--store", "acme", "--state", "dead", "--customer", "bad1@example.com"), 1),
    ],
    ids=str,
)
def test_each_filter_narrows_what_is_replayed(
    cli: Cli, letters: list[int], filters: tuple[str, ...], events: int
) -> None:
    assert letters
    assert cli.json("replays", "start", *filters, "--dry-run")["events"] == events


def test_a_replay_that_is_cancelled_maps_no_more(cli: Cli, connector: Connector, letters: list[int]) -> None:
    started = replay(cli, "replays", "start", *(word for one in letters for word in ("--event", str(one))))

    (cancelled,) = cli.json("replays", "cancel", str(started["id"]), "--reason", "wrong day", "--by", "bob")

    assert cancelled["events_left_out"] == 4
    assert connector.pipeline.map_replayed() == 0
    assert cli.json("replays", "show", str(started["id"]))["state"] == "cancelled"
    assert [(one["actor"], one["action"]) for one in cli.json("audit")] == [
        ("bob", "replay.cancel"),
        ("ann", "replay.start"),
    ]


def test_what_waits_and_will_not_be_settled_is_buried(cli: Cli, connector: Connector, insider: Insider) -> None:
    insider.post("faults", kind="400")
    (event_id,) = connector.receive(changed("poison@example.com", 1, NOW))
    connector.pipeline.advance(seconds=60)
    assert connector.states() == {"waiting": 1}
    assert cli.json("replays", "start", "--event", str(event_id), "--dry-run")["on_their_way"] == 1

    cli.json("events", "bury", str(event_id), "--reason", "nothing else comes", "--by", "ann")

    assert connector.states() == {"dead": 1}
    (group,) = cli.json("dead-letters", "list")
    assert (group["cause"], group["reason"]) == ("operator", "buried by an operator: nothing else comes")
    assert cli.json("audit")[0]["details"] == {"event": event_id}
