"""The two URLs of an install, and the cookie that ties the install to one browser.

The `state` alone is not enough. An attacker could begin an install for the attacker's store and let another person
finish it. Then the other person's Yotpo store would be connected to the attacker's store.
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
from connector.sync.connecting.installing import Returned
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
    """Return the routes for the merchant's browser. The routes call `wake` after a store was connected."""
    routes = flask.Blueprint("connecting", __name__, url_prefix=PREFIX, template_folder="pages")

    @routes.get("/start")
    def start() -> flask.Response:
        invitation = _invitation(app, tickets)
        install = invitation if isinstance(invitation, Page) else installing.begin(invitation)
        return _refused(install) if isinstance(install, Page) else _redirect_to_yotpo(tickets.state(install), app)

    @routes.get("/callback")
    def callback() -> flask.Response:
        returned = _returned(tickets)
        store = returned if isinstance(returned, Page) else installing.end(*returned)
        if isinstance(store, Page):
            return _refused(store)
        wake()
        response = pages.connected(store, app.public_url)
        response.delete_cookie(_cookie_name(flask.request.args["state"]), path=_cookie_path(app))
        return response

    @routes.errorhandler(JournalUnavailable)
    def unavailable(_: JournalUnavailable) -> flask.Response:
        return _refused(pages.UNAVAILABLE)

    @routes.errorhandler(Exception)
    def failed(error: Exception) -> flask.Response:
        # Without this handler, Flask would log the URL, which contains the secret code.
        _log.error("request.failed", endpoint=flask.request.endpoint, exc_info=error)
        return pages.failure(pages.FAILED)

    return routes


def _invitation(app: App, tickets: Tickets) -> Invitation | Page:
    """Return the content of the link. If the merchant started the install at Yotpo, there is no link."""
    text = flask.request.args.get("invitation", "")
    if not text:
        return pages.UNINVITED
    if not app.is_set_up:
        return pages.NOT_SET_UP
    invitation = tickets.read_invitation(text)
    return pages.INVITATION[invitation] if isinstance(invitation, Flaw) else invitation


def _returned(tickets: Tickets) -> tuple[Install, Returned] | Page:
    """Return the values with which the browser returns from Yotpo, after checks that need no request to Yotpo."""
    arguments = flask.request.args
    state, code, app_key = (arguments.get(name, "") for name in ("state", "code", "app_key"))
    if arguments.get("error") or (state and not code):
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
    return install, Returned(code, app_key)


def _refused(page: Page) -> flask.Response:
    _log.warning("install.refused", code=page.code)
    return pages.failure(page)


def _redirect_to_yotpo(state: str, app: App) -> flask.Response:
    """Redirect the merchant to Yotpo's install page, which reads the `state` from the fragment of its URL."""
    url = f"{app.install_url.rstrip('/')}/{quote(app.client_id, safe='')}?state={state}"
    response = flask.Response("", 302, {**pages.HEADERS, "Location": url})
    response.set_cookie(
        _cookie_name(state),
        _digest(state),
        max_age=_COOKIE_SECONDS,
        path=_cookie_path(app),
        secure=urlsplit(app.public_url).scheme == "https",
        httponly=True,
        # At the end of an install, Yotpo's site sends the browser back to us by a plain link. With Lax, the browser
        # sends the cookie with that request. With Strict, it would not.
        samesite="Lax",
    )
    return response


def _is_same_browser(state: str) -> bool:
    kept = flask.request.cookies.get(_cookie_name(state), "")
    return hmac.compare_digest(kept.encode(), _digest(state).encode())


def _cookie_name(state: str) -> str:
    """Return the name of an install's cookie.

    Each install has a cookie of its own, because one browser may run several installs at the same time, for several
    stores.
    """
    return f"{_COOKIE}_{_digest(state)[:8]}"


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _cookie_path(app: App) -> str:
    return urlsplit(app.public_url).path.rstrip("/") + PREFIX
