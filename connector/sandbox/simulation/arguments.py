"""The command line of a simulator."""

from argparse import ArgumentParser
from typing import Any

import orjson


def parser(name: str, example: str) -> ArgumentParser:
    """Return a parser with the options of every simulator; `example` is an example of a switch, for the help text."""
    result = ArgumentParser(prog=f"python -m connector.sandbox.{name.lower()}", description=f"A simulator of {name}.")
    result.add_argument("--host", default="127.0.0.1")
    result.add_argument("--port", type=int, default=0, help="0 takes any free port")
    result.add_argument(
        "--switch", action="append", default=[], type=_switch, metavar="NAME=JSON", help=f"for example {example}"
    )
    result.add_argument("--verbose", action="store_true", help="write a line for each request to stderr")
    return result


def _switch(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, orjson.loads(value)
