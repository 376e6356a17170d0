"""`python -m faults` runs the scenarios, prints a line for each, writes the report, and exits 1 if one failed."""

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
    options = _arguments()
    if options.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:28} {scenario.sentence}")  # noqa: T201 - this is its output
        return 0
    exit_on_signals()
    outcomes = []
    started = time.monotonic()
    with Runner(
        options.state,
        events=options.events,
        customers=options.customers,
        seed=options.seed,
        store_size=options.store_size,
    ) as runner:
        for name in dict.fromkeys(options.only or SCENARIOS):
            outcome = runner.run(SCENARIOS[name])
            outcomes.append(outcome)
            print(report.line(outcome), flush=True)  # noqa: T201 - as above
            for detail in report.details(outcome):
                print(f"    {detail}", flush=True)  # noqa: T201 - as above
        servers = runner.servers
    command = shlex.join(["python", "-m", "faults", *sys.argv[1:]])
    options.report.parent.mkdir(parents=True, exist_ok=True)
    seconds = time.monotonic() - started
    options.report.write_text(
        report.markdown(outcomes, command=command, servers=servers, seconds=seconds), encoding="utf-8"
    )
    print(f"The report is in {options.report}.")  # noqa: T201 - as above
    return int(any(outcome.problems for outcome in outcomes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="events in each scenario (default: %(default)s)")
    parser.add_argument("--customers", type=int, default=500, help="customers with these events (default: %(default)s)")
    parser.add_argument(
        "--store-size", type=int, default=100_000, help="customers of a backfill's store (default: %(default)s)"
    )
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, metavar="NAME", help="run only these scenarios")
    parser.add_argument("--list", action="store_true", help="list the scenarios with what they do, and exit")
    parser.add_argument("--report", type=Path, default=Path("docs/faults.md"), help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random numbers (default: %(default)s)")
    parser.add_argument("--state", type=Path, default=Path(".local/faults"), help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
