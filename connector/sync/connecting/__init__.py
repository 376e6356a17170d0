"""Connects a store to Yotpo: the way of a merchant through the install of the app, and what is kept in the end.

::

    an operator's link ──▶ /start ──state, cookie──▶ Yotpo's install page ──code, app_key, state──▶ /callback
                             │                                                                         │
                        tickets: whose store                               installing: code ▶ token ▶ proof ▶ account

    tickets      the link and the `state`: what they say, signed with SECRET_KEY
    installing   one install: begun with a link, ended with Yotpo's code
    keeping      what every connection is kept by, however it came about; and what Yotpo is told when it ends
    routes       the two URLs, and the cookie that ties an install to the browser in which it was begun
    pages        what the merchant reads

A store's own keys come by the command line instead (connector/cli/connecting.py), and are kept in the same way.
"""

from __future__ import annotations

#: Where the routes are, below PUBLIC_URL.
PREFIX = "/connect/yotpo"


def start_url(public_url: str, invitation: str) -> str:
    """Return the link that an operator sends to a merchant."""
    return f"{public_url.rstrip('/')}{PREFIX}/start?invitation={invitation}"


def callback_url(public_url: str) -> str:
    """Return the URL to which Yotpo sends the merchant back; it is registered with the app."""
    return f"{public_url.rstrip('/')}{PREFIX}/callback"
