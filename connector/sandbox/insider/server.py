"""The application, and the process that serves it."""

from typing import Any

from flask import Flask

from connector.sandbox.insider import api, control
from connector.sandbox.insider.switches import Switches
from connector.sandbox.insider.world import World
from connector.sandbox.simulation.server import serve


def create_app(**switches: Any) -> Flask:
    app = Flask(__name__)
    world = World(Switches())
    world.switches.change(switches)
    app.register_blueprint(api.blueprint(world))
    app.register_blueprint(control.blueprint(world))
    return app


def main(port: int, host: str = "127.0.0.1", *, verbose: bool = False, **switches: Any) -> None:
    """Serve until SIGTERM or SIGINT. Port 0 means any free port. switches.py lists the switches."""
    serve("insider", lambda: create_app(**switches), host, port, verbose=verbose)
