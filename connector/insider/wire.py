"""The wire format of Insider's upsert and clear: a user update to JSON, an answer to what it says of each user.

Facts from Insider's API reference, "Upsert User Data": default attributes and params stand at the root, the account's
own under ``custom``; arrays are appended unless ``not_append``; validation failures come back with status 200, as paths
``users.<index>.…`` under ``data.fail.errors``. "Delete User Attribute": the names of attributes to forget stand under
``whole``, those of the account's own under ``custom.whole``; the answer is that of an upsert, or just ``{}``.
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

#: The limit of one request; the other, of 1,000 users, is that of the setting BATCH_SIZE.
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
#: What a clear is answered in the reference's text; in its example it is answered like an upsert.
_NOTHING_TO_SAY = b"{}"
_USER_PATH = re.compile(r"users\.(\d{1,4})\.")


class Failure(NamedTuple):
    """Something about one user that Insider does not take."""

    #: What it is about, below the user: ``events.0.event_params.*.required``.
    path: str
    #: Insider's sentence; it may quote a value.
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer with status 200 says."""

    #: By the index of the user that they are about.
    failed: Mapping[int, list[Failure]] = field(default_factory=dict)
    #: True where it speaks of failures that it does not attribute to any user.
    unattributed: bool = False


def encode_user(update: UserUpdate) -> bytes:
    """Return one element of ``users``."""
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
    """Return one element of ``users`` of a clear: what Insider is to forget of this user."""
    user: dict[str, Any] = {"identifiers": update.identifiers}
    if defaults := [name for name in update.cleared if name in DEFAULT_ATTRIBUTES]:
        user["whole"] = defaults
    if custom := [name for name in update.cleared if name not in DEFAULT_ATTRIBUTES]:
        user["custom"] = {"whole": custom}
    return orjson.dumps(user)


def encode_request(users: Sequence[bytes], *, skip_hook: bool | None = None) -> bytes:
    """Return the body of a request with encoded users: an upsert, or without `skip_hook` a clear."""
    return _HEADS[skip_hook] + b",".join(users) + b"]}"


def _nested(values: Mapping[str, Value], defaults: frozenset[str]) -> dict[str, Any]:
    nested: dict[str, Any] = {name: value for name, value in values.items() if name in defaults}
    custom = {name: value for name, value in values.items() if name not in defaults}
    if custom:
        nested["custom"] = custom
    return nested


class _Side(ma.Schema):
    class Meta:
        unknown = ma.INCLUDE

    count = ma.fields.Integer(load_default=0)
    errors = ma.fields.Dict(keys=ma.fields.String(), load_default=dict, allow_none=True)


class _Data(ma.Schema):
    class Meta:
        unknown = ma.INCLUDE

    successful = ma.fields.Nested(_Side, required=True)
    fail = ma.fields.Nested(_Side, load_default=dict, allow_none=True)


class _Answer(ma.Schema):
    class Meta:
        unknown = ma.INCLUDE

    data = ma.fields.Nested(_Data, required=True)


_ANSWER = _Answer()


def read_answer(body: bytes, users: int) -> Verdict | None:
    """Return what the answer to an upsert of so many users says; None where it is not an answer of Insider's at all."""
    try:
        data = _ANSWER.load(orjson.loads(body))["data"]
        fail = data["fail"] or {}
    except (orjson.JSONDecodeError, ma.ValidationError, TypeError):
        return None
    failed: defaultdict[int, list[Failure]] = defaultdict(list)
    unattributed = False
    for path, messages in (fail.get("errors") or {}).items():
        found = _USER_PATH.match(path)
        if found and int(found[1]) < users:
            said = (messages if isinstance(messages, list) else [messages]) or ["Insider gives no message"]
            failed[int(found[1])].extend(Failure(_plain(path[found.end() :]), _plain(str(one))) for one in said)
        else:
            unattributed = True
    if fail.get("count", 0) > len(failed) or data["successful"]["count"] + len(failed) < users:
        unattributed = True
    return Verdict(dict(failed), unattributed)


def read_cleared(body: bytes, users: int) -> Verdict | None:
    """Return what the answer to a clear of so many users says; the reference prints it in two shapes."""
    return Verdict() if b"".join(body.split()) == _NOTHING_TO_SAY else read_answer(body, users)


def read_message(body: bytes) -> str:
    """Return the sentence in an error's body, whichever of Insider's shapes it has; empty where there is none."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(answer, dict):
        return ""
    return next(
        (_plain(found) for key in ("error", "message", "errors") if isinstance(found := answer.get(key), str)), ""
    )


def _plain(said: str) -> str:
    """Bound what Insider says, and leave out what PostgreSQL does not keep."""
    return said[:_SENTENCE_LIMIT].replace("\x00", "")
