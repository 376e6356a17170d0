"""What is to blame: one delivery, one partition, a store, or Insider. The others go on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from connector.journal import stores
from connector.journal.vault import Vault
from connector.model import partition_number
from tests.delivery.pipelines import NOW, Connector, changed

if TYPE_CHECKING:
    from connector.mapping import MappingSet
    from tests.conftest import Insider


def test_a_partition_that_cannot_be_worked_on_holds_up_no_other_store(
    connector: Connector, vault: Vault, mappings: MappingSet, insider: Insider
) -> None:
    with connector.database.connection() as connection:
        other = stores.add(
            connection, vault, name="other", insider_partner="other", insider_token="t", insider_url=insider.url
        )
        stores.hold(connection, connector.store, held=True)
    connector.receive(*(changed(f"c{number}@example.com", 1, NOW) for number in range(40)))
    connector.pipeline.advance(seconds=60)
    (bad, *_) = connector.rows(
        """update deliveries set update = '{"of": "another release"}' where partition = 3 returning id"""
    )
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=False)
    Connector(connector.database, vault, mappings, other).receive(changed("ann@example.com", 2, NOW))

    connector.pipeline.advance(seconds=60)

    assert insider.user("ann@example.com", partner="other")["custom"]["yotpo_point_balance"] == 2
    left = connector.rows("select distinct partition from deliveries where state = 'waiting'")
    assert bad.id
    assert [row.partition for row in left] == [3]


def test_stores_with_a_lost_key_do_not_starve_others(
    connector: Connector, mappings: MappingSet, vault: Vault, insider: Insider
) -> None:
    lost = Vault(["a key that is lost"])
    with connector.database.connection() as connection:
        sealed = [
            stores.add(connection, lost, name=f"lost-{number}", insider_partner="lost", insider_token="t")
            for number in range(5)
        ]
    for store in sealed:
        emails = (f"c{number}@example.com" for number in range(60))
        Connector(connector.database, vault, mappings, store).receive(*(changed(email, 1, NOW) for email in emails))
    connector.receive(changed("ann@example.com", 2, NOW))

    connector.pipeline.advance(seconds=60)

    assert insider.user("ann@example.com")["custom"]["yotpo_point_balance"] == 2


def test_only_the_bad_delivery_of_a_refused_customer_becomes_dead(connector: Connector, insider: Insider) -> None:
    connector.receive(*(changed("ann@example.com", step, NOW + timedelta(seconds=step - 60)) for step in range(5)))
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=True)
    connector.pipeline.advance(seconds=60)
    bad = connector.rows(
        """update deliveries set update = jsonb_set(update, '{events,0,name}', '"Bad Name"')
           where id = (select id from deliveries order by id offset 2 limit 1) returning id"""
    )
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=False)

    connector.pipeline.advance(seconds=60)

    dead = connector.rows("select id, reason from all_deliveries where state = 'dead'")
    assert [row.id for row in dead] == [row.id for row in bad]
    assert "invalid event name" in dead[0].reason
    user = insider.user("ann@example.com")
    balances = [event["event_params"]["custom"]["yotpo_points_current_balance"] for event in user["events"]]
    assert balances == [0, 1, 3, 4]
    assert user["custom"]["yotpo_point_balance"] == 4


@pytest.mark.parametrize("fault", [{"kind": "400"}, {"kind": "unattributed_fail"}], ids=str)
def test_if_insider_accepts_nothing_the_store_is_paused_and_nothing_becomes_dead(
    connector: Connector, insider: Insider, fault: dict[str, Any]
) -> None:
    insider.post("faults", **fault)
    emails = [email for n in range(1600) if partition_number(email := f"c{n}@example.com") == 3]
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=60)

    assert connector.states() == {"waiting": len(emails)}
    assert len(insider.get("requests")) < len(emails)
    (paused,) = connector.rows("select paused_until > now() as paused, pause_reason from stores")
    assert paused.paused
    assert "Insider" in paused.pause_reason

    requests.delete(f"{insider.url}/_sandbox/faults", timeout=10)
    connector.pause_is_over()
    connector.pipeline.advance(seconds=60)
    assert connector.states() == {"delivered": len(emails)}


def test_a_lone_poison_delivery_becomes_dead_once_insider_accepts_others(
    connector: Connector, insider: Insider
) -> None:
    insider.post("faults", kind="400", emails=["poison@example.com"])
    connector.receive(changed("poison@example.com", 1, NOW))
    connector.pipeline.advance(seconds=60)
    assert connector.states() == {"waiting": 1}

    connector.receive(*(changed(f"c{number}@example.com", 1, NOW) for number in range(20)))
    connector.pause_is_over()
    connector.pipeline.advance(seconds=60)

    assert connector.states() == {"delivered": 20, "dead": 1}


def test_when_insider_begins_to_refuse_everything_nothing_becomes_dead(connector: Connector, insider: Insider) -> None:
    connector.receive(changed("before@example.com", 1, NOW))
    connector.pipeline.advance(seconds=60)
    insider.post("faults", kind="400")

    for number in range(60):
        connector.receive(changed(f"c{number}@example.com", 1, NOW))
        connector.pause_is_over()
        connector.pipeline.advance(seconds=60)

    assert connector.states() == {"delivered": 1, "waiting": 60}


def test_poison_at_the_head_of_a_partition_does_not_block_those_behind(connector: Connector, insider: Insider) -> None:
    emails = [email for n in range(700) if partition_number(email := f"c{n}@example.com") == 3]
    insider.post("faults", kind="400", emails=emails[:9])
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=60)

    assert connector.states() == {"delivered": len(emails) - 9, "dead": 9}


@pytest.mark.parametrize("failures", [0, 3])
def test_a_pause_that_insider_asked_for_within_a_batch_stands(
    connector: Connector, insider: Insider, failures: int
) -> None:
    connector.rows("update stores set failures = %s returning id", failures)
    emails = [email for n in range(60) if partition_number(email := f"c{n}@example.com") == 3]
    insider.post("faults", kind="400", times=1)
    insider.post("faults", kind="429", retry_after=600, emails=emails[-1:])
    connector.receive(*(changed(email, 1, NOW) for email in emails))

    connector.pipeline.advance(seconds=60)

    (paused,) = connector.rows("select paused_until - now() as left, failures from stores")
    assert paused.left > timedelta(seconds=500)
    assert paused.failures == failures + 1
    assert connector.states() == {"delivered": len(emails) // 2, "waiting": len(emails) - len(emails) // 2}


def test_a_customers_events_keep_their_order_among_many_refused_ones(connector: Connector, insider: Insider) -> None:
    emails = [email for n in range(300) if partition_number(email := f"c{n}@example.com") == 3]
    ann = emails.pop()
    insider.post("faults", kind="400", emails=emails[:7])
    connector.receive(*(changed(email, 1, NOW) for email in emails[:7]))
    # The first three of the eight are refused in every batch: Insider knows no such event name.
    connector.receive(*(changed(ann, step, NOW + timedelta(seconds=step - 60)) for step in range(8)))
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=True)
    connector.pipeline.advance(seconds=60)
    connector.rows(
        """update deliveries set update = jsonb_set(update, '{events,0,name}', '"Bad Name"')
           where id in (select id from deliveries where customer = %s order by id limit 3) returning id""",
        ann,
    )
    with connector.database.connection() as connection:
        stores.hold(connection, connector.store, held=False)

    connector.pipeline.advance(seconds=60)

    balances = [
        event["event_params"]["custom"]["yotpo_points_current_balance"] for event in insider.user(ann)["events"]
    ]
    assert balances == [3, 4, 5, 6, 7]
    assert connector.states() == {"delivered": 5, "dead": 10}
