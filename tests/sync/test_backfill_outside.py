"""Pages and cursors that Yotpo does not document: a backfill ends, or says why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sync import fronts
from tests.yotpo.answers import Answer, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Insider
    from tests.sync.fronts import Question
    from tests.sync.shops import Shop

BOTH = ["loyalty,reviews"]
ANN, BEN = {"email": "ann@example.com", "first_name": "Ann"}, {"email": "ben@example.com", "first_name": "Ben"}
NAMELESS = {"first_name": "Nobody"}
#: A little deeper than the client reads.
TOO_LONG = Answer(body=b'{"customers":[{"email":"ann@example.com","tags":"' + b"x" * 8_000_000 + b'"}]}')


def named(shop: Shop) -> list[dict[str, Any]]:
    cores = [one["core"] for one in shop.yotpo.truth()]
    return [one for one in cores if one["email"] or one["phone_number"]]


def pages(answer: Callable[[str], Answer | None]) -> Callable[[Question], Answer | None]:
    """Answer each page by its cursor; let the simulator answer all other requests."""
    return lambda question: answer(question.query.get("page_info", "")) if question.is_page else None


def test_a_customer_that_changes_and_changes_back_ends_with_the_last_state(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=BOTH)
    names = iter(["A", "B", "A"])
    expired = iter([True, True, False])

    def answer(cursor: str) -> Answer:
        if not cursor:
            return fronts.page({**ANN, "first_name": next(names)}, cursor="second")
        return told({}, 410) if next(expired) else fronts.page(BEN)

    shop.start()
    with fronts.before(shop, pages(answer)) as front:
        # The snapshots of a page are delivered before the next page is read.
        front.take(12, seconds=0.05)
    report = shop.report()

    assert (report["state"], report["restarts"]) == ("done", 2)
    assert (report["seen"], report["sent"], report["delivered"]) == (2, 2, 2)
    assert insider.user("ann@example.com")["attributes"]["name"] == "A"


def test_a_customer_that_is_nested_too_deep_is_skipped_and_counted(shop: Shop, insider: Insider) -> None:
    shop.connect(expands=BOTH)
    deep = b"[" * 300 + b"]" * 300
    shown = b'{"customers":[{"email":"ann@example.com","custom_properties":%s},{"email":"ben@example.com"}]}' % deep
    shop.start()
    with fronts.before(shop, pages(lambda _: Answer(body=shown))) as front:
        front.take()
    report = shop.report()

    assert (report["state"], report["seen"], report["sent"]) == ("done", 2, 1)
    assert report["skipped"] == {"nested too deep": 1}
    assert insider.get("users", email="ann@example.com", partner="acme") == []


@pytest.mark.parametrize("cursor", ["a\0b", "x" * 5000, "é", "a\nb"], ids=["NUL", "too long", "not ASCII", "two lines"])
def test_a_cursor_that_could_not_be_sent_back_ends_the_backfill(shop: Shop, cursor: str) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    with fronts.before(shop, pages(lambda _: fronts.page(ANN, cursor=cursor))) as front:
        front.take()
    report = shop.report()

    assert (report["state"], report["seen"], report["delivered"]) == ("failed", 1, 1)
    assert (
        report["note"]
        == "Yotpo's cursor cannot be used: it repeats the previous cursor, is too long, or has invalid characters"
    )
    assert shop.account().failures == 0


def test_the_same_cursor_again_ends_the_backfill(shop: Shop) -> None:
    shop.connect(expands=BOTH)
    shop.start()
    with fronts.before(shop, pages(lambda _: fronts.page(ANN, cursor="same"))) as front:
        front.take()

    assert shop.report()["state"] == "failed"
    assert "repeats the previous cursor" in shop.report()["note"]
    assert sum(asked.is_page for asked in front.asked) == 2


@pytest.mark.parametrize("shown", [[ANN], [ANN, NAMELESS], [ANN, ANN]], ids=["named", "nameless", "twice"])
def test_cursors_that_lead_in_a_circle_end_the_backfill(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, shown: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr("connector.sync.backfill._MOST_PAGES", 5)
    shop.connect(expands=BOTH)
    shop.start()
    circle = {"": "first", "first": "second", "second": "first"}
    with fronts.before(shop, pages(lambda cursor: fronts.page(*shown, cursor=circle[cursor]))) as front:
        front.take()
    report = shop.report()

    assert (report["state"], report["sent"]) == ("failed", 1)
    assert report["note"] == "Yotpo's cursors lead in a circle: there are far more pages than customers"
    assert sum(asked.is_page for asked in front.asked) == 7


def test_many_pages_without_identifiers_are_no_circle(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.sync.backfill._MOST_PAGES", 1)
    shop.connect(expands=BOTH)
    shop.start()

    def answer(cursor: str) -> Answer:
        number = int(cursor or "1")
        return fronts.page({"email": f"{number}@example.com"}, NAMELESS, cursor=str(number + 1) if number < 8 else None)

    with fronts.before(shop, pages(answer)) as front:
        front.take()

    assert (shop.report()["state"], shop.report()["pages"], shop.report()["seen"]) == ("done", 8, 16)


@pytest.mark.parametrize("never", [TOO_LONG, told({}, 500)], ids=["too long", "500"])
def test_a_page_that_always_fails_delays_only_the_backfill(shop: Shop, never: Answer) -> None:
    shop.connect(expands=BOTH)
    email = next(one["email"] for one in named(shop) if one["email"]).lower()
    shop.start()
    with fronts.before(shop, pages(lambda _: never)) as front:
        front.take(2, seconds=1)
        front.scheduler().run(seconds=1)
        note = shop.report()["note"]
        shop.touch(email)
        shop.are_due()
        front.scheduler().run(seconds=20)
    account = shop.account()

    assert (shop.report()["state"], shop.report()["pages"]) == ("running", 0)
    assert note.startswith("the next page is not asked for until")
    assert (account.state, account.failures, account.paused) == ("connected", 0, False)
    assert shop.connector.rows("select from refreshes") == []
    assert {row.customer for row in shop.connector.rows("select customer from events where bulk")} == {email}
    # The wait grows with each failure in a row, and ends with the first page that comes.
    assert shop.connector.rows("select failures from backfills")[0].failures >= 3
    shop.resume_account()
    shop.read()
    assert (shop.report()["state"], shop.report()["note"]) == ("done", None)


@pytest.mark.parametrize(
    ("before", "after"), [(["loyalty", "reviews"], BOTH), (BOTH, ["loyalty", "reviews"]), (["loyalty"], ["reviews"])]
)
def test_new_findings_restart_a_backfill_and_no_customer_counts_twice(
    shop: Shop, insider: Insider, before: list[str], after: list[str]
) -> None:
    shop.connect(expands=before)
    shop.start()
    shop.scheduler.run(seconds=0.1)
    shop.deliver()
    assert 0 < shop.report()["pages"] < 4
    shop.connect(expands=after)
    shop.read()
    report, everybody = shop.report(), named(shop)
    reviewers = [one for one in everybody if one["email"] and one["yotpo_ugc"]]

    assert (report["state"], report["restarts"]) == ("done", 1)
    assert (report["seen"], report["sent"]) == (len(shop.yotpo.truth()), len(everybody))
    assert sum(report["skipped"].values()) == report["seen"] - report["sent"]
    assert report["delivered"] == report["sent"]
    for one in reviewers:
        custom = insider.user(one["email"].lower())["custom"]
        assert custom["yotpo_total_reviews"] == one["yotpo_ugc"]["total_reviews"]


def test_a_second_full_backfill_sends_both_parts_of_each_customer_again(shop: Shop) -> None:
    shop.connect(expands=["loyalty", "reviews"])
    for _ in range(2):
        shop.start()
        shop.read()
    newest = "backfill_id = (select max(id) from backfills)"

    assert shop.report()["sent"] == len(named(shop))
    (row,) = shop.connector.rows(f"select count(*) as n from events where {newest}")
    assert row.n == 2 * len(named(shop))
