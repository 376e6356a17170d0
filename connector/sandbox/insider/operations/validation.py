"""The reasons for which Insider refuses a user: error keys and messages as its API reference prints them.

An error in any part refuses the user; the answer's status is 200. The keys that the reference prints are marked with
"printed". The documentation doesn't name the other keys, so they follow the pattern of the printed keys.
"""

import re
from typing import Any

import orjson

from connector.sandbox.insider import answers
from connector.sandbox.insider.defaults import EMAIL, PHONE, REQUIRED_PARAMS, time_of

_EVENT_NAME = re.compile(r"[a-z0-9][a-zA-Z0-9._-]*", re.ASCII)
# These texts are parts of keys that the reference prints.
_EMAIL_RULE = r"identifiers.*.regexp(^.+@.+\..+$)"
_PHONE_RULE = r"identifiers.*.regexp(^\+[1-9]\d{6,14}$)"
_UUID_RULE = "identifiers.*.type(string)"
_NAMES_RULE = "identifiers.*.in(defaults_column)"
_EVENT_NAME_RULE = "event_name.*.regexp(^[a-z0-9][a-zA-Z0-9._-]*$)"
_NEITHER = "either attributes or events must be specified"


class Errors(dict[str, list[str]]):
    """Error messages by key. All keys begin with the same path."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def note(self, rule: str, message: str) -> None:
        self.setdefault(f"{self._path}.{rule}", []).append(message)


def user_errors(index: int, user: Any, *, strict_event_names: bool) -> Errors:
    """Return the errors of a user, by key; empty if Insider would accept the user."""
    errors = Errors(f"users.{index}")
    if type(user) is not dict:
        errors.note("type(object)", "user must be an object")
        return errors
    note_identifiers(errors, user)
    if "attributes" in user:
        _note_attributes(errors, user["attributes"])
    events = user.get("events")
    if events is not None and type(events) is not list:
        errors.note("events.type(array)", "events must be an array")
    elif events:
        for place, event in enumerate(events):
            _note_event(errors, f"events.{place}", event, strict_event_names=strict_event_names)
    elif "attributes" not in user:
        errors.note("attributes.required", _NEITHER)
        errors.note("events.required", _NEITHER)
    return errors


def note_identifiers(errors: Errors, user: dict[str, Any]) -> None:
    identifiers = user.get("identifiers")
    insider_id = user.get("insider_id")
    if identifiers is not None and type(identifiers) is not dict:
        errors.note("identifiers.type(object)", "identifiers must be an object")
        return
    if insider_id is not None and (type(insider_id) is not str or not insider_id):
        errors.note("insider_id.type(string)", f"insider_id must be string: {_text(insider_id)}")
    custom = (identifiers or {}).get("custom")
    if insider_id is None and not (identifiers and set(identifiers) - {"custom"}) and not custom:
        errors.note("identifiers.required", answers.NO_IDENTIFIERS)  # Printed.
        errors.note("insider_id.required", answers.NO_IDENTIFIERS)  # Printed.
    for name, value in (identifiers or {}).items():
        _note_identifier(errors, name, value)


def _note_identifier(errors: Errors, name: str, value: Any) -> None:
    if name == "custom":
        _note_custom_identifiers(errors, value)
    elif name in {"email", "em"}:
        if type(value) is not str or not EMAIL.fullmatch(value):
            errors.note(_EMAIL_RULE, f"not a valid email address: {_text(value)}")  # Printed.
    elif name in {"phone_number", "pn"}:
        if type(value) is not str or not PHONE.fullmatch(value):
            errors.note(_PHONE_RULE, f"user has an invalid phone number: {_text(value)}")  # Printed.
    elif name != "uuid":
        errors.note(_NAMES_RULE, answers.UNKNOWN_IDENTIFIER)  # Printed.
    elif type(value) is not str:
        errors.note(_UUID_RULE, f"uuid must be string: {_text(value)}")  # Printed.


def _note_custom_identifiers(errors: Errors, custom: Any) -> None:
    if type(custom) is not dict:
        errors.note("identifiers.custom.type(object)", "custom must be an object")
        return
    for name, value in custom.items():
        # Inferred from uuid: in the reference, custom identifiers are always texts.
        if type(value) is not str:
            errors.note("identifiers.custom.*.type(string)", f"{name} must be string: {_text(value)}")


def _note_attributes(errors: Errors, attributes: Any) -> None:
    if type(attributes) is not dict:
        errors.note("attributes.type(object)", "attributes must be an object")
    elif type(attributes.get("custom", {})) is not dict:
        errors.note("attributes.custom.type(object)", "custom must be an object")
    elif not attributes or (len(attributes) == 1 and attributes.get("custom") == {}):
        errors.note("attributes.required", "at least one attribute must be specified")


def _note_event(errors: Errors, path: str, event: Any, *, strict_event_names: bool) -> None:
    if type(event) is not dict:
        errors.note(f"{path}.type(object)", "event must be an object")
        return
    name = event.get("event_name")
    if name is None:
        errors.note(f"{path}.event_name.required", "event_name must be specified")
    elif type(name) is not str or not _EVENT_NAME.fullmatch(name) or (strict_event_names and name != name.lower()):
        errors.note(f"{path}.{_EVENT_NAME_RULE}", f"invalid event name: {_text(name)}")  # Printed.
    if time_of(event.get("timestamp")) is None:
        timestamp = _text(event.get("timestamp"))
        errors.note(f"{path}.timestamp.rfc3339", f"timestamp must be in RFC 3339 format: {timestamp}")
    params = event.get("event_params")
    if params is None:
        params = {}
    if type(params) is not dict or type(params.get("custom", {})) is not dict:
        errors.note(f"{path}.event_params.type(object)", "event_params and its custom must be objects")
        return
    for required in REQUIRED_PARAMS.get(name, ()) if type(name) is str else ():
        if params.get(required) is None:
            message = f"{required} parameter is required on {name} event"
            errors.note(f"{path}.event_params.*.required", message)  # Printed.


def _text(value: Any) -> str:
    return value if type(value) is str else orjson.dumps(value).decode()
