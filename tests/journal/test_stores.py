"""Stores, and the vault that seals their secrets: found, changed, paused, removed, and never stored in plain text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import OperatorError, SecretsError, StoreNotFound
from connector.journal import events, stores, story
from connector.journal.results import dead_letters, deliveries
from connector.journal.vault import Vault
from connector.model import Incoming, NewDelivery, Options, Refusal, Settled, UserUpdate
from tests.journal.owed import mark_mapped

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.model import Store

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
REFUSAL = Refusal(reason="refused", cause="identifiers.email.regexp")
#: The settings of a new store, apart from its name.
SETTINGS: dict[str, Any] = {
    "insider_partner": "acme-partner",
    "insider_token": "the-token-of-insider",
    "insider_url": "https://insider.example.com",
    "webhook_secret": "the-secret-of-webhooks",
    "webhook_secret_header": "X-Secret",
    "options": Options(standin_year=1904, phone_region="US"),
}


def added(database: Database, vault: Vault, name: str, **settings: Any) -> Store:
    with database.connection() as connection:
        return stores.add(connection, vault, name=name, **SETTINGS | settings)


def receive(connection: Connection, store: Store, number: int) -> int:
    incoming = Incoming(
        store_id=store.id,
        topic="a/b",
        key=str(number),
        dated=True,
        customer=None,
        occurred_at=NOW,
        body=b"{}",
    )
    return events.append(connection, [incoming])[0].id


def owe(connection: Connection, store: Store, event_id: int, refusal: Refusal | None = None) -> None:
    owed = NewDelivery(
        event_id=event_id,
        received_at=NOW,
        store_id=store.id,
        topic="a/b",
        customer="a@example.com",
        occurred_at=NOW,
        update=UserUpdate(identifiers={"email": "a@example.com"}),
        skip_hook=False,
        low_priority=False,
        mapping="hash",
        refusal=refusal,
    )
    deliveries.append(connection, [owed])


# ---------------------------------------------------------------------------------------------------- the vault


@pytest.mark.parametrize("secret", ["token", "ü" * 500, ""])
def test_a_sealed_secret_is_opened_and_looks_different_each_time(vault: Vault, secret: str) -> None:
    sealed = vault.seal(secret)

    assert sealed is not None
    assert vault.open(sealed) == secret
    assert vault.seal(secret) != sealed
    assert secret.encode() not in sealed or not secret


def test_no_secret_stays_none(vault: Vault) -> None:
    assert (vault.seal(None), vault.open(None), vault.reseal(None)) == (None, None, None)


def test_the_first_key_seals_and_each_of_them_opens() -> None:
    old, new, both = Vault(["the old key"]), Vault(["the new key"]), Vault(["the new key", "the old key"])
    sealed, sealed_now = old.seal("token"), both.seal("token")
    assert sealed
    assert sealed_now

    assert (both.open(sealed), new.open(sealed_now)) == ("token", "token")
    with pytest.raises(SecretsError):
        new.open(sealed)
    with pytest.raises(SecretsError):
        old.open(sealed_now)


def test_a_resealed_secret_no_longer_needs_the_old_key() -> None:
    sealed = Vault(["the old key"]).seal("token")
    resealed = Vault(["the new key", "the old key"]).reseal(sealed)

    assert resealed
    assert Vault(["the new key"]).open(resealed) == "token"


@pytest.mark.parametrize("sealed", [b"", b"token", b"gAAAAABo"])
def test_the_error_for_a_value_that_was_never_sealed_says_what_to_do(vault: Vault, sealed: bytes) -> None:
    with pytest.raises(SecretsError, match="SECRET_KEY"):
        vault.open(sealed)


# --------------------------------------------------------------------------------------------------- the stores


def test_a_store_is_found_by_token_name_and_id(database: Database, vault: Vault) -> None:
    store, other = added(database, vault, "acme"), added(database, vault, "beta", webhook_secret=None)

    with database.connection() as connection:
        found = stores.by_token(connection, vault, store.webhook_token)
        assert found == stores.by_name(connection, vault, "acme") == stores.by_id(connection, vault, store.id) == store
        assert stores.by_token(connection, vault, other.webhook_token) == other
        assert stores.all_stores(connection, vault) == [store, other]
    assert {name: getattr(store, name) for name in SETTINGS} == SETTINGS
    assert (store.held, store.paused, store.pause_reason, store.failures) == (False, False, None, 0)
    assert other.webhook_secret is None
    assert len(store.webhook_token) >= 32


def test_an_unknown_token_name_or_id_finds_no_store(database: Database, vault: Vault, store: Store) -> None:
    with database.connection() as connection:
        assert stores.by_token(connection, vault, store.webhook_token[:-1]) is None
        assert stores.by_token(connection, vault, "") is None
        assert stores.by_id(connection, vault, store.id + 1) is None
        with pytest.raises(StoreNotFound, match="'beta'"):
            stores.by_name(connection, vault, "beta")


def test_a_name_can_be_reused_only_after_its_store_was_removed(database: Database, vault: Vault) -> None:
    store = added(database, vault, "acme")
    with pytest.raises(OperatorError, match="'acme' already"):
        added(database, vault, "acme")

    with database.connection() as connection:
        stores.remove(connection, store)
    again = added(database, vault, "acme")

    assert again.id != store.id
    assert again.webhook_token != store.webhook_token


def test_a_removed_store_is_gone_with_its_secrets(database: Database, vault: Vault, store: Store) -> None:
    with database.connection() as connection:
        event_id = receive(connection, store, 1)
        assert stores.remove(connection, store) == 0

        assert stores.by_token(connection, vault, store.webhook_token) is None
        assert stores.by_id(connection, vault, store.id) is None
        assert stores.all_stores(connection, vault) == []
        with pytest.raises(StoreNotFound):
            stores.by_name(connection, vault, store.name)
        row = connection.execute("select token_digest, token_sealed, insider_token_sealed from stores").fetchone()
        assert row == (None, None, None)
        assert story.of_event(connection, event_id) is not None


def test_waiting_deliveries_of_a_removed_store_become_dead_letters(
    database: Database, vault: Vault, store: Store
) -> None:
    other = added(database, vault, "other")
    with database.connection() as connection:
        for each, refusal in ((store, None), (store, None), (store, REFUSAL), (other, None)):
            owe(connection, each, receive(connection, each, 1), refusal)

        assert stores.remove(connection, store) == 2
        groups = dead_letters.groups(connection, store_id=store.id, limit=9)
        assert {(group["cause"], group["count"]) for group in groups} == {("store.removed", 2), (REFUSAL.cause, 1)}
        assert dead_letters.groups(connection, store_id=other.id, limit=9) == []


def test_no_secret_can_be_read_in_the_table(database: Database, vault: Vault) -> None:
    store = added(database, vault, "acme")
    with database.connection() as connection:
        rows = connection.execute("select stores.* from stores").fetchall()
    content = b"".join(value if isinstance(value, bytes) else repr(value).encode() for row in rows for value in row)

    assert b"acme-partner" in content
    for secret in (store.webhook_token, store.webhook_secret, store.insider_token):
        assert secret is not None
        assert secret.encode() not in content
        assert secret not in repr(store)


def test_another_key_opens_no_store(database: Database, store: Store) -> None:
    with database.connection() as connection, pytest.raises(SecretsError, match=r"'acme'.*SECRET_KEY"):
        stores.by_token(connection, Vault(["another key"]), store.webhook_token)


def test_all_secrets_are_resealed_with_the_first_key(database: Database, vault: Vault) -> None:
    old_key, new_key = "the old key of this test", "the new key of this test"
    kept = [
        added(database, Vault([old_key]), name, webhook_secret=secret) for name, secret in (("a", "x" * 8), ("b", None))
    ]
    gone = added(database, vault, "gone")

    with database.connection() as connection:
        stores.remove(connection, gone)
        assert stores.reseal(connection, Vault([new_key, old_key])) == 2
        assert stores.all_stores(connection, Vault([new_key])) == kept
        with pytest.raises(SecretsError):
            stores.all_stores(connection, Vault([old_key]))


def test_a_rotated_token_replaces_the_old_one(database: Database, vault: Vault, store: Store) -> None:
    other = added(database, vault, "other")
    with database.connection() as connection:
        stores.rotate_token(connection, vault, store)
        rotated = stores.by_name(connection, vault, store.name)

        assert rotated.webhook_token not in {store.webhook_token, other.webhook_token}
        assert rotated == replace(store, webhook_token=rotated.webhook_token)
        assert stores.by_token(connection, vault, rotated.webhook_token) == rotated
        assert stores.by_token(connection, vault, store.webhook_token) is None
        assert stores.by_token(connection, vault, other.webhook_token) == other


def test_pauses_count_failures_and_end_with_a_success(database: Database, vault: Vault, store: Store) -> None:
    with database.connection() as connection:
        stores.pause(connection, store, seconds=-1, reason="first")
        over = stores.by_name(connection, vault, store.name)
        assert over == replace(store, pause_reason="first", failures=1)
        stores.pause(connection, store, seconds=300, reason="second")
        paused = stores.by_name(connection, vault, store.name)
        assert paused == replace(store, paused=True, pause_reason="second", failures=2)

        stores.end_pause(connection, store)
        assert stores.by_name(connection, vault, store.name) == store


def test_a_pause_lasts_as_long_as_requested_by_the_journals_clock(database: Database, store: Store) -> None:
    with database.connection() as connection:
        stores.pause(connection, store, seconds=900.5, reason="x")
        row = connection.execute(
            "select extract(epoch from paused_until - clock_timestamp())::float as seconds from stores"
        ).fetchone()

    assert row
    assert 840 < row.seconds <= 900.5


def test_releasing_a_held_store_also_ends_its_pause(database: Database, vault: Vault, store: Store) -> None:
    other = added(database, vault, "other")
    with database.connection() as connection:
        stores.hold(connection, store, held=True)
        held = stores.by_name(connection, vault, store.name)
        assert held.held
        stores.pause(connection, held, seconds=60, reason="first")
        stores.end_pause(connection, held)
        assert stores.by_name(connection, vault, store.name) == held

        stores.pause(connection, held, seconds=60, reason="second")
        stores.hold(connection, store, held=False)
        assert stores.all_stores(connection, vault) == [replace(store, version=2), other]


def test_a_failure_with_older_settings_does_not_pause_the_store(database: Database, vault: Vault, store: Store) -> None:
    with database.connection() as connection:
        stores.change(connection, vault, store, {"insider_token": "new"})
        stores.pause(connection, store, seconds=60, reason="401 with the old token")

        changed = stores.by_name(connection, vault, store.name)
        assert changed == replace(store, insider_token="new", version=1)


def test_waiting_and_dead_items_are_counted_for_each_store(database: Database, vault: Vault, store: Store) -> None:
    other, _ = added(database, vault, "other"), added(database, vault, "idle")
    with database.connection() as connection:
        ids = [receive(connection, store, number) for number in range(4)]
        receive(connection, other, 1)
        mark_mapped(connection, [(ids[0], "hash", []), (ids[1], None, [])])
        for refusal in (None, None, None, REFUSAL):
            owe(connection, store, ids[0], refusal)
        (waiting, *_) = connection.execute("select id from deliveries where state = 'waiting' order by id").fetchall()
        deliveries.settle(connection, [Settled(id=waiting.id)])

        stores.remove(connection, added(database, vault, "gone"))

        numbers = {row["name"]: (row["received"], row["waiting"], row["dead"]) for row in stores.states(connection)}
        assert numbers == {"acme": (2, 2, 1), "idle": (0, 0, 0), "other": (1, 0, 0)}
        assert [row["name"] for row in stores.states(connection)] == sorted(numbers)
        assert [row["name"] for row in stores.states(connection, name="other")] == ["other"]
        assert stores.states(connection, name="gone") == []


@pytest.mark.parametrize(
    ("until", "held", "expected"),
    [
        (None, False, "active"),
        (datetime(2020, 1, 1, tzinfo=UTC), False, "active"),
        (datetime(2100, 1, 1, 12, tzinfo=UTC), False, "paused until 2100-01-01T12:00:00Z: busy"),
        (None, True, "held"),
    ],
)
def test_the_state_of_a_store_is_reported(
    database: Database, store: Store, until: datetime | None, expected: str, *, held: bool
) -> None:
    with database.connection() as connection:
        stores.hold(connection, store, held=held)
        if until:
            stores.pause(connection, replace(store, version=1), seconds=60, reason="busy")
            connection.execute("update stores set paused_until = %s", (until,))

        assert [row["state"] for row in stores.states(connection)] == [expected]
