"""Changes or deletes an identifier of a profile. See Insider's API reference: PATCH and DELETE of identity."""

from typing import Any

from connector.sandbox.insider import answers
from connector.sandbox.insider.operations.validation import Errors, note_identifiers
from connector.sandbox.insider.profiles import Identifiers, Profile, flat
from connector.sandbox.insider.world import Call
from connector.sandbox.simulation.answers import Answer


def change(call: Call) -> Answer:
    """Change the value of an identifier; the request has one old and one new identifier with the same name."""
    old, new = _identifiers(call.body.get("old_identifier")), _identifiers(call.body.get("new_identifier"))
    if len(old) != 1 or old.keys() != new.keys():
        return answers.error(answers.ONE_IDENTIFIER_EACH)
    if old == new:
        return answers.error(answers.SAME_IDENTIFIER)
    if message := _first_error(call.body["new_identifier"]):
        return answers.error(message)
    profile = profile_of(call, old)
    if profile is None:
        # Inferred from the other operations on one user.
        return answers.NO_SUCH_USER
    if call.account.directory.find(new):
        return answers.error(answers.IDENTIFIER_TAKEN)
    ((name, value),) = new.items()
    call.account.directory.change_identifier(profile, name, value)
    return Answer(200, {})


def delete(call: Call) -> Answer:
    identifiers = _identifiers(call.body.get("identifiers"))
    profile = profile_of(call, identifiers)
    if profile is None:
        return answers.NO_SUCH_USER
    if profile.identifiers.keys() <= identifiers.keys():
        return answers.error(answers.SOLE_IDENTIFIER)
    for name, value in identifiers.items():
        if profile.identifiers.get(name) == value:
            call.account.directory.remove_identifier(profile, name)
    return Answer(200, {})


def profile_of(call: Call, identifiers: Identifiers, insider_id: str | None = None) -> Profile | None:
    """Return the first profile that the identifiers find; None if they find no profile."""
    profiles = call.account.directory.find(call.world.enabled(identifiers), insider_id)
    return profiles[0] if profiles else None


def requested_profile(call: Call) -> Profile | None:
    """Return the profile that a request about one user names; None if there is no such profile."""
    insider_id = call.body.get("insider_id")
    identifiers = _identifiers(call.body.get("identifiers"))
    return profile_of(call, identifiers, insider_id if isinstance(insider_id, str) else None)


def _identifiers(value: Any) -> Identifiers:
    """Return the identifiers that have the documented form."""
    if type(value) is not dict or type(value.get("custom", {})) is not dict:
        return {}
    return {name: text for name, text in flat(value).items() if type(text) is str}


def _first_error(identifiers: dict[str, Any]) -> str:
    """Return what is wrong with an identifier, with the same message as upsert (inferred)."""
    errors = Errors("identity")
    note_identifiers(errors, {"identifiers": identifiers})
    return next((messages[0] for messages in errors.values()), "")
