"""The wire format of Insider's upsert and clear: encodes user updates as JSON, and reads the responses.

These facts come from Insider's API reference:

- "Upsert User Data": Insider's default attributes and params are at the root, and the account's own ones are under
  ``custom``. Insider appends to arrays unless ``not_append`` is true. A response that reports validation failures has
  status 200. Under ``data.fail.errors``, it has a path ``users.<index>.…`` for each failure.
- "Delete User Attribute": the names of default attributes are under ``whole``, and the names of the account's own
  attributes are under ``custom.whole``. The response is ``{}``, or it looks like the response to an upsert.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import marshmallow as ma
import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.model import UserUpdate, Value

#: The most bytes that Insider accepts in one request. The other limit, 1,000 users, is the upper bound of the setting
#: BATCH_SIZE.
BYTES_LIMIT = 5_000_000

DEFAULT_ATTRIBUTES = frozenset({
    "name", "surname", "birthday", "gender", "age", "language", "lo", "country", "city",
    "email_optin", "sms_optin", "whatsapp_optin", "gdpr_optin", "static_segment_id",
})  # fmt: skip
DEFAULT_PARAMS = frozenset({
    "event_group_id", "product_id", "name", "taxonomy", "url", "currency", "quantity", "unit_price", "unit_sale_price",
    "locale", "color", "size", "shipping_cost", "promotion_name", "promotion_discount",
})  # fmt: skip

_HEADS = {
    True: b'{"skip_hook":true,"users":[',
    False: b'{"skip_hook":false,"users":[',
    None: b'{"users":[',
}
_SENTENCE_LIMIT = 500
#: The response to a clear, as the text of Insider's reference says. The example there looks like the response to an
#: upsert.
_EMPTY = b"{}"
_USER_PATH = re.compile(r"users\.(\d{1,4})\.")


class Failure(NamedTuple):
    """One reason why Insider refuses a user."""

    #: The path of the error within the user, such as ``events.0.event_params.*.required``.
    path: str
    #: Insider's error message. It may quote a value.
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The failures that a response with status 200 reports."""

    #: The failures of each refused user, by the user's index in the request.
    failed: Mapping[int, list[Failure]] = field(default_factory=dict)
    #: True if the response reports failures, but does not name all users that failed.
    unattributed: bool = False


def encode_user(update: UserUpdate) -> bytes:
    """Return one element of an upsert's ``users``."""
    user: dict[str, Any] = {"identifiers": update.identifiers, "not_append": True}
    if update.attributes:
        user["attributes"] = _nested(update.attributes, DEFAULT_ATTRIBUTES)
    if update.events:
        user["events"] = [
            {
                "event_name": event.name,
                "timestamp": event.timestamp,
                **({"event_params": _nested(event.params, DEFAULT_PARAMS)} if event.params else {}),
            }
            for event in update.events
        ]
    return orjson.dumps(user)


def encode_cleared(update: UserUpdate) -> bytes:
    """Return one element of a clear's ``users``. It names the attributes of this user that Insider has to forget."""
    user: dict[str, Any] = {"identifiers": update.identifiers}
    if defaults := [name for name in update.cleared if name in DEFAULT_ATTRIBUTES]:
        user["whole"] = defaults
    if custom := [name for name in update.cleared if name not in DEFAULT_ATTRIBUTES]:
        user["custom"] = {"whole": custom}
    return orjson.dumps(user)


def encode_request(users: Sequence[bytes], *, skip_hook: bool | None = None) -> bytes:
    """Return the body of a request with encoded users.

    The request is a clear if `skip_hook` is None, else an upsert.
    """
    return _HEADS[skip_hook] + b",".join(users) + b"]}"


def _nested(values: Mapping[str, Value], defaults: frozenset[str]) -> dict[str, Any]:
    nested: dict[str, Any] = {name: value for name, value in values.items() if name in defaults}
    custom = {name: value for name, value in values.items() if name not in defaults}
    if custom:
        nested["custom"] = custom
    return nested


class _Group(ma.Schema):
    class Meta:
        unknown = ma.INCLUDE

    count = ma.fields.Integer(load_default=0)
    errors = ma.fields.Dict(keys=ma.fields.String(), load_default=dict, allow_none=True)


class _Data(ma.Schema):
    class Meta:
        unknown = ma.INCLUDE

    successful = ma.fields.Nested(_Group, required=True)
    fail = ma.fields.Nested(_Group, load_default=dict, allow_none=True)


class _Response(ma.Schema):
    class Meta:
        unknown = ma.INCLUDE

    data = ma.fields.Nested(_Data, required=True)


_RESPONSE = _Response()


def read_response(body: bytes, users: int) -> Verdict | None:
    """Read the response to an upsert of `users` users; return None if the response has an unexpected format."""
    try:
        data = _RESPONSE.load(orjson.loads(body))["data"]
        fail = data["fail"] or {}
    except (orjson.JSONDecodeError, ma.ValidationError, TypeError):
        return None
    failed: defaultdict[int, list[Failure]] = defaultdict(list)
    unattributed = False
    for path, messages in (fail.get("errors") or {}).items():
        match = _USER_PATH.match(path)
        if match and int(match[1]) < users:
            sentences = (messages if isinstance(messages, list) else [messages]) or ["Insider gives no message"]
            below_user = _storable(path[match.end() :])
            failed[int(match[1])].extend(Failure(below_user, _storable(str(sentence))) for sentence in sentences)
        else:
            unattributed = True
    if fail.get("count", 0) > len(failed) or data["successful"]["count"] + len(failed) < users:
        unattributed = True
    return Verdict(dict(failed), unattributed)


def read_cleared(body: bytes, users: int) -> Verdict | None:
    """Read the response to a clear of `users` users. Insider's reference shows two formats of this response."""
    return Verdict() if b"".join(body.split()) == _EMPTY else read_response(body, users)


def read_message(body: bytes) -> str:
    """Return the message in the body of an error response; empty if there is none. Insider uses several formats."""
    try:
        response = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(response, dict):
        return ""
    values = (response.get(key) for key in ("error", "message", "errors"))
    return next((_storable(value) for value in values if isinstance(value, str)), "")


def _storable(text: str) -> str:
    """Return the beginning of a text, without the NUL characters that PostgreSQL cannot store."""
    return text[:_SENTENCE_LIMIT].replace("\x00", "")
