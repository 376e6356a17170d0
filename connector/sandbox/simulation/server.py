"""The process: a threaded HTTP server that prints where it listens, and ends at once on SIGTERM or SIGINT."""

import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from connector.sandbox.simulation.switches import WrongSwitchError


class _Handler(WSGIRequestHandler):
    #: Without this setting, a kept-alive connection waits about 40 ms between the head and the body of each response.
    disable_nagle_algorithm = True


class _QuietHandler(_Handler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing, because /_sandbox/requests shows more."""


def serve(name: str, make: Callable[[], Flask], host: str, port: int, *, verbose: bool) -> None:
    """Serve the application that `make` returns, until SIGTERM or SIGINT. Port 0 means any free port.

    Wrong switches end the process at once, with a message.
    """
    try:
        app = make()
    except WrongSwitchError as error:
        raise SystemExit(str(error)) from error
    handler = _Handler if verbose else _QuietHandler
    server = make_server(host, port, app, threaded=True, request_handler=handler)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    sys.stdout.write(f"{name} sandbox listening on http://{host}:{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


def _end(*_: object) -> NoReturn:
    """End the main thread, wherever it is; the threads of connections are daemons and end with it."""
    raise SystemExit(0)
