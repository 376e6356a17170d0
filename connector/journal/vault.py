"""Encrypts the stores' secrets: Fernet, with keys derived from SECRET_KEY.

To change SECRET_KEY, put the new key before the old one, run `connector stores reseal`, then remove the old one.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, LiteralString, overload

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.errors import SecretsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.journal.database import Connection


class Vault:
    """Seals (encrypts) and opens secrets. The first key of SECRET_KEY seals; any of the keys can open."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(_derived(key)) for key in secret_keys])

    def seal(self, secret: str | None) -> bytes | None:
        return None if secret is None else self._fernet.encrypt(secret.encode())

    @overload
    def open(self, sealed: bytes) -> str: ...
    @overload
    def open(self, sealed: None) -> None: ...
    def open(self, sealed: bytes | None) -> str | None:
        """Return the secret. Raises SecretsError if no key can open it."""
        if sealed is None:
            return None
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SecretsError from None

    def reseal(self, sealed: bytes | None) -> bytes | None:
        """Return the same secret, sealed with the first key."""
        return self.seal(self.open(sealed)) if sealed is not None else None


def reseal_rows(
    connection: Connection,
    vault: Vault,
    *,
    table: LiteralString,
    key: LiteralString,
    columns: Sequence[LiteralString],
    where: LiteralString,
) -> int:
    """Seal the secrets in these columns again with the first key of SECRET_KEY; return the number of rows."""
    secrets = ", ".join(columns)
    rows = connection.execute(f"select {key} as key, {secrets} from {table} where {where} for update").fetchall()
    changes = ", ".join(f"{column} = %({column})s" for column in columns)
    for row in rows:
        resealed = {column: vault.reseal(getattr(row, column)) for column in columns}
        connection.execute(f"update {table} set {changes} where {key} = %(key)s", {"key": row.key, **resealed})
    return len(rows)


def digest(token: str) -> bytes:
    """Return the digest of a token. The journal uses the digest to find the store of the token."""
    return hashlib.sha256(token.encode()).digest()


def _derived(secret_key: str) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"connector: secrets of stores").derive(
        secret_key.encode()
    )
    return base64.urlsafe_b64encode(key)
