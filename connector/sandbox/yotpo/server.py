"""The process: a threaded HTTP server on one port that says where it listens and ends at once when told to."""

import signal
import sys
from typing import Any, NoReturn

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from connector.sandbox.yotpo import api, control, install, webhooks
from connector.sandbox.yotpo.switches import Switches
from connector.sandbox.yotpo.world import World


class _Handler(WSGIRequestHandler):
    #: Without this, a kept connection waits some 40 ms between the head and the body of each answer.
    disable_nagle_algorithm = True


class _QuietHandler(_Handler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing; /_sandbox/requests knows more."""


def create_app(sizes: dict[str, int], **switches: Any) -> Flask:
    """Make the application. `sizes` are the stores, by their app keys, with how many customers each has."""
    app = Flask(__name__)
    world = World(Switches(), sizes)
    world.switches.change(switches)
    world.reset()
    app.register_blueprint(api.blueprint(world))
    app.register_blueprint(install.blueprint(world))
    app.register_blueprint(control.blueprint(world))
    app.register_blueprint(webhooks.blueprint(world))
    return app


def main(port: int, sizes: dict[str, int], host: str = "127.0.0.1", *, verbose: bool = False, **switches: Any) -> None:
    """Serve until SIGTERM or SIGINT; port 0 takes any free one. The switches are those of switches.py."""
    app = create_app(sizes, **switches)
    handler = _Handler if verbose else _QuietHandler
    server = make_server(host, port, app, threaded=True, request_handler=handler)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    sys.stdout.write(f"yotpo sandbox listening on http://{host}:{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _end(*_: object) -> NoReturn:
    """Leave the main thread from wherever it is; the threads of connections are daemons and end with it."""
    raise SystemExit(0)
