"""The pages that tell the merchant what happened, and what to do next.

The templates are in `pages/`, and they contain no scripts.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import flask

from connector.http import urls
from connector.sync.connecting.tickets import INVITATION_HOURS, Flaw

if TYPE_CHECKING:
    from connector.model import Store

_STYLE = (Path(__file__).parent / "pages" / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # The URL may contain a code or an invitation, which other sites must not see.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Page(NamedTuple):
    """A page that says why no store was connected."""

    status: int
    #: A short code for the log. It always stays the same.
    code: str
    title: str
    #: What happened.
    text: str
    #: What the merchant can do.
    remedy: str


_AGAIN = "Open your link again, and install the app again."
_NEW_LINK = "Ask the person who sent you the link for a new one."

UNINVITED = Page(
    200,
    "uninvited",
    "A link is needed",
    "Yotpo has sent you here to install the app, but it has not said for which store.",
    "Ask the operator of the connector for your link. The command `connector stores connect NAME` prints it. Open the "
    "link in this browser.",
)
INVITATION = {
    Flaw.FORGED: Page(
        403, "invitation_forged", "This link is not complete", "We did not make this link, or a part of it is missing.",
        f"Copy the whole link. If that does not help: {_NEW_LINK[0].lower()}{_NEW_LINK[1:]}",
    ),
    Flaw.EXPIRED: Page(
        403, "invitation_expired", "This link is too old", f"A link is valid for {INVITATION_HOURS} hours.", _NEW_LINK
    ),
}  # fmt: skip
USED_INVITATION = Page(
    409,
    "invitation_used",
    "This link has been used",
    "The connection of the store to Yotpo has changed since the link was made.",
    "If you have connected the store with this link, you need not do anything. Otherwise: "
    f"{_NEW_LINK[0].lower()}{_NEW_LINK[1:]}",
)
GONE = Page(
    403, "store_gone", "This store does not exist any more", "The store was removed from the connector.", _NEW_LINK
)
STATE = {
    Flaw.FORGED: Page(
        403, "state_forged", "This install was not started here",
        "Yotpo has sent you here with an install that we did not start.", _AGAIN,
    ),
    Flaw.EXPIRED: Page(
        403, "state_expired", "The install took too long", "An install has to be finished within half an hour.", _AGAIN
    ),
}  # fmt: skip
OTHER_BROWSER = Page(
    403,
    "other_browser",
    "This is another browser",
    "The install was started in another browser, or this browser does not accept cookies.",
    f"{_AGAIN} Do both in the same browser, with cookies allowed.",
)
USED = Page(
    403,
    "state_used",
    "This install has already ended",
    "The install was finished or cancelled before.",
    "If a page has said that the store is connected, you need not do anything. Otherwise: "
    f"{_AGAIN[0].lower()}{_AGAIN[1:]}",
)
CANCELLED = Page(
    200,
    "cancelled",
    "Nothing was connected",
    "The app was not installed.",
    f"Did you cancel by mistake? {_AGAIN}",
)
INCOMPLETE = Page(
    400,
    "incomplete",
    "Something is missing",
    "Yotpo has sent you back without saying in which store the app was installed.",
    _AGAIN,
)
CODE_REFUSED = Page(
    403,
    "code_refused",
    "Yotpo does not confirm the install",
    "The code from Yotpo was used before, is too old, or belongs to another app.",
    _AGAIN,
)
APP_REFUSED = Page(
    502,
    "app_refused",
    "Yotpo does not know the connector's app",
    "The connector's own credentials at Yotpo are wrong.",
    "Ask the operator of the connector to check YOTPO_CLIENT_ID and YOTPO_CLIENT_SECRET. Then open your link again.",
)
OTHER_STORE = Page(
    403,
    "other_store",
    "Yotpo does not confirm the store",
    "Yotpo named one store, but has installed the app in another store.",
    _AGAIN,
)
TAKEN = Page(
    409,
    "store_taken",
    "This Yotpo store is connected already",
    "The connector knows this Yotpo store under another name.",
    "Did you choose the right store at Yotpo? Then ask the operator of the connector to disconnect the store with "
    "the other name.",
)
AWAY = Page(
    503,
    "yotpo_away",
    "Yotpo does not answer",
    "The app is installed, but Yotpo has not given us access yet.",
    f"Wait a few minutes. {_AGAIN}",
)
BUSY = Page(
    503,
    "busy",
    "Please try again",
    "The connector is busy with this store at Yotpo right now.",
    f"Wait a minute. {_AGAIN}",
)
NOT_SET_UP = Page(
    503,
    "not_set_up",
    "The connector's app is not set up",
    "The connector does not know its own app at Yotpo.",
    "Ask the operator of the connector to set PUBLIC_URL, YOTPO_CLIENT_ID and YOTPO_CLIENT_SECRET.",
)
UNAVAILABLE = Page(
    503,
    "journal_unavailable",
    "Please try again",
    "The connector cannot reach its database.",
    f"Wait a few minutes. {_AGAIN}",
)
FAILED = Page(
    500,
    "failed",
    "Something went wrong",
    "It is our fault. The error is in our log.",
    f"{_AGAIN} If it goes wrong again, tell the person who sent you the link.",
)


def failure(page: Page) -> flask.Response:
    """Return the page that says why no store was connected."""
    return _rendered("failure.html", page.status, page=page)


def connected(store: Store, public_url: str) -> flask.Response:
    """Return the page for a successful connection.

    The page shows the webhook URL with the store's token. So only the confirmed merchant may see it.
    """
    webhook_url = urls.webhook(public_url, store.webhook_token)
    demands_secret = store.webhook_secret is not None
    return _rendered("connected.html", 200, store=store.name, webhook_url=webhook_url, demands_secret=demands_secret)


def _rendered(template: str, status: int, **content: object) -> flask.Response:
    return flask.Response(flask.render_template(template, style=_STYLE, **content), status, HEADERS)
