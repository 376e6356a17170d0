"""`python -m connector.sandbox.yotpo` starts the simulator."""

import argparse

from connector.sandbox.simulation import arguments
from connector.sandbox.yotpo.server import main


def _arguments() -> argparse.Namespace:
    parser = arguments.parser("Yotpo", "visibility_seconds=0")
    parser.add_argument(
        "--store", action="append", default=[], type=_store, metavar="APP_KEY:SIZE", help="a store and its customers"
    )
    return parser.parse_args()


def _store(text: str) -> tuple[str, int]:
    app_key, _, size = text.rpartition(":")
    if not app_key:
        raise ValueError(text)
    return app_key, int(size)


if __name__ == "__main__":
    options = _arguments()
    main(options.port, dict(options.store), options.host, verbose=options.verbose, **dict(options.switch))
