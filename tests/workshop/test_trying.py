"""Tries mappings on examples, files and events of the journal, as a worker would map them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.errors import OperatorError
from connector.journal import stores
from connector.mapping import load_files
from connector.model import Options
from connector.workshop import goldens, trying
from tests import MAPPINGS
from tests.delivery.pipelines import NOW, Connector, changed
from tests.mapping.shipped import SET

if TYPE_CHECKING:
    from connector.journal.database import Database
    from connector.journal.vault import Vault
    from connector.model import Store

EXAMPLES = MAPPINGS / "examples"
TIER_EARNED = EXAMPLES / "swell.tier.earned" / "documented.json"
OVERLAY = b"""\
topic: swell/points/changed
description: The outlet shows another balance.
users:
  - person: customer
    attributes: {yotpo_vip_tier_name: {omit: true}}
"""


def test_the_examples_are_tried_as_their_tests_do() -> None:
    for trial, golden in zip(trying.examples(MAPPINGS, SET), goldens.goldens(EXAMPLES, SET), strict=True):
        tried = trying.run(trial, SET)

        assert (trial.name, trial.event.topic) == (str(golden), golden.topic)
        assert tried.explanation
        assert goldens.as_json(tried.explanation.mapped) == goldens.run(golden, SET)


def test_only_the_examples_of_a_topic() -> None:
    names = [trial.name for trial in trying.examples(MAPPINGS, SET, topic="swell/customer/birthday")]

    assert names == ["swell.customer.birthday/documented", "swell.customer.birthday/without_a_gift"]


@pytest.mark.parametrize(
    "word", ["swell/tier/earned", "swell.tier.earned.yaml", "anywhere/else/swell.tier.earned.yaml"]
)
def test_a_topic_is_found_by_its_name_or_its_file(word: str) -> None:
    assert trying.topic_of(word, SET) == "swell/tier/earned"


@pytest.mark.parametrize(
    ("word", "message"), [("swell/tier/earnt", "did you mean 'swell/tier/earned'"), ("groups.yaml", "'groups.yaml'")]
)
def test_an_unknown_topic_is_reported(word: str, message: str) -> None:
    with pytest.raises(OperatorError, match=message):
        trying.topic_of(word, SET)


def test_a_mapping_file_belongs_to_the_set_beside_it() -> None:
    assert trying.set_of(Path("mappings/groups.yaml")) == (Path("mappings"), None)
    assert trying.set_of(Path("mappings/overlays/outlet/groups.yaml")) == (Path("mappings"), "outlet")


NOT_THEN = datetime(2026, 5, 1, tzinfo=UTC)


def tried_files(*paths: Path, topic: str | None = None) -> list[trying.Trial]:
    return list(trying.files(paths, topic=topic, pairs=goldens.goldens(EXAMPLES, SET), now=NOT_THEN))


def test_a_file_among_the_examples_has_their_clock_and_options() -> None:
    with_options = EXAMPLES / "swell.birthday.captured" / "without_year_in_a_store_with_a_standin_year.json"

    tier, birthday = tried_files(TIER_EARNED, with_options)

    assert tier.event.occurred_at == goldens.RECEIVED_AT
    assert birthday.options.standin_year


def test_any_other_file_is_received_now(tmp_path: Path) -> None:
    file = Path(shutil.copy(TIER_EARNED, tmp_path))

    (trial,) = tried_files(file)

    assert (trial.name, trial.event.topic) == (str(file), "swell/tier/earned")
    assert trial.event.occurred_at == NOT_THEN


def test_a_file_may_hold_an_array_of_webhooks(tmp_path: Path) -> None:
    file = tmp_path / "webhooks.json"
    file.write_text(json.dumps([changed("a@example.com", 1, NOW), changed("b@example.com", 2, NOW)]))

    assert [trial.name for trial in tried_files(file)] == [f"{file}, webhook 1", f"{file}, webhook 2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[1, 2]", "webhook 1: a webhook is a JSON object"),
        ("5", "a webhook is a JSON object"),
        ('{"topic": "swell/tier/lost"}', "the webhook has the topic swell/tier/lost"),
    ],
)
def test_a_file_that_is_not_a_webhook_of_the_topic_is_reported(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "webhook.json"
    file.write_text(content)

    with pytest.raises(OperatorError, match=message):
        tried_files(file, topic="swell/tier/earned")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="No such file"):
        tried_files(tmp_path / "webhook.json")


def test_an_overlay_that_the_set_lacks_is_reported() -> None:
    with pytest.raises(OperatorError, match="there is no overlay 'outlet'; known: none"):
        trying.with_overlay(trying.examples(MAPPINGS, SET), "outlet", SET)


def test_an_overlay_is_used_and_a_stores_unknown_overlay_is_noted() -> None:
    with_overlay = load_files({**SET.files, "overlays/outlet/swell.points.changed.yaml": OVERLAY})
    (documented, *_) = trying.examples(MAPPINGS, SET, topic="swell/points/earned")
    (trial,) = trying.with_overlay([documented], "outlet", with_overlay)

    assert trying.run(trial, with_overlay).notes == ()
    assert [note.problem for note in trying.run(trial, SET).notes] == [
        "There is no overlay 'outlet' in the mapping set, so the shared rules alone were used."
    ]


def test_a_topic_without_a_mapping_is_kept_unexplained() -> None:
    (trial, *_) = trying.examples(MAPPINGS, SET, topic="swell/tier/earned")
    without = load_files({name: text for name, text in SET.files.items() if name != "swell.tier.earned.yaml"})

    assert trying.run(trial, without) == (trial, None, ())


def test_the_newest_events_of_the_journal_come_first_with_their_stores_options(
    database: Database, vault: Vault, connector: Connector, store: Store
) -> None:
    ids = connector.receive(*(changed(f"a{number}@example.com", number, NOW) for number in range(3)))
    (other,) = connector.receive({"customer": {"email": "a@example.com"}}, topic="loyalty/opt_in")
    with database.connection() as connection:
        stores.change(connection, vault, store, {"options": Options(standin_year=1904)})

        def names(**wanted: object) -> list[str]:
            found = trying.journaled(connection, **{"limit": 10, **wanted})  # type: ignore[arg-type]
            assert {trial.options.standin_year for trial in found} <= {1904}
            return [trial.name for trial in found]

        assert names() == [f"event {number}" for number in (other, *reversed(ids))]
        assert names(limit=2) == [f"event {number}" for number in (other, ids[2])]
        assert names(topic="loyalty/opt_in") == [f"event {other}"]
        assert names(event_ids=[ids[0]]) == [f"event {ids[0]}"]
        assert names(store_id=store.id + 1) == []
        (trial,) = trying.journaled(connection, event_ids=[ids[1]], limit=1)
    explanation = trying.run(trial, SET).explanation
    assert explanation
    assert explanation.mapped.updates[0].identifiers == {"email": "a1@example.com"}
