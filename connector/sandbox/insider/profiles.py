"""The profiles of one partner: how identifiers find one, make one, or merge several.

From Insider's API reference: none found, a new profile; one found, data added; several found, a merge is tried. An
upsert never changes an identifier's value. Emails and all others are compared exactly as sent: whether Insider folds
case isn't published, and so a client that forgets to is seen.
"""

from dataclasses import dataclass, field
from typing import Any

#: When profiles can't be merged, the data goes to the one that the first of these finds. Inferred: in Insider's panel
#: the priorities are a setting. Custom identifiers come last.
_PRIORITY = ("uuid", "email", "phone_number")
_ALIASES = {"em": "email", "pn": "phone_number"}

#: Identifier names to values, with custom ones as `custom.NAME`.
Identifiers = dict[str, str]


def flat(identifiers: dict[str, Any]) -> Identifiers:
    """Bring identifiers as sent into one level, under their long names; nulls are left out."""
    named = {_ALIASES.get(name, name): value for name, value in identifiers.items() if name != "custom"}
    if isinstance(identifiers.get("custom"), dict):
        named |= {f"custom.{name}": value for name, value in identifiers["custom"].items()}
    return {name: value for name, value in named.items() if value is not None}


@dataclass(eq=False)
class Profile:
    insider_id: str
    born: int
    identifiers: Identifiers = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    #: In order of arrival, under what makes an event identical to another.
    events: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    #: The place of the last upsert among all, so that a merge knows the newer attributes.
    touched: int = 0

    def shown(self, partner: str) -> dict[str, Any]:
        named = {name: value for name, value in self.identifiers.items() if not name.startswith("custom.")}
        custom = {name[7:]: value for name, value in self.identifiers.items() if name.startswith("custom.")}
        return {
            "partner": partner,
            "insider_id": self.insider_id,
            "identifiers": named | ({"custom": custom} if custom else {}),
            "attributes": self.attributes,
            "custom": self.custom,
            "events": list(self.events.values()),
        }


class Directory:
    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        self.merged = 0
        self.merges_refused = 0
        self.identifiers_ignored = 0
        self._index: dict[tuple[str, str], Profile] = {}
        self._born = 0
        self._touches = 0

    def find(self, identifiers: Identifiers, insider_id: str | None = None) -> list[Profile]:
        """Return the profiles that any of the identifiers leads to, by priority, each once."""
        found = [self.profiles[insider_id]] if insider_id in self.profiles else []
        for name in sorted(identifiers, key=_priority):
            profile = self._index.get((name, identifiers[name]))
            if profile is not None and profile not in found:
                found.append(profile)
        return found

    def resolve(self, identifiers: Identifiers, insider_id: str | None = None) -> Profile:
        """Return the one profile that an upsert writes to."""
        found = self.find(identifiers, insider_id)
        profile = found[0] if found else self._create(insider_id)
        for other in found[1:]:
            profile = self._merge(profile, other)
        for name, value in identifiers.items():
            self._identify(profile, name, value)
        self._touches += 1
        profile.touched = self._touches
        return profile

    def rename(self, profile: Profile, name: str, value: str) -> None:
        """Give an identifier of a profile another value."""
        self.unname(profile, name)
        self._identify(profile, name, value)

    def unname(self, profile: Profile, name: str) -> None:
        del self._index[name, profile.identifiers.pop(name)]

    def remove(self, profile: Profile) -> None:
        for name in list(profile.identifiers):
            self.unname(profile, name)
        del self.profiles[profile.insider_id]

    def _create(self, insider_id: str | None) -> Profile:
        self._born += 1
        # An insider_id that nobody has makes a profile of that id. The simulator's own choice; nothing is published.
        profile = Profile(insider_id or f"sandbox-{self._born}", self._born)
        self.profiles[profile.insider_id] = profile
        return profile

    def _identify(self, profile: Profile, name: str, value: str) -> None:
        if profile.identifiers.get(name) == value:
            return
        if name in profile.identifiers or (name, value) in self._index:
            self.identifiers_ignored += 1
            return
        profile.identifiers[name] = value
        self._index[name, value] = profile

    def _merge(self, first: Profile, other: Profile) -> Profile:
        """Merge two profiles into the older one, unless an identifier of both tells them apart.

        Inferred: in Insider's panel, limits and priorities decide. A limit of one value for each identifier is the
        strictest, and the only one here.
        """
        if any(other.identifiers.get(name, value) != value for name, value in first.identifiers.items()):
            self.merges_refused += 1
            return first
        kept, lost = (first, other) if first.born < other.born else (other, first)
        older, newer = (lost, kept) if lost.touched < kept.touched else (kept, lost)
        kept.attributes = older.attributes | newer.attributes
        kept.custom = older.custom | newer.custom
        kept.events = _united(kept.events, lost.events)
        identifiers = lost.identifiers.copy()
        self.remove(lost)
        for name, value in identifiers.items():
            self._identify(kept, name, value)
        self.merged += 1
        return kept


def _united(kept: dict[bytes, dict[str, Any]], lost: dict[bytes, dict[str, Any]]) -> dict[bytes, dict[str, Any]]:
    for key in kept.keys() & lost.keys():
        kept[key]["transmissions"] += lost[key]["transmissions"]
    united = (lost | kept).items()
    return dict(sorted(united, key=lambda item: item[1]["received_at"]))


def _priority(name: str) -> int:
    return _PRIORITY.index(name) if name in _PRIORITY else len(_PRIORITY)
