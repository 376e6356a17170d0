"""`python -m connector.sandbox.insider` starts the simulator."""

import argparse

from connector.sandbox.insider.server import main
from connector.sandbox.simulation import arguments


def _arguments() -> argparse.Namespace:
    parser = arguments.parser("Insider", "retention=false")
    parser.add_argument(
        "--partner", action="append", default=[], help="only this partner may send (repeatable); needs a --token"
    )
    parser.add_argument(
        "--token", action="append", default=[], help="the token of a partner; the tokens are in the partners' order"
    )
    options = parser.parse_args()
    if len(options.partner) != len(options.token):
        parser.error("each --partner needs its --token")
    return options


if __name__ == "__main__":
    options = _arguments()
    partners = dict(zip(options.partner, options.token, strict=True))
    main(options.port, options.host, verbose=options.verbose, **({"partners": partners} | dict(options.switch)))
