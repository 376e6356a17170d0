"""Deletes attributes, personal data and users. See Insider's API reference: attribute/delete, anonymize, delete."""

from typing import Any

from connector.sandbox.insider import answers, defaults
from connector.sandbox.insider.operations.identity import profile_of, requested_profile
from connector.sandbox.insider.operations.validation import Errors, note_identifiers
from connector.sandbox.insider.profiles import Profile, flat
from connector.sandbox.insider.world import Call
from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_list, as_names, as_object


def delete_attributes(call: Call) -> Answer:
    """Delete attributes of many users: whole attributes, or values of arrays.

    The reference says that the answer is `{}`, but the answer in its example has counts. The simulator answers with
    counts.
    """
    users = call.body["users"]
    errors: dict[str, list[str]] = {}
    failed = 0
    for index, user in enumerate(users):
        failures = call.forced.get(index) or _delete_of(call, index, user)
        failed += bool(failures)
        errors.update(failures)
    return answers.counted(len(users) - failed, failed, errors)


def delete_user(call: Call) -> Answer:
    profile = requested_profile(call)
    # Inferred: the reference lists no 404 for this operation, so an unknown user counts as deleted.
    if profile is not None:
        call.account.directory.remove(profile)
    return Answer(200, {})


def anonymize(call: Call) -> Answer:
    """Delete personal data; the last identifier stays, even if it is an email or a phone number."""
    profile = requested_profile(call)
    if profile is None:
        return answers.NO_SUCH_USER
    for name in defaults.PERSONAL:
        profile.attributes.pop(name, None)
    for name in ("phone_number", "email"):
        if name in profile.identifiers and len(profile.identifiers) > 1:
            call.account.directory.remove_identifier(profile, name)
    return Answer(200, {})


def _delete_of(call: Call, index: int, user: Any) -> dict[str, list[str]]:
    errors = Errors(f"users.{index}")
    if type(user) is not dict:
        errors.note("type(object)", "user must be an object")
        return errors
    note_identifiers(errors, user)
    if errors:
        return errors
    profile = profile_of(call, flat(user.get("identifiers") or {}), user.get("insider_id"))
    if profile is None:
        # The simulator's own choice: nothing is published about an unknown user.
        errors.note("identifiers.exists", answers.NO_USER)
        return errors
    custom = as_object(user.get("custom"))
    _note_identifying(errors, profile, user, "")
    _note_identifying(errors, profile, custom, "custom.")
    if errors:
        return errors
    _delete(profile.attributes, user)
    _delete(profile.custom, custom)
    return {}


def _note_identifying(errors: Errors, profile: Profile, request: dict[str, Any], prefix: str) -> None:
    """Refuse to delete an identifier with this operation. The words of the error are the simulator's own choice."""
    for part, names in (("whole", as_names(request.get("whole"))), ("partial", as_object(request.get("partial")))):
        for name in names:
            if prefix + name in profile.identifiers:
                errors.note(f"{prefix}{part}.{name}.identifier", f"{name} is an identifier and cannot be deleted")


def _delete(stored: dict[str, Any], request: dict[str, Any]) -> None:
    for name in as_names(request.get("whole")):
        stored.pop(name, None)
    for name, values in as_object(request.get("partial")).items():
        if type(stored.get(name)) is list:
            stored[name] = [value for value in stored[name] if value not in as_list(values)]
