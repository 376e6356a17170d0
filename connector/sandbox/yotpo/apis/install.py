"""The page under /app/ on which a merchant installs an app, and the redirects of its buttons.

Yotpo's page reads the app and the state from the fragment of its URL, /app/#/install/applications/{client_id}?state=…
Browsers do not send a fragment to the server, so a script in the page reads it. It isn't known how Yotpo tells an app
that the merchant cancelled. The simulator sends the error that OAuth defines.
"""

from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from connector.sandbox.simulation.answers import Answer, as_response
from connector.sandbox.yotpo import answers
from connector.sandbox.yotpo.world import World

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Install an app - Yotpo simulator</title></head>
<body>
<main>
<h1>Install <span id="name">an app</span></h1>
<p id="problem" role="alert" hidden></p>
<form id="install" action="/app/decisions" method="post" hidden>
  <input type="hidden" name="client_id">
  <input type="hidden" name="state">
  <p><label>Store <select name="app_key"></select></label></p>
  <p><button name="decision" value="install">Install</button> <button name="decision" value="cancel">Cancel</button></p>
</form>
</main>
<script>
async function show() {
  const [path, query] = location.hash.slice(1).split("?");
  const clientId = decodeURIComponent(path.split("/")[3] || "");
  const answer = await fetch("/app/applications/" + encodeURIComponent(clientId));
  const form = document.getElementById("install");
  const problem = document.getElementById("problem");
  form.hidden = !answer.ok;
  problem.hidden = answer.ok;
  problem.textContent = "There is no app " + clientId + ".";
  if (!answer.ok) return;
  const app = await answer.json();
  document.getElementById("name").textContent = app.name;
  form.elements.client_id.value = clientId;
  form.elements.state.value = new URLSearchParams(query || "").get("state") || "";
  form.elements.app_key.replaceChildren(...app.stores.map(key => new Option(key, key)));
}
addEventListener("hashchange", show);
show();
</script>
</body>
</html>
"""


def blueprint(world: World) -> Blueprint:
    install = Blueprint("install", __name__, url_prefix="/app")

    @install.get("/")
    def page() -> Response:
        return Response(_PAGE, content_type="text/html; charset=utf-8")

    @install.get("/applications/<client_id>")
    def application(client_id: str) -> Response:
        with world.lock:
            app = world.credentials.apps.get(client_id)
            if app is None:
                return as_response(answers.html(404, "404 Not Found"))
            return as_response(Answer(200, {"name": app.name, "stores": list(world.stores)}))

    @install.post("/decisions")
    def decide() -> Response | Redirect:
        form = request.form
        app_key = form.get("app_key", "")
        with world.lock:
            app = world.credentials.apps.get(form.get("client_id", ""))
            if app is None or app_key not in world.stores:
                return as_response(answers.html(404, "404 Not Found"))
            if form.get("decision") == "install":
                code = world.credentials.new_code(app.client_id, app_key, world.switches.code_seconds)
                query = {"code": code, "app_key": app_key}
            else:
                query = {"error": "access_denied"}
        query["state"] = form.get("state", "")
        separator = "&" if "?" in app.redirect_url else "?"
        return redirect(f"{app.redirect_url}{separator}{urlencode(query)}")

    return install
