"""The two URLs of an install, and the cookie that ties it to the browser in which it was begun.

The `state` alone would not do: whoever begins an install himself could have another person end it, in whose name his
Yotpo store would be connected.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import flask

from connector import observability
from connector.errors import JournalUnavailable
from connector.sync.connecting import PREFIX, keeping, pages
from connector.sync.connecting.installing import Brought
from connector.sync.connecting.pages import Page
from connector.sync.connecting.tickets import Flaw

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sync.connecting.installing import App, Installing
    from connector.sync.connecting.tickets import Install, Invitation, Tickets

_CODE = re.compile(r"[!-~]{1,2000}")
_COOKIE = "yotpo_install"
_COOKIE_SECONDS = 30 * 60

_log = observability.logger("connecting")


def blueprint(*, app: App, tickets: Tickets, installing: Installing, wake: Callable[[], None]) -> flask.Blueprint:
    """Return the routes that a merchant's browser meets. `wake` is called after a store was connected."""
    routes = flask.Blueprint("connecting", __name__, url_prefix=PREFIX, template_folder="pages")

    @routes.get("/start")
    def start() -> flask.Response:
        invitation = _invitation(app, tickets)
        install = invitation if isinstance(invitation, Page) else installing.begin(invitation)
        return _refused(install) if isinstance(install, Page) else _sent_on(tickets.state(install), app)

    @routes.get("/callback")
    def callback() -> flask.Response:
        returned = _returned(tickets)
        store = returned if isinstance(returned, Page) else installing.end(*returned)
        if isinstance(store, Page):
            return _refused(store)
        wake()
        answer = pages.connected(store, app.public_url)
        answer.delete_cookie(_cookie_name(flask.request.args["state"]), path=_cookie_path(app))
        return answer

    @routes.errorhandler(JournalUnavailable)
    def unavailable(_: JournalUnavailable) -> flask.Response:
        return _refused(pages.UNAVAILABLE)

    @routes.errorhandler(Exception)
    def failed(error: Exception) -> flask.Response:
        # Here and not by Flask, which would log the URL, and with it the code.
        _log.error("request.failed", endpoint=flask.request.endpoint, exc_info=error)
        return pages.told(pages.FAILED)

    return routes


def _invitation(app: App, tickets: Tickets) -> Invitation | Page:
    """Return what the link says; without one, an install was begun at Yotpo, which does not tell for whom."""
    text = flask.request.args.get("invitation", "")
    if not text:
        return pages.UNINVITED
    if not app.is_set_up:
        return pages.NOT_SET_UP
    invitation = tickets.read_invitation(text)
    return pages.INVITATION[invitation] if isinstance(invitation, Flaw) else invitation


def _returned(tickets: Tickets) -> tuple[Install, Brought] | Page:
    """Return with what Yotpo has sent the browser back; Yotpo is asked nothing before all of it is in order."""
    given = flask.request.args
    state, code, app_key = (given.get(name, "") for name in ("state", "code", "app_key"))
    if given.get("error") or (state and not code):
        return pages.CANCELLED
    if not state:
        return pages.UNINVITED if not code else pages.STATE[Flaw.FORGED]
    install = tickets.read_state(state)
    if isinstance(install, Flaw):
        return pages.STATE[install]
    if not _is_same_browser(state):
        return pages.OTHER_BROWSER
    if not _CODE.fullmatch(code) or not keeping.is_app_key(app_key):
        return pages.INCOMPLETE
    return install, Brought(code, app_key)


def _refused(page: Page) -> flask.Response:
    _log.warning("install.refused", code=page.code)
    return pages.told(page)


def _sent_on(state: str, app: App) -> flask.Response:
    """Send the merchant on to Yotpo's install page, which reads the state from the fragment of its URL."""
    where = f"{app.install_url.rstrip('/')}/{quote(app.client_id, safe='')}?state={state}"
    answer = flask.Response("", 302, {**pages.HEADERS, "Location": where})
    answer.set_cookie(
        _cookie_name(state),
        _digest(state),
        max_age=_COOKIE_SECONDS,
        path=_cookie_path(app),
        secure=urlsplit(app.public_url).scheme == "https",
        httponly=True,
        # Yotpo sends the browser back from another site, by a plain link.
        samesite="Lax",
    )
    return answer


def _is_same_browser(state: str) -> bool:
    kept = flask.request.cookies.get(_cookie_name(state), "")
    return hmac.compare_digest(kept.encode(), _digest(state).encode())


def _cookie_name(state: str) -> str:
    """Return a name of its own for each install: one browser may have several under way, of several stores."""
    return f"{_COOKIE}_{_digest(state)[:8]}"


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _cookie_path(app: App) -> str:
    return urlsplit(app.public_url).path.rstrip("/") + PREFIX
