"""`python -m faults` runs the scenarios, prints a line for each, writes the report, and exits 1 where one failed."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

from connector.sandbox.processes import exit_on_signals
from faults import report
from faults.running import Runner
from faults.scenarios import SCENARIOS


def main() -> int:
    given = _arguments()
    if given.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:28} {scenario.sentence}")  # noqa: T201 - this is its output
        return 0
    exit_on_signals()
    outcomes = []
    started = time.monotonic()
    with Runner(
        given.state, events=given.events, customers=given.customers, seed=given.seed, store_size=given.store_size
    ) as runner:
        for name in dict.fromkeys(given.only or SCENARIOS):
            outcome = runner.run(SCENARIOS[name])
            outcomes.append(outcome)
            print(report.line(outcome), flush=True)  # noqa: T201 - as above
            for told in report.details(outcome):
                print(f"    {told}", flush=True)  # noqa: T201 - as above
        servers = runner.servers
    command = shlex.join(["python", "-m", "faults", *sys.argv[1:]])
    given.report.parent.mkdir(parents=True, exist_ok=True)
    seconds = time.monotonic() - started
    given.report.write_text(
        report.markdown(outcomes, command=command, servers=servers, seconds=seconds), encoding="utf-8"
    )
    print(f"The report is in {given.report}.")  # noqa: T201 - as above
    return int(any(outcome.problems for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="how many in each scenario (default: %(default)s)")
    parser.add_argument("--customers", type=int, default=500, help="whose events they are (default: %(default)s)")
    parser.add_argument(
        "--store-size", type=int, default=100_000, help="customers to be read from Yotpo (default: %(default)s)"
    )
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, metavar="NAME", help="only these scenarios")
    parser.add_argument("--list", action="store_true", help="name the scenarios and what they do, and exit")
    parser.add_argument("--report", type=Path, default=Path("docs/faults.md"), help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="decides what is left to chance (default: %(default)s)")
    parser.add_argument("--state", type=Path, default=Path(".local/faults"), help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
