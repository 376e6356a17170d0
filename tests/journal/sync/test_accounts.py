"""Stores' accounts at Yotpo: one per store, sealed; which stores are busy, in which order; installs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.errors import OperatorError, SecretsError
from connector.journal import stores
from connector.journal.sync import accounts as yotpo_accounts
from connector.journal.sync import backfills, installs
from connector.journal.sync.accounts import Busy
from connector.journal.vault import Vault

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.model import Store, YotpoAccount

TRIED = ["loyalty,reviews"]
KEYS: dict[str, Any] = {
    "mode": "own", "token": "a-token", "secret": "a-secret", "loyalty_guid": "guid", "loyalty_key": "a-key"
}  # fmt: skip


class Accounts:
    """Accounts of stores, in one connection that commits each statement."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self.connection = connection
        self.vault = vault

    def add(self, name: str) -> Store:
        return stores.add(self.connection, self.vault, name=name, insider_partner="p", insider_token="t")

    def connect(self, store: Store, app_key: str = "shop", *, tried: bool = True, **keys: Any) -> YotpoAccount:
        keys = keys or {"mode": "own", "secret": "the secret"}
        yotpo_accounts.connect(self.connection, self.vault, store_id=store.id, app_key=app_key, **keys)
        if tried:
            yotpo_accounts.keep_findings(self.connection, self.of(store), expands=TRIED, review_webhooks={})
        return self.of(store)

    def of(self, store: Store) -> YotpoAccount:
        account = yotpo_accounts.by_store(self.connection, self.vault, store.id)
        assert account
        return account

    def busy(self, store: Store | None = None) -> list[Busy]:
        return yotpo_accounts.busy(self.connection, store_id=store.id if store else None)

    def touch(self, store: Store, *, due_in: int) -> None:
        self.connection.execute(
            "insert into refreshes values (%s, 'a@example.com', now(), now() + make_interval(secs => %s))",
            (store.id, due_in),
        )

    def fill(self, store: Store, *, read: int | None = None) -> int:
        """Start a backfill; `read` is how many seconds ago it has read a page."""
        (number,) = backfills.start(self.connection, [store.id], actor="ann", reason="why", changed_only=False)
        self.connection.execute(
            "update backfills set page_at = now() - make_interval(secs => %s) where id = %s", (read, number)
        )
        return number


@pytest.fixture
def accounts(database: Database, vault: Vault) -> Any:
    with database.connection() as connection:
        yield Accounts(connection, vault)


def test_an_account_keeps_its_secrets_sealed(accounts: Accounts, store: Store) -> None:
    account = accounts.connect(store, **KEYS)
    row = accounts.connection.execute("select yotpo_accounts::text as text from yotpo_accounts").fetchone()

    assert row
    assert {name: getattr(account, name) for name in KEYS} == KEYS
    assert (account.state, account.expands, account.ended_at) == ("connected", tuple(TRIED), None)
    for secret in ("a-token", "a-secret", "a-key"):
        assert secret not in row.text
        assert secret not in repr(account)


def test_a_new_connection_replaces_the_old_account_completely(accounts: Accounts, store: Store) -> None:
    before = accounts.connect(store, "shop", mode="oauth", token="a-token")
    for _ in range(3):
        yotpo_accounts.count_unauthorized(accounts.connection, accounts.of(store))
    yotpo_accounts.pause(accounts.connection, accounts.of(store), seconds=60, reason="busy")
    again = accounts.connect(store, "another", tried=False, mode="own", secret="s")

    assert (again.app_key, again.mode, again.token, again.secret) == ("another", "own", None, "s")
    assert (again.state, again.expands, again.unauthorized, again.failures) == ("connected", None, 0, 0)
    assert (again.paused, again.pause_reason, again.ended_at) == (False, None, None)
    assert again.version > before.version


def test_a_yotpo_store_is_connected_to_one_store_here(accounts: Accounts, store: Store) -> None:
    other = accounts.add("other")
    accounts.connect(store, "shop")

    with pytest.raises(OperatorError, match="another store here is connected to the Yotpo store 'shop'"):
        accounts.connect(other, "shop")
    yotpo_accounts.disconnect(accounts.connection, store.id)
    assert accounts.connect(other, "shop").state == "connected"
    with pytest.raises(OperatorError, match="disconnect that one first"):
        accounts.connect(store, "shop")
    assert accounts.of(store).state == "disconnected"


def test_a_revoked_account_still_belongs_to_its_store(accounts: Accounts, store: Store) -> None:
    accounts.connect(store, "shop")
    revoke(accounts, store)

    with pytest.raises(OperatorError):
        accounts.connect(accounts.add("other"), "shop")
    assert accounts.connect(store, "shop").state == "connected"


def revoke(accounts: Accounts, store: Store) -> None:
    told = [yotpo_accounts.count_unauthorized(accounts.connection, accounts.of(store)) for _ in range(3)]
    assert told == [False, False, True]


def test_three_refusals_in_a_row_revoke_and_the_time_is_kept(accounts: Accounts, store: Store) -> None:
    accounts.connect(store)
    yotpo_accounts.count_unauthorized(accounts.connection, accounts.of(store))
    yotpo_accounts.succeed(accounts.connection, accounts.of(store))
    revoke(accounts, store)
    account = accounts.of(store)

    assert account.state == "revoked"
    assert account.ended_at
    assert account.connected_at
    assert account.ended_at >= account.connected_at
    assert yotpo_accounts.connected(accounts.connection) == []


def test_results_with_older_credentials_do_not_affect_newer_ones(accounts: Accounts, store: Store) -> None:
    accounts.connect(store)
    for _ in range(2):
        yotpo_accounts.count_unauthorized(accounts.connection, accounts.of(store))
    outdated = accounts.of(store)
    newer = accounts.connect(store)

    assert not yotpo_accounts.count_unauthorized(accounts.connection, outdated)
    yotpo_accounts.pause(accounts.connection, outdated, seconds=60, reason="busy")
    yotpo_accounts.keep_token(accounts.connection, accounts.vault, outdated, "an older token")
    yotpo_accounts.keep_findings(accounts.connection, outdated, expands=["older"], review_webhooks={})
    assert accounts.of(store) == newer


def test_resealed_accounts_no_longer_need_the_old_key(accounts: Accounts, store: Store) -> None:
    before = accounts.connect(store, "shop", **KEYS)
    app, gone = accounts.add("app"), accounts.add("gone")
    accounts.connect(app, "app", mode="oauth", token="another-token")
    accounts.connect(gone, "gone")
    yotpo_accounts.disconnect(accounts.connection, gone.id)

    new = Vault(["a new key"])
    old_and_new = Vault(["a new key", "a key for tests of no use elsewhere"])
    assert yotpo_accounts.reseal(accounts.connection, old_and_new) == 2

    assert yotpo_accounts.by_store(accounts.connection, new, store.id) == before
    opened = yotpo_accounts.by_store(accounts.connection, new, app.id)
    assert opened
    assert (opened.token, opened.secret, opened.loyalty_key) == ("another-token", None, None)
    with pytest.raises(SecretsError):
        accounts.of(store)


def test_a_store_is_busy_for_a_trial_a_look_up_that_is_due_or_a_running_backfill(accounts: Accounts) -> None:
    new, due, waits, idle, fills, both = (
        accounts.add(name) for name in ("new", "due", "waits", "idle", "fills", "both")
    )
    for store in (new, due, waits, idle, fills, both):
        accounts.connect(store, store.name, tried=store != new)
    accounts.touch(due, due_in=-5)
    accounts.touch(waits, due_in=5)
    accounts.fill(fills)
    accounts.touch(both, due_in=-1)
    accounts.fill(both)
    accounts.fill(new)

    assert accounts.busy(new) == [Busy(new.id, live=True, backfill=False)]
    assert accounts.busy(due) == [Busy(due.id, live=True, backfill=False)]
    assert accounts.busy(waits) == accounts.busy(idle) == []
    assert accounts.busy(fills) == [Busy(fills.id, live=False, backfill=True)]
    assert accounts.busy(both) == [Busy(both.id, live=True, backfill=True)]
    assert len(accounts.busy()) == 4


def test_the_store_that_was_asked_longest_ago_comes_first(accounts: Accounts) -> None:
    names = ("just-now", "long-ago", "never", "never-and-due", "between")
    by_name = {name: accounts.add(name) for name in names}
    for store in by_name.values():
        accounts.connect(store, store.name)
        accounts.fill(store)
    accounts.touch(by_name["never-and-due"], due_in=-30)
    accounts.touch(by_name["just-now"], due_in=-90)
    for name, seconds in (("just-now", 1), ("long-ago", 60), ("between", 30)):
        accounts.connection.execute(
            "update yotpo_accounts set turn_at = now() - make_interval(secs => %s) where app_key = %s", (seconds, name)
        )
    order = [one.store_id for one in accounts.busy()]

    assert order == [by_name[name].id for name in ("never-and-due", "never", "long-ago", "between", "just-now")]


@pytest.mark.parametrize("why", ["paused", "revoked", "disconnected", "removed", "backfill paused"])
def test_a_store_that_may_not_be_asked_is_not_busy(accounts: Accounts, store: Store, why: str) -> None:
    accounts.connect(store)
    accounts.fill(store)
    if why == "backfill paused":
        backfills.change(accounts.connection, [store.id], state="paused")
    else:
        accounts.touch(store, due_in=-5)
    assert bool(accounts.busy(store)) == (why != "backfill paused")
    if why == "paused":
        yotpo_accounts.pause(accounts.connection, accounts.of(store), seconds=60, reason="busy")
    elif why == "revoked":
        revoke(accounts, store)
    elif why == "disconnected":
        yotpo_accounts.disconnect(accounts.connection, store.id)
    elif why == "removed":
        stores.remove(accounts.connection, store)

    assert accounts.busy() == []


def test_a_backfill_without_room_is_busy_but_asks_nothing(
    accounts: Accounts, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yotpo_accounts, "ROOM", 3)
    accounts.connect(store)
    accounts.fill(store)
    for number in range(3):
        assert accounts.busy() == [Busy(store.id, live=False, backfill=True)]
        insert_snapshot(accounts.connection, store, number)
    # Events of webhooks do not count against the room.
    (full,) = accounts.busy()
    report = backfills.reports(accounts.connection)[0]

    assert full == Busy(store.id, live=False, backfill=False)
    assert not full.can_ask
    assert report["note"] == "no page is read until fewer than 3 snapshots wait to be delivered"
    stores.hold(accounts.connection, store, held=True)
    assert backfills.progress(accounts.connection, [report["id"]])[0].note.endswith("; the store is held")
    accounts.connection.execute("delete from queue")
    assert accounts.busy() == [Busy(store.id, live=False, backfill=True)]


def insert_snapshot(connection: Connection, store: Store, number: int) -> None:
    for low_priority in (True, False):
        connection.execute(
            """
            insert into queue (id, received_at, bytes, store_id, partition, bulk)
            values (%s, now(), 2, %s, 0, %s)
            """,
            (number, store.id, low_priority),
        )


def test_an_install_can_be_used_once(accounts: Accounts, store: Store) -> None:
    first, second = (installs.begin(accounts.connection, store.id) for _ in range(2))

    assert first != second
    assert len(first) >= 40
    assert installs.end(accounts.connection, first) == store.id
    assert installs.end(accounts.connection, first) is None
    assert installs.end(accounts.connection, "made up") is None
    assert installs.end(accounts.connection, second) == store.id


def test_an_install_that_took_too_long_is_expired_and_deleted(accounts: Accounts, store: Store) -> None:
    late, forgotten = (installs.begin(accounts.connection, store.id) for _ in range(2))
    accounts.connection.execute("update yotpo_installs set expires_at = now() - interval '1 second'")

    assert installs.end(accounts.connection, late) is None
    good = installs.begin(accounts.connection, store.id)
    assert installs.end(accounts.connection, forgotten) is None
    left = accounts.connection.execute("select count(*) as n from yotpo_installs").fetchone()
    assert left
    assert left.n == 1
    assert installs.end(accounts.connection, good) == store.id


@pytest.mark.parametrize(
    "end", [stores.remove, lambda connection, store: yotpo_accounts.disconnect(connection, store.id)]
)
def test_an_install_of_a_store_that_has_ended_does_nothing(accounts: Accounts, store: Store, end: Any) -> None:
    accounts.connect(store)
    state = installs.begin(accounts.connection, store.id)
    end(accounts.connection, store)

    assert installs.end(accounts.connection, state) is None
