"""The Flask application of the simulator, and the function that serves it."""

from typing import Any

from flask import Flask

from connector.sandbox.simulation.server import serve
from connector.sandbox.yotpo import control, shoppers
from connector.sandbox.yotpo.apis import install, routes
from connector.sandbox.yotpo.switches import Switches
from connector.sandbox.yotpo.world import World


def create_app(sizes: dict[str, int], **switches: Any) -> Flask:
    """Return the application. `sizes` gives the number of customers of each store, by app key."""
    app = Flask(__name__)
    world = World(Switches(), sizes)
    world.switches.change(switches)
    world.reset()
    app.register_blueprint(routes.blueprint(world))
    app.register_blueprint(install.blueprint(world))
    app.register_blueprint(control.blueprint(world))
    app.register_blueprint(shoppers.blueprint(world))
    return app


def main(port: int, sizes: dict[str, int], host: str = "127.0.0.1", *, verbose: bool = False, **switches: Any) -> None:
    """Serve until SIGTERM or SIGINT. Port 0 means any free port. The names of the switches are in switches.py."""
    serve("yotpo", lambda: create_app(sizes, **switches), host, port, verbose=verbose)
