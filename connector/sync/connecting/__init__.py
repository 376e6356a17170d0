"""Connects a store to Yotpo: the merchant installs our app in a browser, and the connector saves the account.

::

    an operator's link ──▶ /start ──state, cookie──▶ Yotpo's install page ──code, app_key, state──▶ /callback
                             │                                                                         │
                        tickets: whose store                               installing: code ▶ token ▶ proof ▶ account

    routes       the two URLs, and the cookie that ties an install to one browser
    tickets      the content of the link and of the `state`, signed with SECRET_KEY
    installing   one install: it starts with a link and ends with Yotpo's code
    keeping      saves an account, and later removes its webhooks at Yotpo
    pages        the pages that the merchant reads

A store with API keys of its own is connected from the command line instead (connector/cli/connecting.py). `keeping`
saves these keys too. Begin with `routes`.
"""

from __future__ import annotations

#: The path of the routes, below PUBLIC_URL.
PREFIX = "/connect/yotpo"


def start_url(public_url: str, invitation: str) -> str:
    """Return the link that an operator sends to a merchant."""
    return f"{public_url.rstrip('/')}{PREFIX}/start?invitation={invitation}"


def callback_url(public_url: str) -> str:
    """Return the URL to which Yotpo sends the merchant back. This URL has to be registered for the app at Yotpo."""
    return f"{public_url.rstrip('/')}{PREFIX}/callback"
