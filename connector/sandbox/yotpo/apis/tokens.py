"""The endpoints that return a token. Two of Core v3 are for merchants; the third exchanges an app's install code."""

from connector.sandbox.simulation.answers import Answer
from connector.sandbox.simulation.shapes import as_object, as_text
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.world import ApiRequest, Call, World


def access_token(call: Call) -> Answer:
    """POST /core/v3/stores/{id}/access_tokens: the body contains the API secret."""
    return Answer(200, {"access_token": _merchant_token(call)})


def client_credentials(call: Call) -> Answer:
    """POST /oauth/token, the older endpoint: client_id is the app key, and client_secret is the API secret."""
    if as_object(call.request.body).get("grant_type") != "client_credentials":
        return answers.error("unsupported_grant_type")
    return Answer(200, {"access_token": _merchant_token(call), "token_type": "bearer"})


def exchange(world: World, request: ApiRequest) -> Answer:
    """POST /v2/oauth2/token: exchanges the code of an install for an app's token. No rate limit is known."""
    body = as_object(request.body)
    app = world.credentials.apps.get(as_text(body.get("client_id")))
    if app is None or app.client_secret != body.get("client_secret"):
        return answers.WRONG_SECRET
    if body.get("grant_type") != "authorization_code":
        return answers.error("unsupported_grant_type")
    if body.get("redirect_uri") != app.redirect_url:
        return answers.error("invalid_grant: redirect_uri is not the one that is registered")
    app_key = world.credentials.spend_code(as_text(body.get("code")), app.client_id)
    if app_key is None or app_key in world.switches.revoked:
        return answers.error("invalid_grant: the code is unknown, used or too old")
    return Answer(200, {"access_token": world.credentials.app_token(app_key, app.client_id), "token_type": "bearer"})


def _merchant_token(call: Call) -> str:
    return call.world.credentials.merchant_token(call.store.app_key, call.world.switches.token_seconds)
