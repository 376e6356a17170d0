"""Tickets: an operator's invitation and the `state` of an install. Both are signed with SECRET_KEY and expire."""

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
#: Longer texts are not valid. The tickets from this module have about 150 characters.
_LONGEST = 1000


class Flaw(StrEnum):
    """Why a ticket is not valid."""

    FORGED = "forged"
    EXPIRED = "expired"


class Invitation(NamedTuple):
    """The content of a link: which store it may connect."""

    store_id: int
    #: The version of the account that the link may replace; None if the store had no account. If the account has
    #: another version later, the link is no longer valid.
    replaces: int | None


class Install(NamedTuple):
    """The content of a `state`: which install it belongs to."""

    #: This secret is valid for one install. The journal keeps only a digest of it.
    secret: str
    #: The same version as in the invitation.
    replaces: int | None


class Tickets:
    """Writes and reads tickets.

    New tickets are signed with the first key of SECRET_KEY. A ticket that was signed with one of the other keys is
    valid too.
    """

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._invitations = _serializer(secret_keys, "connector: invitations")
        self._installs = _serializer(secret_keys, "connector: installs")

    def invitation(self, store_id: int, account: YotpoAccount | None) -> str:
        """Return the invitation for a link to this store. `account` is the store's present account, if it has one."""
        return str(self._invitations.dumps(Invitation(store_id, version_of(account))))

    def read_invitation(self, text: str) -> Invitation | Flaw:
        read = _read(self._invitations, text, INVITATION_HOURS * 3600)
        return read if isinstance(read, Flaw) else Invitation(*read)

    def state(self, install: Install) -> str:
        """Return the `state` of an install. Yotpo passes it back at the end of the install."""
        return str(self._installs.dumps(install))

    def read_state(self, text: str) -> Install | Flaw:
        read = _read(self._installs, text, _INSTALL_SECONDS)
        return read if isinstance(read, Flaw) else Install(*read)


def version_of(account: YotpoAccount | None) -> int | None:
    """Return the version that an invitation must name to replace this account."""
    return account.version if account else None


def _serializer(secret_keys: Sequence[str], salt: str) -> URLSafeTimedSerializer:
    # The serializer signs with the last key of its list, so the first key of SECRET_KEY has to be the last one.
    keys = list(reversed(secret_keys))
    signing = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeTimedSerializer(keys, salt=salt, signer_kwargs=signing)


def _read(serializer: URLSafeTimedSerializer, text: str, seconds: int) -> Any:
    """Return the signed content, or a flaw. The content needs no check, because `Tickets` wrote it."""
    if len(text) > _LONGEST:
        return Flaw.FORGED
    try:
        return serializer.loads(text, max_age=seconds)
    except SignatureExpired:
        return Flaw.EXPIRED
    except BadData:
        return Flaw.FORGED
