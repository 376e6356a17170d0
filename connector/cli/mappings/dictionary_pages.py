"""Writes two Markdown pages: the dictionary of all names, and the plan with the names to create in Insider's panel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from connector.cli import shared
from connector.mapping.types.rules import ALWAYS, CLEAR, TYPES
from connector.workshop.dictionary import DATA_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.workshop.dictionary import Entry, Origin

_DICTIONARY = """\
# Dictionary

Every name that the mappings write at Insider: its data type, its meaning in Insider's published tables, and where its
value comes from. If there are several paths, the first one with a value counts.

Written by `connector mappings table > docs/dictionary.md`; run it again after each change of a mapping.
"""
_PLAN = """\
# What Insider needs

Create these under *Attributes and Events* in Insider's panel before the first webhook comes: Insider silently drops
values whose names it does not know. System names and data types cannot be changed later. Names that Insider has by
default are not listed.
"""
_HEADINGS = {"identifier": "Identifiers", "attribute": "Attributes", "param": "Params", "event": "User events"}


def dictionary(entries: Sequence[Entry]) -> str:
    """Return the dictionary: the rule types, then the entries by section."""
    lines = [_DICTIONARY]
    lines += ["## How values are read", "", "| type | at Insider | what it takes |", "|---|---|---|"]
    lines += [f"| `{name}` | {DATA_TYPES[type_.kind]} | {_cell(type_.description)} |" for name, type_ in TYPES.items()]
    for section, heading in _HEADINGS.items():
        in_section = [entry for entry in entries if entry.section == section]
        custom = sum(not entry.is_default for entry in in_section)
        lines += [
            "",
            f"## {heading}",
            "",
            f"{shared.counted(len(in_section), 'name')}; {custom} of them must be created in Insider.",
        ]
        for entry in in_section:
            lines += ["", f"### {entry.name}", "", *_entry(entry)]
    return "\n".join(lines) + "\n"


def plan(entries: Sequence[Entry]) -> str:
    """Return the plan as a list of check boxes: first the attributes, then each user event with its params."""
    attributes = [entry for entry in entries if entry.section == "attribute"]
    params = [entry for entry in entries if entry.section == "param"]
    events = {entry.name: entry for entry in entries if entry.section == "event"}
    lines = [_PLAN, f"## {shared.counted(len(attributes), 'attribute')}", ""]
    lines += [f"- [ ] {_planned(entry)}" for entry in attributes]
    lines += ["", f"## {shared.counted(len(events), 'event')}, with {shared.counted(len(params), 'parameter')}", ""]
    lines += ["Create a parameter with the first event that needs it; for the other events, choose it.", ""]
    created: set[str] = set()
    for event in dict.fromkeys([*events, *(name for entry in params for name in entry.events)]):
        of_event = [entry for entry in params if event in entry.events]
        lines.append(
            f"- [ ] {_planned(events[event])}" if event in events else f"- `{event}`, which Insider has by default"
        )
        lines += [
            f"  - [ ] {f'`{entry.name}`' if entry.name in created else f'create {_planned(entry)}'}"
            for entry in of_event
        ]
        created |= {entry.name for entry in of_event}
    return "\n".join(lines) + "\n"


def _planned(entry: Entry) -> str:
    return ", ".join(filter(None, [f"`{entry.name}`", entry.display_name, entry.data_type]))


def _entry(entry: Entry) -> Iterator[str]:
    kind = (
        f"{entry.data_type}, {'default' if entry.is_default else 'custom'}."
        if entry.data_type
        else f"{entry.display_name}."
    )
    yield f"{kind} {entry.meaning}".rstrip()
    yield ""
    if entry.section == "event":
        yield from (f"- {origin.topic}{_overlay(origin)}, {origin.place}" for origin in entry.origins)
        return
    yield "| from | rule | user events |" if entry.section == "param" else "| from | rule | topics |"
    yield "|---|---|---|"
    rows: dict[tuple[str, str], dict[str, None]] = {}
    for origin in entry.origins:
        rows.setdefault((_from(origin), _rule(origin)), {})[(origin.event or origin.topic) + _overlay(origin)] = None
    yield from (f"| {paths} | {rule} | {', '.join(places)} |" for (paths, rule), places in rows.items())


def _from(origin: Origin) -> str:
    if origin.rule and origin.rule.source.type == ALWAYS:
        return f"always `{json.dumps(origin.rule.source.constant, ensure_ascii=False)}`"
    return ", ".join(f"`{path}`" for path in origin.paths)


def _rule(origin: Origin) -> str:
    """Return the rule's type, the case in which the rule clears the value, and the place of the rule."""
    if origin.rule is None:
        return origin.place
    source = origin.rule.source
    clears = f", {source.clears_when}: {CLEAR}" if source.clears_when else ""
    return f"{source.type}{clears}, {origin.place}"


def _overlay(origin: Origin) -> str:
    return f" (overlay {origin.overlay})" if origin.overlay else ""


def _cell(text: str) -> str:
    """Return the text with a backslash before each column separator."""
    return text.replace("|", "\\|")
