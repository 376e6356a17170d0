"""The results of a push: what is kept for each line, and what the next run reads."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from connector.errors import OperatorError
from connector.sync.pushing.report import Report
from connector.sync.pushing.results import EarlierRuns, Result, ResultsFile

if TYPE_CHECKING:
    from pathlib import Path

SENT = Result(1, "external_id 7001", "sent", (), "00000000000000aa")
REFUSED = Result(2, "external_id 7002", "refused", ("Yotpo says no",), "00000000000000bb")
INVALID = Result(3, None, "invalid", ("email: has to be an e-mail address",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv.results.jsonl"


def _written(path: Path, *results: Result) -> None:
    with ResultsFile(path) as file:
        for result in results:
            file.write(result)


def _earlier(path: Path) -> EarlierRuns:
    with ResultsFile(path) as file:
        return file.earlier


def test_each_result_is_a_line_at_once(path: Path) -> None:
    with ResultsFile(path) as file:
        file.write(SENT)
        assert json.loads(path.read_text()) == {
            "line": 1,
            "who": "external_id 7001",
            "outcome": "sent",
            "problems": [],
            "digest": "00000000000000aa",
        }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_next_run_knows_what_was_sent_as_long_as_it_is_the_same(path: Path) -> None:
    _written(path, SENT, REFUSED, INVALID)

    earlier = _earlier(path)

    assert earlier.outcome(1, "00000000000000aa") == "sent"
    assert earlier.outcome(1, "00000000000000ab") is None
    assert [earlier.outcome(line, "00000000000000bb") for line in (0, 2, 3, 4, 10**9)] == [None] * 5


def test_the_last_result_of_a_line_counts(path: Path) -> None:
    _written(path, SENT, SENT._replace(outcome="differs"))
    _written(path, SENT._replace(outcome="verified"))

    assert _earlier(path).outcome(1, "00000000000000aa") == "verified"


@pytest.mark.parametrize("length", [1, 5, 8, 9, 40])
def test_a_line_that_a_killed_run_was_writing_is_forgotten(path: Path, length: int) -> None:
    _written(path, SENT)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:length])

    with ResultsFile(path) as file:
        file.write(REFUSED)

    lines = path.read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == [1, 2]


def test_restart_forgets_earlier_results(path: Path) -> None:
    _written(path, SENT)

    with ResultsFile(path, restart=True) as file:
        assert file.earlier.outcome(1, "00000000000000aa") is None
        file.write(REFUSED)

    assert len(path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    [
        "external_id,email\n",
        '{"external_id":"1"}\n',
        "precious",
        '{"line":1,"outcome":"lost","digest":null}\n',
        '{"line":1,"outcome":"sent","digest":"none"}\n',
        '{"line":1e300,"outcome":"sent","digest":"aa"}\n',
        '{"line":1,"outcome":"sent","digest":"aaaaaaaaaaaaaaaaaaaaaaaa"}\n',
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_file_with_other_content_is_not_overwritten(path: Path, content: str, restart: bool) -> None:  # noqa: FBT001
    path.write_text(content)

    with pytest.raises(OperatorError, match="this is not a results file"):
        ResultsFile(path, restart=restart)

    assert path.read_text() == content


def test_one_run_at_a_time_writes_its_results(path: Path) -> None:
    with ResultsFile(path), pytest.raises(OperatorError, match="another run"):
        ResultsFile(path)
    _written(path, SENT)


def test_a_path_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be kept there: No such file or directory"):
        ResultsFile(tmp_path / "nowhere" / "results.jsonl")


def test_a_million_results_take_some_megabytes() -> None:
    earlier = EarlierRuns()
    for line in range(1, 1_000_001):
        earlier.keep(line, "sent", f"{line:016x}")

    assert earlier.size < 20_000_000
    assert earlier.outcome(1_000_000, f"{1_000_000:016x}") == "sent"


def test_a_report_counts_and_shows_the_first_problems(path: Path) -> None:
    report = Report(path)
    for result in (SENT, SENT._replace(line=4, outcome="earlier"), SENT._replace(outcome="verified")):
        report.count(result)
    was_good = report.is_good
    assert (report.lines, report.unsent, report.read_back) == (2, 1, "1 read back")

    for line in range(20):
        report.count(INVALID._replace(line=line))
    assert (was_good, report.is_good) == (True, False)
    assert report.text().splitlines()[:2] == [
        "1 sent, 1 earlier, 1 verified, 20 invalid",
        "line 0: invalid: email: has to be an e-mail address",
    ]
    assert len(report.text().splitlines()) == 13
    assert report.text().splitlines()[-2] == "… and 10 more problems, in the results"
    assert report.as_json()["counts"] == {"sent": 1, "earlier": 1, "verified": 1, "invalid": 20}
    assert (len(report.as_json()["problems"]), report.as_json()["more_problems"]) == (10, 10)


def test_many_problems_of_one_kind_do_not_hide_those_of_another() -> None:
    report = Report()
    for line in range(20):
        report.count(INVALID._replace(line=line))
    report.count(INVALID._replace(line=99, outcome="differs", problems=("first_name: something else",)))

    assert report.text().splitlines()[-2:] == [
        "line 99: differs: first_name: something else",
        "… and 10 more problems; --results PATH saves all of them in a file",
    ]
