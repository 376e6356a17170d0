"""The progress of a long command, as text: the line itself, on a terminal, and in a log."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from connector.cli.progress import Progress, line

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("done", "total", "seconds", "width", "expected"),
    [
        (420, 1000, 84, 80, " 42 %  ################------------------------  420 of 1,000  5.0/s  1:56 left"),
        (420, 1000, 84, 60, " 42 %  ########-------------  420 of 1,000  5.0/s  1:56 left"),
        (420, 1000, 84, 46, " 42 %  420 of 1,000  5.0/s  1:56 left"),
        (420, 1000, 84, 20, " 42 %  420 of 1,000"),
        (0, 1000, 0, 40, "  0 %  --------------  0 of 1,000  0.0/s"),
        (10, 10, 2, 40, "100 %  ################  10 of 10  5.0/s"),
        (12, 10, 2, 40, "100 %  ################  12 of 10  6.0/s"),
        (0, 0, 0, 40, "100 %  ##################  0 of 0  0.0/s"),
        (7_200, 1_000_000, 1440, 56, "  0 %  7,200 of 1,000,000  5.0/s  55:09:20 left"),
        (420, None, 84, 80, "420  5.0/s  1:24"),
        (420, None, 4000, 80, "420  0.1/s  1:06:40"),
        (420, None, 84, 0, ""),
    ],
)
def test_a_line_says_how_far_it_is_in_the_width_that_there_is(
    done: int, total: int | None, seconds: float, width: int, expected: str
) -> None:
    assert line(done, total, seconds, width) == expected
    assert len(line(done, total, seconds, width, note="x" * 50)) <= width


def test_what_was_done_before_makes_nothing_faster() -> None:
    assert line(600, 1000, 20, 0o120, before=500, bar="") == " 60 %  600 of 1,000  5.0/s  1:20 left"


def test_a_note_stands_at_the_end() -> None:
    assert line(1, None, 1, 80, note="waiting") == "1  1.0/s  0:01  waiting"


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_plain_line_every_ten_seconds_and_at_the_end() -> None:
    clock, log = Clock(), io.StringIO()
    with Progress(100, label="acme", file=log, clock=clock) as progress:
        for done in range(1, 26):
            clock.now += 1
            progress.show(done)

    assert log.getvalue().splitlines() == [
        "acme  10 %  10 of 100  1.0/s  1:30 left",
        "acme  20 %  20 of 100  1.0/s  1:20 left",
        "acme  25 %  25 of 100  1.0/s  1:15 left",
    ]


def test_what_it_waits_for_is_told_at_once_and_once() -> None:
    clock, log = Clock(), io.StringIO()
    with Progress(None, file=log, clock=clock) as progress:
        clock.now += 1
        for _ in range(5):
            progress.tell("trying again in 8 s")
        progress.show(1)

    assert log.getvalue().splitlines() == ["0  0.0/s  0:01  trying again in 8 s", "1  1.0/s  0:01"]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, io.TextIOWrapper]]:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as file:
        yield ours, file
    os.close(ours)


def _written(ours: int) -> bytes:
    """Return the output on the terminal, as soon as no more comes."""
    written = b""
    while select.select([ours], [], [], 0.3)[0]:
        written += os.read(ours, 100_000)
    return written


def _width(file: io.TextIOWrapper, columns: int) -> None:
    fcntl.ioctl(file.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


def test_a_terminal_has_one_line_that_is_redrawn_ten_times_a_second(
    terminal: tuple[int, io.TextIOWrapper],
) -> None:
    ours, file = terminal
    _width(file, 60)
    clock = Clock()
    with Progress(1000, file=file, clock=clock) as progress:
        for done in range(1000):
            clock.now += 0.001
            progress.show(done)
        progress.tell("a wait of which there is much to tell")
        progress.show(1000)

    written = _written(ours).decode()
    drawn = re.split(r"\r(?!\n)", written)[1:]
    assert 9 <= len(drawn) <= 13
    assert all(len(one.rstrip("\r\n")) < 60 for one in drawn)
    assert written.count("\n") == 1
    assert "\x1b" not in written
    assert drawn[-1].startswith("100 %  ━")
    assert "a wait" in drawn[-2]
    # The rest of a longer line is erased.
    assert len(drawn[-1].rstrip("\r\n")) >= len(drawn[-2])


def test_a_terminal_that_cannot_write_the_bar_gets_it_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="ascii") as file:
        _width(file, 60)
        with Progress(2, file=file) as progress:
            progress.show(1)
        assert b"50 %  #####" in _written(ours)
    os.close(ours)


def test_a_dumb_terminal_is_a_log(terminal: tuple[int, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    ours, file = terminal
    with Progress(2, file=file) as progress:
        progress.show(2)
    assert b"\r\n" in (written := _written(ours))
    assert written.count(b"\r") == 1
