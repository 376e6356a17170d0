"""`python -m connector.sandbox.insider` starts the simulator."""

import argparse
from typing import Any

import orjson

from connector.sandbox.insider.server import main
from connector.sandbox.insider.switches import WrongSwitchError


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m connector.sandbox.insider", description="A simulator of Insider.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--partner", action="append", default=[], help="only this partner may send; with --token")
    parser.add_argument("--token", action="append", default=[], help="the token of the partner in the same place")
    parser.add_argument(
        "--switch", action="append", default=[], type=_switch, metavar="NAME=JSON", help="such as retention=false"
    )
    parser.add_argument("--verbose", action="store_true", help="write a line for each request to stderr")
    arguments = parser.parse_args()
    if len(arguments.partner) != len(arguments.token):
        parser.error("each --partner needs its --token")
    return arguments


def _switch(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, orjson.loads(value)


if __name__ == "__main__":
    given = _arguments()
    partners = dict(zip(given.partner, given.token, strict=True))
    try:
        main(given.port, given.host, verbose=given.verbose, **({"partners": partners} | dict(given.switch)))
    except WrongSwitchError as error:
        raise SystemExit(str(error)) from error
