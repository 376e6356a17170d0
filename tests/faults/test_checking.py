"""The fault suite without a connector: its check, its plan, its load, its injected code, and its report."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from faults import plan as planning
from faults.checking import Findings, Rules, check, seconds_to_recover
from faults.injecting import broken_topic, wrong_clock
from faults.load import Load
from faults.report import cells, markdown
from faults.running import Outcome
from faults.scenarios import SCENARIOS
from tests import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from faults.plan import Plan

ANN, BOB = "ann@example.com", "bob@example.com"
#: A program that maps an event of two topics.
MAP_TWO_TOPICS = f"""
from datetime import UTC, datetime
from pathlib import Path
from connector import mapping
from connector.model import Options
mappings = mapping.load(Path("mappings"))
for topic in ({planning.EARNED!r}, {planning.CHANGED!r}):
    try:
        mappings.get(topic).apply({{}}, datetime.now(UTC), Options())
        print(f"{{topic}}: mapped")
    except RuntimeError as error:
        print(f"{{topic}}: {{error}}")
"""


@pytest.fixture
def plan() -> Plan:
    """Twelve accepted events of Ann, and twelve of Bob."""
    made = planning.make(24, [ANN, BOB], 1)
    for number, event in enumerate(event for events in made.values() for event in events):
        event.journal_id = number
        event.sent_at = event.accepted_at = 1000.0 + number
    return made


def profile(plan: Plan, customer: str) -> dict[str, Any]:
    """Return the profile of a customer whose events have all arrived."""
    names = {planning.CHANGED: "points_changed", planning.EARNED: "points_earned"}
    params = {planning.CHANGED: "yotpo_points_current_balance", planning.EARNED: "yotpo_event_reward_point"}
    return {
        "identifiers": {"email": customer},
        "custom": planning.attributes(plan[customer]),
        "events": [
            {
                "event_name": names[event.topic],
                "event_params": {"custom": {params[event.topic]: event.number}},
                "received_at": 2000.0 + event.number,
                "transmissions": 1,
            }
            for event in plan[customer]
        ],
    }


def findings(plan: Plan, ann: dict[str, Any], *, dead: set[int] | None = None, rules: Rules | None = None) -> Findings:
    return check(plan, [ann, profile(plan, BOB)], dead or set(), rules or Rules())


def test_nothing_is_wrong_if_everything_arrived_once_and_in_order(plan: Plan) -> None:
    result = findings(plan, profile(plan, ANN))

    assert (result.sent, result.accepted, result.at_insider) == (24, 24, 24)
    assert (result.lost, result.doubled, result.out_of_order, result.wrong, result.refused) == (0, 0, 0, 0, 0)
    assert result.examples == []


def test_an_event_that_insider_does_not_have_is_lost(plan: Plan) -> None:
    ann = profile(plan, ANN)
    del ann["events"][3]

    result = findings(plan, ann)

    assert (result.at_insider, result.lost) == (23, 1)
    assert result.examples == [f"lost of {ANN}: number 4 (event 3)"]


def test_all_events_of_a_customer_without_a_profile_are_lost(plan: Plan) -> None:
    result = check(plan, [profile(plan, BOB)], set(), Rules())

    assert (result.lost, result.wrong) == (12, 2)


def test_an_event_that_was_never_accepted_is_not_lost(plan: Plan) -> None:
    ann = profile(plan, ANN)
    plan[ANN][3].accepted_at = None
    del ann["events"][3]

    result = findings(plan, ann)

    assert (result.planned, result.accepted, result.lost) == (24, 23, 0)


def test_events_with_dead_letters_are_lost_unless_the_scenario_expects_refusals(plan: Plan) -> None:
    ann = profile(plan, ANN)
    del ann["events"][11]
    ann["custom"] = planning.attributes(plan[ANN][:11])

    strict = findings(plan, ann, dead={11})
    refusing = findings(plan, ann, dead={11}, rules=Rules(refusals=True))

    assert (strict.lost, strict.refused, strict.wrong) == (1, 0, 1)
    assert (refusing.lost, refusing.refused, refusing.wrong) == (0, 1, 0)


def test_a_user_event_that_is_stored_twice_is_doubled(plan: Plan) -> None:
    ann = profile(plan, ANN)
    ann["events"].append(ann["events"][11] | {"received_at": 3000.0})

    result = findings(plan, ann)

    assert (result.doubled, result.lost, result.out_of_order) == (1, 0, 0)
    # The first copy is the one that counts.
    assert result.arrived[plan[ANN][11]] == 2012.0


def test_a_user_event_without_a_webhook_counts_as_doubled(plan: Plan) -> None:
    ann = profile(plan, ANN)
    ann["events"].append({"event_name": "unknown", "event_params": {}, "received_at": 0.0, "transmissions": 1})

    assert findings(plan, ann).doubled == 1


def test_identical_retransmissions_are_counted_and_harmless(plan: Plan) -> None:
    ann = profile(plan, ANN)
    ann["events"][0]["transmissions"] = 3

    result = findings(plan, ann)

    assert (result.sent_again, result.doubled) == (2, 0)


def test_an_event_that_is_stored_after_a_later_one_is_out_of_order(plan: Plan) -> None:
    ann = profile(plan, ANN)
    ann["events"].append(ann["events"].pop(2))

    assert findings(plan, ann).out_of_order == 1


def test_order_can_be_required_within_each_topic_only(plan: Plan) -> None:
    ann = profile(plan, ANN)
    # The second, seventh and twelfth are of the other topic.
    ann["events"].append(ann["events"].pop(1))
    late = findings(plan, ann, rules=Rules(order_by_topic=True))
    ann["events"] += [ann["events"].pop(5), ann["events"].pop(9)]
    both = findings(plan, ann, rules=Rules(order_by_topic=True))

    assert (late.out_of_order, both.out_of_order) == (1, 0)


def test_attributes_are_those_of_the_newest_event_that_has_them(plan: Plan) -> None:
    ann = profile(plan, ANN)
    # The first, fourth, seventh and tenth of twelve events carry the spending.
    assert ann["custom"] == {planning.BALANCE: 12, planning.SPENT: 1000}
    ann["custom"][planning.SPENT] = 700

    assert findings(plan, ann).wrong == 1


@pytest.mark.parametrize(
    ("sent", "took", "seconds"),
    [
        (999.0, 3.5, 2.5),  # Delayed by the fault.
        (999.0, 0.5, 0.0),  # Arrived before it was over.
        (1001.0, 0.5, 0.0),  # Sent after the recovery.
        (1001.0, 2.5, 3.5),  # Still delayed by the consequences of the fault.
    ],
)
def test_the_recovery_lasts_until_no_event_is_delayed(plan: Plan, sent: float, took: float, seconds: float) -> None:
    event = plan[ANN][0]
    event.sent_at = sent

    assert seconds_to_recover(Findings(arrived={event: sent + took}), ended_at=1000.0) == seconds


def test_a_plan_is_the_same_for_the_same_seed_and_its_times_end_now() -> None:
    orders = []
    for seed in (1, 1, 2):
        made = planning.make(40, [ANN], seed, planning.shuffled)[ANN]
        orders.append([event.number for event in made])
        ages = [time.time() - event.at.timestamp() for event in made]
        assert 0 <= min(ages) < 2
        by_number = sorted(made, key=lambda event: event.number)
        assert by_number == sorted(made, key=lambda event: event.at)
    assert orders[0] == orders[1] != orders[2]


def test_late_events_come_after_newer_ones() -> None:
    made = planning.make(10, [ANN], 1, planning.half_late)[ANN]

    assert [event.number for event in made] == list(range(1, 11))
    assert planning.attributes(made)[planning.BALANCE] == 9


def test_a_load_can_be_stopped() -> None:
    made = planning.make(4, [ANN, BOB], 1)
    load = Load("http://127.0.0.1:1/nobody", made, rate=100.0)
    load.start()

    assert not load.wait_for(0.5, seconds=0.3)
    load.stop()

    assert load.accepted == 0
    assert not load.is_alive()
    assert [made[name][1].sent_at for name in made] == [None, None]


@pytest.mark.parametrize("seconds", [300, -300])
def test_a_wrong_clock_is_wrong_and_leaves_sleeps_alone(tmp_path: Path, seconds: int) -> None:
    program = "import time; before = time.monotonic(); time.sleep(0.1); print(time.time(), time.monotonic() - before)"
    environment = os.environ | wrong_clock(tmp_path, seconds)

    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    now, slept = map(float, result.stdout.split())
    assert abs(now - time.time() - seconds) < 30
    assert 0.1 <= slept < 30


def test_a_broken_topic_raises_and_other_topics_are_mapped(tmp_path: Path) -> None:
    environment = os.environ | broken_topic(tmp_path, planning.EARNED)
    command = [sys.executable, "-c", MAP_TWO_TOPICS]

    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)

    assert result.stdout.splitlines() == [f"{planning.EARNED}: a mapping that fails", f"{planning.CHANGED}: mapped"]


def test_each_scenario_says_in_one_sentence_what_it_does() -> None:
    for scenario in SCENARIOS.values():
        assert scenario.sentence.endswith("."), scenario.name
        assert scenario.name == scenario.name.lower().replace("_", "-")


def test_the_report_prints_failed_scenarios_in_bold_and_says_why() -> None:
    scenario = SCENARIOS["redis-wiped"]
    good = Outcome(scenario=SCENARIOS["none"], seconds_to_recover=0.2)
    bad = Outcome(scenario=scenario, found=Findings(planned=5, sent=5, accepted=5, at_insider=4, lost=1))
    bad.problems.append("lost: 1")
    absent = Outcome(scenario=SCENARIOS["postgres-disk-full"], impossible="only root may mount a disk")

    text = markdown([good, bad, absent], command="python -m faults", servers="PostgreSQL 18, Redis 6.2", seconds=60)

    assert "1 of 2 scenarios hold. 1 is not possible here." in text
    assert "| **redis-wiped** | 5 | 5 | 0 | 4 | 0 | 1 |" in text
    assert "  - FAILED: lost: 1" in text
    assert f"- **redis-wiped**: {scenario.sentence}" in text
    assert "  - Not possible here: only root may mount a disk" in text
    assert cells(good)[0] == "none"
