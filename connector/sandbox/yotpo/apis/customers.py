"""Core v3, "Retrieve customers": lists customers page by page in a stable order. Identifiers restrict the list."""

from dataclasses import replace
from typing import Any

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.apis.core_shape import BOTH, LOYALTY, REVIEWS, core_customer
from connector.sandbox.yotpo.apis.cursors import Search, WrongCursorError, read_cursor, write_cursor
from connector.sandbox.yotpo.people.generator import Person
from connector.sandbox.yotpo.store import Lookup, Store
from connector.sandbox.yotpo.switches import Switches
from connector.sandbox.yotpo.world import ApiRequest, Call

_MAX_LIMIT = 100
_ALLOWED_WITH_CURSOR = frozenset({"page_info", "limit", "access_token"})
_SINGLE_BLOCK = {"loyalty_only": frozenset({LOYALTY}), "reviews_only": frozenset({REVIEWS})}


def retrieve(call: Call) -> Answer:
    request, switches = call.request, call.world.switches
    limit = _limit(request)
    if limit is None:
        return answers.invalid({"limit": f"must be a number from 1 to {_MAX_LIMIT}"})
    try:
        search = _search(request, switches)
    except WrongCursorError as error:
        return answers.invalid({"page_info": str(error)}, switches.cursor_status)
    if isinstance(search, Answer):
        return search
    people, next_cursor = _page(call.store, search, limit)
    if not people and switches.empty_as == "400":
        return answers.NO_RESULTS
    return Answer(200, _body(call, people, search) | {"pagination": {"next_page_info": next_cursor}})


def _limit(request: ApiRequest) -> int | None:
    text = request.parameter("limit")
    if text is None:
        return _MAX_LIMIT
    return int(text) if text.isdecimal() and 1 <= int(text) <= _MAX_LIMIT else None


def _search(request: ApiRequest, switches: Switches) -> Search | Answer:
    """Return the search that a request asks for, from its parameters or its cursor.

    If the parameters are wrong, the function returns the answer that refuses the request. Raises WrongCursorError
    if the cursor is broken or too old.
    """
    cursor = request.parameter("page_info")
    if cursor is None:
        search = Search(_lookup(request), _expand(request), request.parameter("include_custom_properties") == "true")
    elif switches.strict_page_info and not request.query.keys() <= _ALLOWED_WITH_CURSOR:
        return answers.invalid({"page_info": "must not be sent with other parameters than limit"})
    else:
        search = read_cursor(cursor, switches.cursor_seconds)
        # If a request has a cursor and `expand`, its `expand` applies. The filters always come from the cursor.
        repeated = _expand(request)
        if repeated or not switches.expand_survives:
            search = replace(search, expand=repeated)
    if len(search.expand) > 1 and switches.expand == "single_only_400":
        return answers.invalid({"expand": "must be one of loyalty, reviews"})
    return search


def _lookup(request: ApiRequest) -> Lookup | None:
    external_ids = _values(request, "external_ids", "external_id")
    emails = _values(request, "email", "emails")
    phones = _values(request, "phone_number", "phone_numbers")
    if external_ids is None and emails is None and phones is None:
        return None
    return Lookup(
        frozenset(external_ids or ()), frozenset(email.lower() for email in emails or ()), frozenset(phones or ())
    )


def _values(request: ApiRequest, *names: str) -> list[str] | None:
    """Return the values of a parameter. It may be repeated, and commas separate values. None: it is missing."""
    texts = [text for name in names for text in request.query.get(name, ())]
    return [value.strip() for text in texts for value in text.split(",")] if texts else None


def _expand(request: ApiRequest) -> frozenset[str]:
    return BOTH & frozenset(_values(request, "expand") or ())


def _page(store: Store, search: Search, limit: int) -> tuple[list[Person], str | None]:
    if search.lookup is None:
        people = store.customers_after(search.after, limit)
        has_more = bool(people) and people[-1].number < store.last
    else:
        # The search asks for one customer more than the page has, to find out whether there is a next page.
        people = store.search(search.lookup, search.after, limit + 1)
        people, has_more = people[:limit], len(people) > limit
    return people, write_cursor(replace(search, after=people[-1].number)) if has_more else None


def _body(call: Call, people: list[Person], search: Search) -> dict[str, Any]:
    switches = call.world.switches
    expand = search.expand
    if len(expand) > 1 and switches.expand != "both":
        expand = _SINGLE_BLOCK.get(switches.expand, frozenset())
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
