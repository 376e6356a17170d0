"""`connector customers push` as operators use it: files, results beside them, interrupted runs that continue."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from connector.journal import stores
from connector.journal.sync import accounts
from tests import ROOT
from tests.commands import ADD, Cli, Done, interruptible
from tests.sandbox.yotpo.simulators import Yotpo, simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.journal.database import Database
    from connector.journal.vault import Vault

WHY = ("--reason", "a test")
#: Prints the command's peak memory in MB after its own output.
PEAK = """
import resource, sys
from connector.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Yotpo]:
    with simulator("--switch", "visibility_seconds=0") as running:
        yield running


@pytest.fixture
def yotpo(started: Yotpo) -> Yotpo:
    simulated = started.cleared()
    simulated.tell("faults", method="DELETE")
    return simulated


@pytest.fixture
def cli(database_url: str, yotpo: Yotpo) -> Cli:
    command = Cli(database_url)
    command.environment |= dict.fromkeys(("YOTPO_CORE_URL", "YOTPO_DEVELOPERS_URL", "YOTPO_LOYALTY_URL"), yotpo.url)
    return command


@pytest.fixture
def connected(cli: Cli, database: Database, vault: Vault) -> Cli:
    """The command line of a connector with one store, which is connected to Yotpo."""
    cli.json(*ADD)
    with database.transaction() as connection:
        store = stores.by_name(connection, vault, "acme")
        accounts.connect(connection, vault, store_id=store.id, app_key="shop", mode="own", secret="secret-of-shop")
    return cli


def _push(cli: Cli, file: Path, *options: str) -> Done:
    return cli.run("customers", "push", str(file), *WHY, *options)


def _lines(path: Path, number: int, **more: Any) -> Path:
    path.write_text("".join(json.dumps({"external_id": f"c{one}", **more}) + "\n" for one in range(1, number + 1)))
    return path


def _results(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.with_name(f"{file.name}.results.jsonl").read_text().splitlines()]


def _patched(yotpo: Yotpo) -> Counter[str]:
    found = yotpo.ask("requests", full=1)
    return Counter(request["body"]["customer"]["external_id"] for request in found if request["method"] == "PATCH")


def test_a_csv_is_sent_and_the_same_command_again_sends_nothing_twice(
    connected: Cli, yotpo: Yotpo, tmp_path: Path
) -> None:
    file = tmp_path / "shop.csv"
    file.write_text("external_id,address.city,accepts_sms_marketing\nc1,Berlin,yes\nc2,,\n")

    done = _push(connected, file)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["2 sent", f"all results: {file}.results.jsonl"]
    assert [(one["line"], one["who"], one["outcome"]) for one in _results(file)] == [
        (2, "external_id c1", "sent"),
        (3, "external_id c2", "sent"),
    ]
    (shown,) = yotpo.customers(external_ids="c1")
    assert (shown["address"]["city"], shown["accepts_sms_marketing"]) == ("Berlin", True)

    again = _push(connected, file, "--format", "json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["counts"] == {"earlier": 2}
    assert _push(connected, file, "--restart").stdout.startswith("2 sent")
    assert _patched(yotpo) == {"c1": 2, "c2": 2}


def test_wrong_lines_are_told_and_tried_again_once_corrected(connected: Cli, yotpo: Yotpo, tmp_path: Path) -> None:
    file = tmp_path / "shop.jsonl"
    file.write_text('{"external_id":"c1"}\n{"external_id":"c2","email":"ann"}\n{"external_id":"c3"}\n')

    done = _push(connected, file)

    assert done.returncode == 1
    assert done.stdout.splitlines()[:2] == ["1 invalid, 2 sent", "line 2: invalid: email: has to be an e-mail address"]
    assert "ann" not in done.stdout + done.stderr
    assert Counter(one["outcome"] for one in _results(file)) == {"sent": 2, "invalid": 1}

    file.write_text(file.read_text().replace('"ann"', '"ann@example.com"'))
    assert _push(connected, file).returncode == 0
    assert _patched(yotpo) == {"c1": 1, "c2": 1, "c3": 1}


def test_what_was_sent_is_read_back(connected: Cli, tmp_path: Path) -> None:
    file = _lines(tmp_path / "shop.jsonl", 2, first_name="Ada")

    done = _push(connected, file, "--verify", "--verify-after", "0.5")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 sent, 2 verified\n")
    assert [one["outcome"] for one in _results(file)] == ["sent", "sent", "verified", "verified"]


def test_a_run_that_is_killed_goes_on_with_the_next(connected: Cli, yotpo: Yotpo, tmp_path: Path) -> None:
    file = _lines(tmp_path / "shop.jsonl", 30)
    command = [sys.executable, "-m", "connector", "customers", "push", str(file), *WHY]
    for sent in (8, 20):
        process = subprocess.Popen(
            command, cwd=ROOT, env=connected.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while len(_patched(yotpo)) < sent:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()

    done = _push(connected, file)

    assert done.returncode == 0, done.stderr
    patched = _patched(yotpo)
    assert len(patched) == 30
    # Each kill repeats the customer that was being sent.
    assert sum(patched.values()) <= 32
    assert max(patched.values()) <= 2
    assert {one["line"] for one in _results(file) if one["outcome"] == "sent"} == set(range(1, 31))


def test_ctrl_c_ends_it_with_what_was_done(connected: Cli, yotpo: Yotpo, tmp_path: Path, database: Database) -> None:
    file = _lines(tmp_path / "shop.jsonl", 100)
    command = [sys.executable, "-m", "connector", "customers", "push", str(file), *WHY]
    with interruptible():
        process = subprocess.Popen(
            command, cwd=ROOT, env=connected.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    while len(_patched(yotpo)) < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)

    assert process.returncode == 1
    assert " sent\n" in stdout
    assert "Traceback" not in stderr
    with database.connection() as connection:
        actions = connection.execute("select action from audit order by id").fetchall()
    assert [row.action for row in actions][-2:] == ["customers.push", "customers.pushed"]


def test_the_audit_trail_tells_who_and_how_many_but_no_customer(connected: Cli, tmp_path: Path) -> None:
    _push(connected, _lines(tmp_path / "ann@example.com.jsonl", 2), "--by", "eve")

    pushed, push = connected.json("audit", "--limit", "2")
    assert (push["action"], push["actor"], push["store"], push["reason"]) == ("customers.push", "eve", "acme", "a test")
    assert pushed["details"]["counts"] == {"sent": 2}
    assert "ann" not in json.dumps([pushed, push])
    assert "c1" not in json.dumps([pushed, push])


def test_stdin_is_read_where_it_is_said_how_and_where_the_results_go(connected: Cli, tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    command = [sys.executable, "-m", "connector", "customers", "push", "-", *WHY]
    command += ["--input-format", "csv", "--results", str(results)]

    done = subprocess.run(
        command,
        cwd=ROOT,
        env=connected.environment,
        input="external_id\nc1\n",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(results.read_text())["outcome"] == "sent"


def test_a_dry_run_needs_nothing_but_the_file(tmp_path: Path) -> None:
    file = tmp_path / "shop.jsonl"
    file.write_text('{"external_id":"c1"}\n{"extrenal_id":"c2"}\n')
    command = [sys.executable, "-m", "connector", "customers", "push", str(file), "--dry-run", "--format", "json"]

    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["counts"] == {"checked": 1, "invalid": 1}
    assert "did you mean 'external_id'?" in told["problems"][0]["problem"]
    assert list(tmp_path.iterdir()) == [file]

    subprocess.run([*command, "--results", str(tmp_path / "wrong.jsonl")], cwd=ROOT, env={}, check=False)
    assert json.loads((tmp_path / "wrong.jsonl").read_text())["line"] == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("shop.jsonl",), "give a reason: --reason"),
        (("shop.jsonl", *WHY, "--store", "nobody"), "there is no store named 'nobody'"),
        (("shop.jsonl", *WHY), "give the store whose Yotpo gets the customers: --store NAME"),
        (("shop.txt", *WHY), "give its format: --input-format"),
        (("-", *WHY), "give its format: --input-format"),
        (("-", *WHY, "--input-format", "csv"), "give the file for the results: --results"),
        (("shop.jsonl", *WHY, "--results", "shop.jsonl"), "the results need another file than the customers"),
        (("wrong.csv", *WHY), "emial: is not a field of a customer (did you mean 'email'?)"),
        (("wrong.csv", "--dry-run"), "emial: is not a field of a customer (did you mean 'email'?)"),
    ],
)
def test_a_mistake_is_told_in_one_sentence_and_changes_nothing(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    _lines(tmp_path / "shop.jsonl", 1)
    (tmp_path / "shop.txt").write_text("")
    (tmp_path / "wrong.csv").write_text("external_id,emial\nc1,\n")

    done = cli.run("customers", "push", *arguments, directory=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.results.jsonl"))


def test_a_store_that_is_not_connected_is_told(cli: Cli, tmp_path: Path) -> None:
    cli.json(*ADD)

    done = _push(cli, _lines(tmp_path / "shop.jsonl", 1))

    assert done.returncode == 1
    assert done.stderr.startswith("error: the store is not connected to Yotpo")
    assert not list(tmp_path.glob("*.results.jsonl"))


def test_a_long_file_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(lines: int) -> int:
        file = _lines(tmp_path / f"{lines}.jsonl", lines, first_name="Ada", tags="a,b", address={"city": "X"})
        command = [sys.executable, "-c", PEAK, "customers", "push", str(file), "--dry-run"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.startswith(f"{lines:,} checked")
        return int(done.stdout.split()[-1])

    assert peak(60_000) < peak(1_000) + 10
