"""The supervisor of child processes, tried on real programs: small ones in Python and in the shell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from connector.errors import OperatorError
from connector.sandbox.processes import Group, free_port, is_free, parse_procfile, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ENV = {"PATH": os.environ["PATH"]}

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"

RUNNER = """
import os, sys, time
from pathlib import Path
from connector.sandbox.processes import Group, exit_on_signals
exit_on_signals()
with Group(Path(sys.argv[1])) as group:
    group.start("sleeper", "exec sleep 60", dict(os.environ))
    print(group.pid("sleeper"), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    with Group(tmp_path / "group") as group:
        yield group


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def start_runner(directory: Path) -> tuple[subprocess.Popen[str], int]:
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(directory)], stdout=subprocess.PIPE, text=True)
    assert runner.stdout is not None
    with runner.stdout:
        return runner, int(runner.stdout.readline())


def test_a_procfile_is_read_in_its_order() -> None:
    text = "# What runs.\n\nweb: exec gunicorn --bind :$PORT 'a:b()'\n beat:   exec celery beat  \n"

    assert parse_procfile(text) == {"web": "exec gunicorn --bind :$PORT 'a:b()'", "beat": "exec celery beat"}
    assert list(parse_procfile(text)) == ["web", "beat"]


@pytest.mark.parametrize("line", ["web", "web:", "two words: exec x", ": exec x", "web: exec x\nweb: exec y"])
def test_a_wrong_procfile_is_refused_with_the_line(line: str) -> None:
    with pytest.raises(OperatorError, match=r"Line [12] of the Procfile"):
        parse_procfile(line)


def test_a_free_port_is_below_those_that_outgoing_connections_get() -> None:
    port = free_port()

    assert is_free(port)
    assert port < 32_768


def test_a_port_on_which_somebody_listens_is_not_free(group: Group) -> None:
    port = free_port()
    group.start("web", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], ENV)
    group.wait_for_http("web", f"http://127.0.0.1:{port}/")

    assert not is_free(port)


def test_tail_shows_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(10_000)))

    assert tail(log, lines=2) == "line 9998 \ufffd\nline 9999 \ufffd"
    assert not tail(tmp_path / "missing")


def test_output_of_both_kinds_goes_to_the_log_and_the_environment_is_the_one_given(group: Group) -> None:
    group.start("talker", "echo $WORD; echo $HOME-less >&2", {**ENV, "WORD": "hello"})
    until(lambda: not group.alive())

    assert group.tail("talker") == "hello\n-less"
    assert group.exit_code("talker") == 0


def test_a_second_start_continues_the_log_and_another_group_begins_a_new_one(tmp_path: Path) -> None:
    with Group(tmp_path) as group:
        for word in ("one", "two"):
            group.start("talker", f"echo {word}", ENV)
            until(lambda: not group.alive())
        assert group.tail("talker") == "one\ntwo"

    with Group(tmp_path) as group:
        group.start("talker", "echo three", ENV)
        until(lambda: not group.alive())
        assert group.tail("talker") == "three"


def test_the_first_to_end_is_named(group: Group) -> None:
    group.start("sleeper", "exec sleep 60", ENV)
    group.start("short", "exit 3", ENV)

    assert group.wait_for_end() == "short"
    assert group.exit_code("short") == 3
    assert group.alive() == ["sleeper"]


def test_a_name_that_is_alive_is_not_started_again(group: Group) -> None:
    group.start("sleeper", "exec sleep 60", ENV)
    with pytest.raises(OperatorError, match="running already"):
        group.start("sleeper", "exec sleep 60", ENV)

    group.terminate(5, "sleeper")
    group.start("sleeper", "exec sleep 60", ENV)
    assert group.alive() == ["sleeper"]


def test_terminate_asks_first(group: Group) -> None:
    group.start("sleeper", "exec sleep 60", ENV)
    group.start("other", "exec sleep 60", ENV)

    group.terminate(5, "sleeper")
    assert group.exit_code("sleeper") == -signal.SIGTERM
    assert group.alive() == ["other"]


def test_terminate_ends_a_process_that_is_stopped(group: Group) -> None:
    group.start("sleeper", "exec sleep 60", ENV)
    os.kill(group.pid("sleeper"), signal.SIGSTOP)
    group.terminate(5)

    assert group.exit_code("sleeper") == -signal.SIGTERM


def test_terminate_kills_what_does_not_listen(group: Group) -> None:
    group.start("deaf", [sys.executable, "-c", DEAF], ENV)
    until(lambda: group.tail("deaf") == "deaf")
    group.terminate(0.1)

    assert group.exit_code("deaf") == -signal.SIGKILL


def test_terminate_leaves_no_grandchild(group: Group) -> None:
    group.start("parent", "sleep 60 & echo $!; wait", ENV)
    until(lambda: bool(group.tail("parent")))
    grandchild = int(group.tail("parent"))
    assert is_running(grandchild)

    group.terminate(5)
    until(lambda: not is_running(grandchild))


def test_an_exception_ends_the_processes_too(tmp_path: Path) -> None:
    group = Group(tmp_path)

    def interrupted() -> None:
        with group:
            group.start("sleeper", "exec sleep 60", ENV)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert group.exit_code("sleeper") == -signal.SIGTERM
    assert not (tmp_path / "sleeper.pid").exists()


def test_waiting_for_http_ends_with_any_answer(group: Group) -> None:
    port = free_port()
    group.start("web", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], ENV)

    group.wait_for_http("web", f"http://127.0.0.1:{port}/no-such-page")
    assert '"GET /no-such-page' in group.tail("web")


def test_waiting_for_http_ends_when_the_process_does(group: Group) -> None:
    group.start("web", "echo the port is taken; exit 1", ENV)

    with pytest.raises(OperatorError, match=r"(?s)web ended with exit code 1\..*web\.log:\nthe port is taken"):
        group.wait_for_http("web", f"http://127.0.0.1:{free_port()}/", seconds=60)


def test_waiting_for_http_has_a_limit(group: Group) -> None:
    group.start("web", "echo I am slow; exec sleep 60", ENV)

    with pytest.raises(OperatorError, match=r"(?s)did not answer at .* within 0\.2 seconds.*I am slow"):
        group.wait_for_http("web", f"http://127.0.0.1:{free_port()}/", seconds=0.2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_runner_that_is_told_to_end_takes_its_processes_along(tmp_path: Path, number: signal.Signals) -> None:
    runner, sleeper = start_runner(tmp_path)
    assert is_running(sleeper)

    runner.send_signal(number)
    assert runner.wait(10) != 0
    assert not is_running(sleeper)


def test_what_a_killed_runner_has_left_is_ended_by_the_next(tmp_path: Path) -> None:
    runner, sleeper = start_runner(tmp_path)
    runner.kill()
    runner.wait(10)
    assert is_running(sleeper)

    with Group(tmp_path) as group:
        group.start("sleeper", "exec sleep 60", ENV)
        until(lambda: not is_running(sleeper))
        assert group.alive() == ["sleeper"]


def test_a_recorded_id_that_belongs_to_somebody_else_is_left_alone(tmp_path: Path) -> None:
    with Group(tmp_path / "one") as one, Group(tmp_path / "two") as two:
        one.start("sleeper", "exec sleep 60", ENV)
        (tmp_path / "two").mkdir()
        (tmp_path / "two" / "sleeper.pid").write_text(f"{one.pid('sleeper')} 1.0")
        two.start("sleeper", "exec sleep 60", ENV)

        assert one.alive() == ["sleeper"]


def test_two_groups_cannot_use_one_directory(tmp_path: Path) -> None:
    with Group(tmp_path) as first, Group(tmp_path) as second:
        first.start("sleeper", "exec sleep 60", ENV)
        with pytest.raises(OperatorError, match="use another directory"):
            second.start("other", "exec sleep 60", ENV)

        assert first.alive() == ["sleeper"]
