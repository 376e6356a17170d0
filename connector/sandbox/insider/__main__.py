"""`python -m connector.sandbox.insider` starts the simulator."""

import argparse

from connector.sandbox.insider.server import main
from connector.sandbox.simulation import arguments


def _arguments() -> argparse.Namespace:
    parser = arguments.parser("Insider", "retention=false")
    parser.add_argument("--partner", action="append", default=[], help="only this partner may send; with --token")
    parser.add_argument("--token", action="append", default=[], help="the token of the partner in the same place")
    given = parser.parse_args()
    if len(given.partner) != len(given.token):
        parser.error("each --partner needs its --token")
    return given


if __name__ == "__main__":
    given = _arguments()
    partners = dict(zip(given.partner, given.token, strict=True))
    main(given.port, given.host, verbose=given.verbose, **({"partners": partners} | dict(given.switch)))
