"""Mapping sets in the pipeline: a new set takes effect as a whole at the next pass, and a replay can use old sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from connector import mapping
from connector.journal import mapping_sets, stores
from connector.journal.results.encoding import update_of
from connector.journal.vault import Vault
from connector.model import Options
from connector.workshop import activation
from connector.workshop.activation import MappingSets
from tests import SECRET_KEY
from tests.delivery.pipelines import NOW, Connector, balance_files, changed
from tests.workshop.activations import STRANGE, A, B, C, activate, activate_strange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.journal.database import Connection, Database
    from connector.model import Store
    from tests.conftest import Insider

BY_A, BY_B, BY_C = ((one.version, f"{name}_one", f"{name}_two") for one, name in ((A, "a"), (B, "b"), (C, "c")))


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connection() as opened:
        yield opened


def versions(connector: Connector, *event_ids: int) -> list[Any]:
    """Return the set that mapped each event, and the attributes that were written."""
    rows = connector.rows(
        """select last.mapping as of_event, sent.mapping, update
           from mapping_results last join all_deliveries sent using (event_id)
           where event_id = any(%s) order by sent.id""",
        list(event_ids),
    )
    assert all(row.of_event == row.mapping for row in rows)
    return [(row.mapping, *sorted(update_of(row.update).attributes)) for row in rows]


def mapped(connector: Connector, *emails: str) -> list[Any]:
    """Map new events of these customers, and return their sets and attributes."""
    ids = connector.receive(*(changed(email, 1, NOW) for email in emails))
    connector.pipeline.advance(seconds=60)
    return versions(connector, *ids)


@pytest.fixture
def of_c(database: Database, vault: Vault, store: Store, insider: Insider) -> Connector:
    """A connector with set C as the set of its release."""
    assert store.insider_url == insider.url
    return Connector(database, vault, C, store)


def test_each_pass_maps_by_the_active_set(of_c: Connector, connection: Connection) -> None:
    assert mapped(of_c, "1@example.com") == [BY_C]
    activate(connection, A)
    assert mapped(of_c, "2@example.com", "3@example.com") == [BY_A, BY_A]
    activate(connection, B)
    assert mapped(of_c, "4@example.com") == [BY_B]
    activate(connection, None)
    assert mapped(of_c, "5@example.com") == [BY_C]


def test_the_set_of_a_release_is_kept_before_it_maps(of_c: Connector, connection: Connection) -> None:
    assert mapping_sets.files(connection, C.version) == {}

    assert mapped(of_c, "1@example.com") == [BY_C]

    assert mapping_sets.files(connection, C.version) == C.files
    assert activate(connection, A).changed
    with connection.transaction():
        assert activation.activate(connection, C.version, actor="ann", reason="why").active == C.version
    assert mapped(of_c, "2@example.com") == [BY_C]


def test_a_set_that_cannot_be_loaded_is_refused_once_and_the_one_before_goes_on(
    of_c: Connector, connection: Connection
) -> None:
    activate(connection, A)
    assert mapped(of_c, "1@example.com") == [BY_A]
    activate_strange(connection)

    with capture_logs() as log:
        assert mapped(of_c, "2@example.com", "3@example.com") == [BY_A, BY_A]
        assert mapped(of_c, "4@example.com") == [BY_A]

    (line,) = [line for line in log if line["event"] == "mappings.refused"]
    assert (line["log_level"], line["version"], line["in_force"]) == ("error", "strange", A.version)
    assert line["problem"].startswith("a.b.yaml:4:1: ")
    activate(connection, B)
    assert mapped(of_c, "5@example.com") == [BY_B]


def test_if_the_active_set_cannot_be_loaded_at_the_start_the_release_maps(
    of_c: Connector, connection: Connection
) -> None:
    activate_strange(connection)

    assert mapped(of_c, "1@example.com") == [BY_C]


def test_a_set_whose_kept_files_were_changed_is_refused(of_c: Connector, connection: Connection) -> None:
    activate(connection, A)
    connection.execute("update mapping_files set content = content || '# a comment'")

    with capture_logs() as log:
        assert mapped(of_c, "1@example.com") == [BY_C]

    assert "do not match its version" in next(line["problem"] for line in log if line["event"] == "mappings.refused")


def test_a_set_is_compiled_once_unless_many_others_come_between(connection: Connection) -> None:
    sets = MappingSets(C)
    many = [mapping.load_files(balance_files(f"m{number}")) for number in range(8)]
    activate(connection, A)
    first = sets.in_force(connection)
    assert first.version == A.version
    for between in (None, B):
        activate(connection, between)
        assert sets.in_force(connection).version == (between or C).version
    activate(connection, A)
    assert sets.in_force(connection) is first

    for mappings in many:
        activate(connection, mappings)
        assert sets.in_force(connection).version == mappings.version
    activate(connection, A)
    again = sets.in_force(connection)
    assert again.version == first.version
    assert again is not first


# ------------------------------------------------------------------------------------------------ replays


def of_replay(connector: Connector, replay_id: int) -> list[Any]:
    rows = connector.rows(
        "select mapping, update from all_deliveries where replay_id = %s order by id",
        replay_id,
    )
    return [(row.mapping, *sorted(update_of(row.update).attributes)) for row in rows]


def test_a_replay_maps_by_the_active_set_or_by_the_set_that_mapped_each_event_then(
    of_c: Connector, connection: Connection
) -> None:
    ids = of_c.receive(changed("1@example.com", 1, NOW))
    of_c.pipeline.advance(seconds=60)
    activate(connection, A)
    ids += of_c.receive(changed("2@example.com", 1, NOW))
    of_c.pipeline.advance(seconds=60)
    activate(connection, B)

    then = of_c.replay(*ids, mapping="then")
    of_c.pipeline.advance(seconds=60, low_priority=True)
    now = of_c.replay(*ids)
    of_c.pipeline.advance(seconds=60, low_priority=True)
    then_again = of_c.replay(*ids, mapping="then")

    assert of_replay(of_c, then) == [BY_C, BY_A]
    assert of_replay(of_c, now) == [BY_B, BY_B]
    # By then, B was the set that mapped them last.
    assert of_replay(of_c, then_again) == [BY_B, BY_B]
    assert [of_c.replays(one)[0]["mapping"] for one in (then, now)] == ["then", "now"]


def test_events_whose_set_cannot_be_loaded_stay_as_they_were_and_are_counted(
    of_c: Connector, connection: Connection
) -> None:
    ids = of_c.receive(*(changed(f"{number}@example.com", 1, NOW) for number in range(4)))
    of_c.receive({"topic": "swell/brand/new", "customer": {"email": "x@example.com"}})
    of_c.pipeline.advance(seconds=60)
    mapping_sets.keep(connection, "strange", STRANGE, topics=1)
    connection.execute("update outcomes set mapping = 'older' where event_id = %s", (ids[0],))
    connection.execute("update outcomes set mapping = 'strange' where event_id = %s", (ids[1],))
    connection.execute(
        """
        with moved as (delete from outcomes where event_id = any(%s) returning *)
        insert into deliveries (id, event_id, received_at, store_id, customer, partition, occurred_at, update, bytes,
                                skip_hook, mapping, state, cause)
        overriding system value
        select id, event_id, received_at, store_id, customer, 0, received_at, '{}', 2, skip_hook, mapping, 'dead', 'c'
        from moved
        """,
        (ids[:3],),
    )
    of_others = "select * from mapping_results where mapping is distinct from %s order by event_id"
    before = of_c.rows(of_others, C.version)

    replay_id = of_c.replay(mapping="then")
    of_c.pipeline.advance(seconds=60, low_priority=True)

    assert of_replay(of_c, replay_id) == [BY_C, BY_C]
    assert of_c.rows(of_others, C.version) == before
    assert len(before) == 3
    (told,) = of_c.replays(replay_id)
    assert (told["events"], told["mapped"], told["without_set"]) == (5, 2, 3)
    # The dead letters of events that could not be mapped are still open.
    states = of_c.rows(
        "select state from all_deliveries where event_id = any(%s) and replay_id is null order by event_id", ids
    )
    assert [row.state for row in states] == ["dead", "dead", "replayed", "delivered"]
    # They are not on their way, so they may be replayed with the active set.
    of_c.rows("update replays set fed_at = now() - interval '1 minute' returning id")
    of_c.pipeline.map_replayed()
    assert of_c.replays(replay_id)[0]["state"] == "done"
    again = of_c.replay(*ids[:2])
    assert of_replay(of_c, again) == [BY_C, BY_C]


def with_overlay(connector: Connector, overlay: str) -> None:
    with connector.database.transaction() as connection:
        stores.change(connection, Vault([SECRET_KEY]), connector.store, {"options": Options(overlay=overlay)})


def test_a_store_maps_by_the_overlay_that_it_has_chosen(
    database: Database, vault: Vault, store: Store, insider: Insider
) -> None:
    assert store.insider_url == insider.url
    outlet = A.files["swell.points.changed.yaml"].decode().replace("a_one", "outlet_one")
    files = {**A.files, "overlays/outlet/swell.points.changed.yaml": outlet.encode()}
    both = Connector(database, vault, mapping.load_files(files), store)

    assert [written[1:] for written in mapped(both, "1@example.com")] == [("a_one", "a_two")]
    with_overlay(both, "outlet")
    assert [written[1:] for written in mapped(both, "2@example.com")] == [("a_one", "a_two", "outlet_one")]


def test_an_overlay_that_the_set_lacks_is_noted_on_each_event(of_c: Connector) -> None:
    with_overlay(of_c, "outlet")

    (event_id,) = of_c.receive(changed("1@example.com", 1, NOW))
    of_c.pipeline.advance(seconds=60)

    assert versions(of_c, event_id) == [BY_C]
    assert [note["problem"] for note in of_c.story(event_id)["notes"]] == [
        "There is no overlay 'outlet' in the mapping set, so the shared rules alone were used."
    ]
