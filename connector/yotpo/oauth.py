"""The last step when a merchant connects Yotpo's app by OAuth: exchanges the code in the redirect for a token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.yotpo import refusals, wire
from connector.yotpo.access import send

if TYPE_CHECKING:
    from connector.http.outbound import Sender


def exchange(
    sender: Sender, *, developers_url: str, client_id: str, client_secret: str, code: str, redirect_uri: str
) -> str:
    """Return the access token, which does not expire.

    Raises YotpoError if the exchange fails. A code can be used only once.
    """
    secrets = (client_secret, code)
    content = {
        "client_id": client_id,
        "client_secret": client_secret,
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
    }
    reply = send(sender, "POST", developers_url, "/v2/oauth2/token", content=content)
    token = wire.read_token(refusals.check(reply, secrets=secrets).content)
    if token is None:
        raise refusals.unreadable(reply, secrets=secrets)
    return token
