"""Compares two sets of updates for the same event, attribute by attribute. All functions are pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connector.model.identifiers import customer_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.model import UserEvent, UserUpdate


#: Stands for the value of an attribute that the update clears.
_CLEARED = object()


class Difference(NamedTuple):
    """One difference between two sets of updates."""

    #: ``user``, ``attribute``, ``user event`` or ``param``.
    part: str
    name: str
    #: ``added``, ``removed`` or ``changed``; for an attribute also ``cleared`` or ``no longer cleared``.
    change: str
    before: Any
    after: Any


def between(before: Sequence[UserUpdate], after: Sequence[UserUpdate]) -> Iterator[Difference]:
    """Yield the differences, user by user. Users are the same if their identifiers belong to the same customer."""
    olds = {customer_of(update.identifiers) or "": update for update in before}
    news = {customer_of(update.identifiers) or "": update for update in after}
    for number, customer in enumerate(dict.fromkeys([*olds, *news]), start=1):
        old, new = olds.get(customer), news.get(customer)
        if old is None or new is None:
            # The difference contains the user's position, because it must not contain personal data.
            yield Difference("user", f"{number}. user", "added" if new else "removed", None, None)
            continue
        yield from _attributes(old, new)
        yield from _events(old.events, new.events)


def _attributes(before: UserUpdate, after: UserUpdate) -> Iterator[Difference]:
    for difference in _values("attribute", _with_cleared(before), _with_cleared(after)):
        if difference.after is _CLEARED:
            yield difference._replace(change="cleared", after=None)
        elif difference.before is _CLEARED:
            yield difference._replace(change="no longer cleared", before=None)
        else:
            yield difference


def _with_cleared(update: UserUpdate) -> dict[str, Any]:
    return {**dict.fromkeys(update.cleared, _CLEARED), **update.attributes}


def _events(before: Sequence[UserEvent], after: Sequence[UserEvent]) -> Iterator[Difference]:
    olds = {event.name: event for event in before}
    news = {event.name: event for event in after}
    for name in dict.fromkeys([*olds, *news]):
        old, new = olds.get(name), news.get(name)
        if old is None or new is None:
            yield Difference("user event", name, "added" if new else "removed", None, None)
            continue
        yield from _values("param", old.params, new.params, f"{name}.")


def _values(part: str, before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "") -> Iterator[Difference]:
    for name in dict.fromkeys([*before, *after]):
        if name not in before:
            yield Difference(part, prefix + name, "added", None, after[name])
        elif name not in after:
            yield Difference(part, prefix + name, "removed", before[name], None)
        # In Python, True equals 1. So the types are compared too.
        elif before[name] != after[name] or isinstance(before[name], bool) != isinstance(after[name], bool):
            yield Difference(part, prefix + name, "changed", before[name], after[name])
