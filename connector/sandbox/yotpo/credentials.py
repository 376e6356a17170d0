"""The credentials that give access to stores: registered apps, the codes of their installs, and issued tokens."""

import secrets
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class App:
    """An app that a person has registered with Yotpo."""

    client_id: str
    client_secret: str
    redirect_url: str
    name: str


@dataclass(frozen=True)
class Code:
    """The code that an install sends to the app's redirect URL. The app can exchange it once for a token."""

    client_id: str
    app_key: str
    ends_at: float


@dataclass(frozen=True)
class Token:
    app_key: str
    #: The app that has the token. None: the token is the merchant's own.
    client_id: str | None
    #: None: the token never ends.
    ends_at: float | None


class Credentials:
    def __init__(self) -> None:
        self.apps: dict[str, App] = {}
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}

    def new_code(self, client_id: str, app_key: str, seconds: float) -> str:
        code = secrets.token_hex(16)
        self._codes[code] = Code(client_id, app_key, time.monotonic() + seconds)
        return code

    def spend_code(self, code: str, client_id: str) -> str | None:
        """Use up a code and return its store. None: the code is unknown, used, too old or from another app."""
        match = self._codes.pop(code, None)
        if match is None or match.client_id != client_id or match.ends_at <= time.monotonic():
            return None
        return match.app_key

    def merchant_token(self, app_key: str, seconds: float | None) -> str:
        return self._issue(Token(app_key, None, None if seconds is None else time.monotonic() + seconds))

    def app_token(self, app_key: str, client_id: str) -> str:
        """Return the token of an app for a store. An app has only one token for each store, and it never expires."""
        token = Token(app_key, client_id, None)
        existing = next((text for text, candidate in self._tokens.items() if candidate == token), None)
        return existing or self._issue(token)

    def valid(self, text: str, app_key: str, *, apps_only: bool) -> bool:
        token = self._tokens.get(text)
        if token is None or token.app_key != app_key or (apps_only and token.client_id is None):
            return False
        return token.ends_at is None or time.monotonic() < token.ends_at

    def uninstall(self, app_key: str, client_id: str | None) -> int:
        """End the tokens of one app for a store, or of all apps (None). Return the number of ended tokens."""
        ended = [
            text
            for text, token in self._tokens.items()
            if token.app_key == app_key and token.client_id is not None and client_id in {None, token.client_id}
        ]
        for text in ended:
            del self._tokens[text]
        return len(ended)

    def _issue(self, token: Token) -> str:
        text = secrets.token_urlsafe(30)
        self._tokens[text] = token
        return text
