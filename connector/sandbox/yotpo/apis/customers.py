"""Core v3, "Retrieve customers": page by page in a stable order, or by who is looked for."""

from dataclasses import replace
from typing import Any

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.apis.core_shape import BOTH, LOYALTY, REVIEWS, core_customer
from connector.sandbox.yotpo.apis.cursors import Search, WrongCursorError, read_cursor, write_cursor
from connector.sandbox.yotpo.people.generator import Person
from connector.sandbox.yotpo.store import Store, Wanted
from connector.sandbox.yotpo.switches import Switches
from connector.sandbox.yotpo.world import Call, Received

_MOST = 100
_BESIDE_CURSOR = frozenset({"page_info", "limit", "access_token"})
_SINGLE = {"loyalty_only": frozenset({LOYALTY}), "reviews_only": frozenset({REVIEWS})}


def retrieve(call: Call) -> Answer:
    received, switches = call.received, call.world.switches
    limit = _limit(received)
    if limit is None:
        return answers.invalid({"limit": f"must be a number from 1 to {_MOST}"})
    try:
        search = _search(received, switches)
    except WrongCursorError as error:
        return answers.invalid({"page_info": str(error)}, switches.cursor_status)
    if isinstance(search, Answer):
        return search
    people, following = _page(call.store, search, limit)
    if not people and switches.empty_as == "400":
        return answers.NO_RESULTS
    return Answer(200, _shown(call, people, search) | {"pagination": {"next_page_info": following}})


def _limit(received: Received) -> int | None:
    given = received.asked("limit")
    if given is None:
        return _MOST
    return int(given) if given.isdecimal() and 1 <= int(given) <= _MOST else None


def _search(received: Received, switches: Switches) -> Search | Answer:
    """Read what is asked for, anew or by a cursor. Raises WrongCursorError."""
    cursor = received.asked("page_info")
    if cursor is None:
        search = Search(_wanted(received), _expand(received), received.asked("include_custom_properties") == "true")
    elif switches.strict_page_info and not received.query.keys() <= _BESIDE_CURSOR:
        return answers.invalid({"page_info": "must not be sent with other parameters than limit"})
    else:
        search = read_cursor(cursor, switches.cursor_seconds)
        # Repeated beside a lenient cursor, `expand` counts again; the filters are those of the cursor.
        repeated = _expand(received)
        if repeated or not switches.expand_survives:
            search = replace(search, expand=repeated)
    if len(search.expand) > 1 and switches.expand == "single_only_400":
        return answers.invalid({"expand": "must be one of loyalty, reviews"})
    return search


def _wanted(received: Received) -> Wanted | None:
    external_ids = _values(received, "external_ids", "external_id")
    emails = _values(received, "email", "emails")
    phones = _values(received, "phone_number", "phone_numbers")
    if external_ids is None and emails is None and phones is None:
        return None
    return Wanted(
        frozenset(external_ids or ()), frozenset(each.lower() for each in emails or ()), frozenset(phones or ())
    )


def _values(received: Received, *names: str) -> list[str] | None:
    """Return what a parameter lists, with commas or given several times; None where it is missing."""
    given = [text for name in names for text in received.query.get(name, ())]
    return [each.strip() for text in given for each in text.split(",")] if given else None


def _expand(received: Received) -> frozenset[str]:
    return BOTH & frozenset(_values(received, "expand") or ())


def _page(store: Store, search: Search, limit: int) -> tuple[list[Person], str | None]:
    if search.wanted is None:
        people = store.after(search.after, limit)
        has_more = bool(people) and people[-1].number < store.last
    else:
        people = store.found(search.wanted, search.after, limit + 1)
        people, has_more = people[:limit], len(people) > limit
    return people, write_cursor(replace(search, after=people[-1].number)) if has_more else None


def _shown(call: Call, people: list[Person], search: Search) -> dict[str, Any]:
    switches = call.world.switches
    expand = search.expand
    if len(expand) > 1 and switches.expand != "both":
        expand = _SINGLE.get(switches.expand, frozenset())
    if not call.world.has_loyalty(call.store):
        expand -= {LOYALTY}
    return {
        "customers": [
            core_customer(
                person,
                expand,
                custom_properties=search.custom_properties,
                zoneless=switches.zoneless,
                updated_at_absent=switches.updated_at_absent,
            )
            for person in people
        ]
    }
