"""Checks the names that mappings write: their number, and whether they match or resemble Insider's own names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from connector.mapping.checking.defaults import BUDGET, KINDS, REQUIRED_PARAMS
from connector.mapping.loading import checks, kinds
from connector.mapping.loading.kinds import KIND_IN_WORDS, SECTIONS
from connector.mapping.reading.problems import suggestion
from connector.mapping.types.rules import OMIT
from connector.model.identifiers import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.mapping.grammar.parts import TopicPart, UserEventPart
    from connector.mapping.loading.layers import Layer, PlacedRule
    from connector.mapping.loading.loader import Checked
    from connector.mapping.reading.documents import Steps

#: If there are this many custom names or more, the check warns that the limit is near.
_NEAR = 70
#: A name that is at least this similar to one of Insider's names (by `difflib`) counts as a misspelling of it.
_SIMILARITY = 0.85
#: Names from other systems and from Insider's exports, each with the name that Insider's upsert expects.
_ALSO_CALLED = {
    "attributes": {
        **dict.fromkeys(("first_name", "firstname", "na"), "name"),
        **dict.fromkeys(("last_name", "lastname", "su"), "surname"),
        **dict.fromkeys(("em", "email_address", "customer_email"), "email"),
        **dict.fromkeys(("pn", "phone"), "phone_number"),
        **dict.fromkeys(("dob", "date_of_birth", "birthdate"), "birthday"),
        "lang": "language",
    },
    "params": {
        "product_name": "name",
        "product_url": "url",
        "qty": "quantity",
        **dict.fromkeys(("category", "categories"), "taxonomy"),
    },
}


def check(checked: Checked) -> None:
    """Check the names that the files write to Insider."""
    layers = [checked.shared, *checked.overlays.values()]
    for rule in kinds.output_rules(layers):
        fixed = KINDS[rule.section].get(rule.name)
        if fixed and rule.source.kind != fixed:
            own, made = KIND_IN_WORDS[fixed], KIND_IN_WORDS[rule.source.kind]
            sentence = f"Insider's own {rule.name!r} is {own}, but this rule makes it {made}"
            rule.document.problem(rule.steps, "default-kind", sentence)
    for layer in layers:
        _check_events(layer, checked.shared)
    for section in SECTIONS:
        is_reported = _check_budget([checked.shared], section)
        for overlay in checked.overlays.values():
            if not is_reported:
                _check_budget([checked.shared, overlay], section, overlay=overlay)
        for rule in _first(layers, section):
            if sentence := _near_default(section, rule.name):
                rule.document.problem(rule.steps, "near-default", sentence)


def _check_events(layer: Layer, shared: Layer) -> None:
    """Check that Insider's own events have the params that Insider requires."""
    groups = checks.merged_groups(layer, shared)
    for topic, (document, part) in layer.topics.items():
        below = shared.topics[topic].part if topic in shared.topics and layer is not shared else None
        names_below = {event.name for _, event in _events(below)} if below else set()
        for steps, event in _events(part):
            included = {param: source for name in event.include for param, source in groups[name].params.items()}
            params = {param for param, source in {**included, **event.params}.items() if source.type != OMIT}
            missing = sorted(REQUIRED_PARAMS.get(event.name, frozenset()) - params)
            if missing and event.name not in names_below:
                sentence = f"Insider refuses {event.name!r} without {', '.join(missing)}; add the params"
                document.problem((*steps, "name"), "required-param", sentence, of_value=True)


def _events(part: TopicPart) -> Iterator[tuple[Steps, UserEventPart]]:
    for index, user in enumerate(part.users):
        for number, event in enumerate(user.events):
            yield ("users", index, "events", number), event


def _first(layers: Sequence[Layer], section: str) -> list[PlacedRule]:
    """Return the first rule of each custom name."""
    first: dict[str, PlacedRule] = {}
    for rule in kinds.output_rules(layers):
        if rule.section == section and rule.name not in KINDS[section]:
            first.setdefault(rule.name, rule)
    return list(first.values())


def _check_budget(layers: Sequence[Layer], section: str, overlay: Layer | None = None) -> bool:
    """Check the number of custom names that the layers write; return whether there is a problem.

    If `overlay` is given, it is the last layer. The check passes if the overlay adds no custom name to the first layer.
    """
    rules = _first(layers, section)
    count = len(rules)
    if count < _NEAR or (overlay and count == len(_first(layers[:1], section))):
        return False
    rule = rules[min(count, BUDGET + 1) - 1]
    sentence = f"the mappings write {count} custom {section}, and an Insider account takes {BUDGET}"
    if count > BUDGET:
        rule.document.problem(rule.steps, "budget", f"{sentence}; this is the first too many")
    else:
        rule.document.problem(rule.steps, "budget-near", sentence)
    return True


def _near_default(section: str, name: str) -> str:
    """Return the problem sentence if a custom name looks like one of Insider's own names; otherwise ""."""
    own_names = [*KINDS[section], *(NAMES if section == "attributes" else ())]
    without_underscores = {own.replace("_", ""): own for own in own_names}
    own_name = without_underscores.get(name.replace("_", "")) or _ALSO_CALLED[section].get(name)
    if not own_name and name.startswith("c_"):
        return f"Insider shows custom names with the prefix c_ but expects them without it{suggestion(name[2:])}"
    own_name = own_name or next(iter(difflib.get_close_matches(name, own_names, n=1, cutoff=_SIMILARITY)), None)
    return f"{name!r} would be a custom name beside Insider's own{suggestion(own_name)}" if own_name else ""
