"""One install of our app at Yotpo: it starts with an operator's link and ends with the code from Yotpo.

The browser may send false values, so the connector trusts only the signed `state`. It trusts the app key (Yotpo's id of
a store) only after Yotpo has confirmed that the token belongs to this Yotpo store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector import observability
from connector.errors import OperatorError, SecretsError, YotpoError, YotpoUnauthorized, YotpoUnavailable
from connector.journal import partitions, stores
from connector.journal.sync import accounts, installs
from connector.model import YotpoAccount
from connector.sync import leases
from connector.sync.connecting import callback_url, keeping, pages
from connector.sync.connecting.pages import Page
from connector.sync.connecting.tickets import Install, version_of

if TYPE_CHECKING:
    from connector.journal.database import Connection, Database
    from connector.journal.vault import Vault
    from connector.model import Store
    from connector.sync.connecting.tickets import Invitation
    from connector.yotpo.client import Yotpo

_ACTOR = "the merchant, who installed the app"
#: How long a merchant waits for the store's lease while a worker holds it.
_WAIT_SECONDS = 10.0

_log = observability.logger("connecting")


class App(NamedTuple):
    """Our app at Yotpo, from the settings."""

    client_id: str
    client_secret: str
    #: The URL of Yotpo's page that installs the app, without the app's id at the end.
    install_url: str
    public_url: str

    @property
    def is_set_up(self) -> bool:
        return bool(self.client_id and self.client_secret and self.public_url)


class Returned(NamedTuple):
    """The values with which the browser returns from Yotpo. The app key is not confirmed yet."""

    code: str
    app_key: str


class Installing:
    """Begins and ends installs. If an install cannot continue, both methods return a page with the reason."""

    def __init__(self, *, app: App, database: Database, vault: Vault, yotpo: Yotpo) -> None:
        """Do not share `database` with the webhook intake: an install keeps a connection until Yotpo has answered."""
        self._app = app
        self._database = database
        self._vault = vault
        self._yotpo = yotpo

    def begin(self, invitation: Invitation) -> Install | Page:
        """Begin an install for the store of an invitation. Raises JournalUnavailable."""
        with self._database.transaction() as connection:
            store = self._invited(connection, invitation.store_id, invitation.replaces)
            if isinstance(store, Page):
                return store
            return Install(installs.begin(connection, invitation.store_id), invitation.replaces)

    def end(self, install: Install, returned: Returned) -> Store | Page:
        """Connect the store of an install and return it. Raises JournalUnavailable."""
        # This transaction ends here, so that the secret is used up even if the next steps fail.
        with self._database.transaction() as connection:
            store_id = installs.end(connection, install.secret)
        if store_id is None:
            return pages.USED
        try:
            with self._database.transaction(idle_seconds=partitions.LEASE_SECONDS) as connection:
                if not leases.wait_for(connection, store_id, seconds=_WAIT_SECONDS):
                    return pages.BUSY
                store = self._invited(connection, store_id, install.replaces)
                return store if isinstance(store, Page) else self._connected(connection, store, returned)
        except SecretsError:
            raise
        except OperatorError:
            return pages.TAKEN

    def _invited(self, connection: Connection, store_id: int, replaces: int | None) -> Store | Page:
        store = stores.by_id(connection, self._vault, store_id)
        if store is None:
            return pages.GONE
        account = accounts.by_store(connection, self._vault, store_id)
        return store if version_of(account) == replaces else pages.USED_INVITATION

    def _connected(self, connection: Connection, store: Store, returned: Returned) -> Store | Page:
        token = self._exchanged(returned.code)
        if not isinstance(token, str):
            return token
        account = _account(store, returned.app_key, token)
        refusal = self._disproved(account)
        if refusal:
            return refusal
        public_url = self._app.public_url
        number = keeping.keep(connection, self._vault, self._yotpo, store, account, actor=_ACTOR, public_url=public_url)
        _log.info("account.connected", store=store.name, mode=account.mode, backfill=number)
        return store

    def _exchanged(self, code: str) -> str | Page:
        """Return the token for a code, or a page that says why Yotpo gives no token."""
        try:
            return self._yotpo.exchange(
                client_id=self._app.client_id,
                client_secret=self._app.client_secret,
                code=code,
                redirect_uri=callback_url(self._app.public_url),
            )
        except YotpoUnavailable as error:
            return _logged(pages.AWAY, error)
        except YotpoUnauthorized as error:
            return _logged(pages.APP_REFUSED, error)
        except YotpoError as error:
            return _logged(pages.CODE_REFUSED, error)

    def _disproved(self, account: YotpoAccount) -> Page | None:
        """Ask Yotpo whether the token belongs to the Yotpo store that the browser named. Return a page if not."""
        try:
            self._yotpo.store_client(account).info()
        except YotpoUnavailable as error:
            return _logged(pages.AWAY, error)
        except YotpoError as error:
            return _logged(pages.OTHER_STORE, error)
        return None


def _account(store: Store, app_key: str, token: str) -> YotpoAccount:
    return YotpoAccount(
        store_id=store.id, app_key=app_key, mode="oauth", token=token, secret=None, loyalty_guid=None, loyalty_key=None
    )


def _logged(page: Page, error: YotpoError) -> Page:
    """Log Yotpo's answer, because the merchant cannot solve the problem, and return the page."""
    _log.warning("install.failed", code=page.code, error=str(error))
    return page
