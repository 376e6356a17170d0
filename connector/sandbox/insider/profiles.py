"""The profiles of one partner: how identifiers find a profile, create a profile, or merge several profiles.

Insider's API reference says: if the identifiers find no profile, Insider creates one. If they find one profile, Insider
adds the data to it. If they find several profiles, Insider tries to merge them. An upsert never changes an identifier's
value. All identifiers, including emails, are compared exactly as they were sent. Insider doesn't publish whether it
ignores case. With an exact comparison, tests notice a client that mixes cases.
"""

from dataclasses import dataclass, field
from typing import Any

#: The identifiers with the highest priority come first; custom identifiers come last. If an upsert finds several
#: profiles that can't be merged, the data goes to the profile whose identifier has the highest priority. This order is
#: inferred: at Insider, the priorities are a setting in the panel.
_PRIORITY = ("uuid", "email", "phone_number")
_ALIASES = {"em": "email", "pn": "phone_number"}

#: The values of identifiers by name. A custom identifier has the name `custom.NAME`.
Identifiers = dict[str, str]


def flat(identifiers: dict[str, Any]) -> Identifiers:
    """Return a request's identifiers as one flat dict, with long names and without nulls."""
    values = {_ALIASES.get(name, name): value for name, value in identifiers.items() if name != "custom"}
    if isinstance(identifiers.get("custom"), dict):
        values |= {f"custom.{name}": value for name, value in identifiers["custom"].items()}
    return {name: value for name, value in values.items() if value is not None}


@dataclass(eq=False)
class Profile:
    insider_id: str
    #: The number of the profile, in the order in which profiles were made.
    born: int
    identifiers: Identifiers = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    #: The events in the order of arrival. Identical events have the same key.
    events: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    #: The number of the profile's last upsert; from these numbers a merge knows which attributes are newer.
    touched: int = 0

    def shown(self, partner: str) -> dict[str, Any]:
        """Return the profile as the control routes show it."""
        own = {name: value for name, value in self.identifiers.items() if not name.startswith("custom.")}
        custom = {name[7:]: value for name, value in self.identifiers.items() if name.startswith("custom.")}
        return {
            "partner": partner,
            "insider_id": self.insider_id,
            "identifiers": own | ({"custom": custom} if custom else {}),
            "attributes": self.attributes,
            "custom": self.custom,
            "events": list(self.events.values()),
        }


class Directory:
    """All profiles of a partner, by insider_id and by identifier."""

    def __init__(self) -> None:
        self.profiles: dict[str, Profile] = {}
        self.merged = 0
        self.merges_refused = 0
        self.identifiers_ignored = 0
        self._index: dict[tuple[str, str], Profile] = {}
        self._born = 0
        self._touches = 0

    def find(self, identifiers: Identifiers, insider_id: str | None = None) -> list[Profile]:
        """Return the profiles that have any of the identifiers: each profile once, in the order of priority."""
        profiles = [self.profiles[insider_id]] if insider_id in self.profiles else []
        for name in sorted(identifiers, key=_priority):
            profile = self._index.get((name, identifiers[name]))
            if profile is not None and profile not in profiles:
                profiles.append(profile)
        return profiles

    def resolve(self, identifiers: Identifiers, insider_id: str | None = None) -> Profile:
        """Return the profile that an upsert writes to; it may be new, or merged from several."""
        profiles = self.find(identifiers, insider_id)
        profile = profiles[0] if profiles else self._create(insider_id)
        for other in profiles[1:]:
            profile = self._merge(profile, other)
        for name, value in identifiers.items():
            self._identify(profile, name, value)
        self._touches += 1
        profile.touched = self._touches
        return profile

    def change_identifier(self, profile: Profile, name: str, value: str) -> None:
        """Give an identifier of a profile another value."""
        self.remove_identifier(profile, name)
        self._identify(profile, name, value)

    def remove_identifier(self, profile: Profile, name: str) -> None:
        """Remove an identifier from a profile."""
        del self._index[name, profile.identifiers.pop(name)]

    def remove(self, profile: Profile) -> None:
        for name in list(profile.identifiers):
            self.remove_identifier(profile, name)
        del self.profiles[profile.insider_id]

    def _create(self, insider_id: str | None) -> Profile:
        self._born += 1
        # An unknown insider_id creates a profile with that id. This is the simulator's own choice, because nothing is
        # published.
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
        """Merge two profiles into the older one.

        If they have different values of an identifier, return the first profile. This rule is inferred: in Insider's
        panel, limits and priorities decide. The simulator has only the strictest limit: one value for each identifier.
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
