"""Tickets: an operator's invitation and the `state` of an install, signed with SECRET_KEY, each good for some time."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.model import YotpoAccount

INVITATION_HOURS = 24
_INSTALL_SECONDS = 30 * 60
#: Ours have some 150 characters.
_LONGEST = 1000


class Flaw(StrEnum):
    """Why a ticket is no good."""

    FORGED = "forged"
    EXPIRED = "expired"


class Invitation(NamedTuple):
    """Which store may be connected by the link."""

    store_id: int
    #: The version of the account that the link may replace, None where there was none: it is used up once that changes.
    replaces: int | None


class Install(NamedTuple):
    """Which install is under way."""

    #: Good for one install, as the journal knows.
    secret: str
    #: As of the invitation that it was begun with.
    replaces: int | None


class Tickets:
    """Writes and reads tickets; the first key of SECRET_KEY signs, each of them is taken."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._invitations = _serializer(secret_keys, "connector: invitations")
        self._installs = _serializer(secret_keys, "connector: installs")

    def invitation(self, store_id: int, account: YotpoAccount | None) -> str:
        """Return what stands in the link for this store, which has this account so far."""
        return str(self._invitations.dumps(Invitation(store_id, version_of(account))))

    def read_invitation(self, text: str) -> Invitation | Flaw:
        read = _read(self._invitations, text, INVITATION_HOURS * 3600)
        return read if isinstance(read, Flaw) else Invitation(*read)

    def state(self, install: Install) -> str:
        """Return what Yotpo hands back at the end of this install."""
        return str(self._installs.dumps(install))

    def read_state(self, text: str) -> Install | Flaw:
        read = _read(self._installs, text, _INSTALL_SECONDS)
        return read if isinstance(read, Flaw) else Install(*read)


def version_of(account: YotpoAccount | None) -> int | None:
    """Return what an invitation has to name to replace this account."""
    return account.version if account else None


def _serializer(secret_keys: Sequence[str], salt: str) -> URLSafeTimedSerializer:
    # It signs with the last key.
    keys = list(reversed(secret_keys))
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(keys, salt=salt, signer_kwargs=how)


def _read(serializer: URLSafeTimedSerializer, text: str, seconds: int) -> Any:
    """Return what was signed: a list, which needs no check, since we have written it ourselves."""
    if len(text) > _LONGEST:
        return Flaw.FORGED
    try:
        return serializer.loads(text, max_age=seconds)
    except SignatureExpired:
        return Flaw.EXPIRED
    except BadData:
        return Flaw.FORGED
