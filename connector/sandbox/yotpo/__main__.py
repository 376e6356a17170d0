"""`python -m connector.sandbox.yotpo` starts the simulator."""

import argparse
from typing import Any

import orjson

from connector.sandbox.yotpo.server import main
from connector.sandbox.yotpo.switches import WrongSwitchError


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m connector.sandbox.yotpo", description="A simulator of Yotpo.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument(
        "--store", action="append", default=[], type=_store, metavar="APP_KEY:SIZE", help="a store and its customers"
    )
    parser.add_argument(
        "--switch", action="append", default=[], type=_switch, metavar="NAME=JSON", help="such as visibility_seconds=0"
    )
    parser.add_argument("--verbose", action="store_true", help="write a line for each request to stderr")
    return parser.parse_args()


def _store(text: str) -> tuple[str, int]:
    app_key, _, size = text.rpartition(":")
    if not app_key:
        raise ValueError(text)
    return app_key, int(size)


def _switch(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, orjson.loads(value)


if __name__ == "__main__":
    given = _arguments()
    try:
        main(given.port, dict(given.store), given.host, verbose=given.verbose, **dict(given.switch))
    except WrongSwitchError as error:
        raise SystemExit(str(error)) from error
