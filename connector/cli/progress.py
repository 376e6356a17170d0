"""How far a long command is: one line redrawn on a terminal, a plain line now and then in a log. Always on stderr.

Own code: click's bar writes nothing but its label into a log, and others write control characters there.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

    Clock = Callable[[], float]

_REDRAW_SECONDS, _LOG_SECONDS = 0.1, 10.0
_LOG_WIDTH = 500
_WIDEST_BAR, _NARROWEST_BAR = 40, 8
_UNICODE_BAR, _ASCII_BAR = "━─", "#-"


def line(
    done: int, total: int | None, seconds: float, width: int, *, before: int = 0, note: str = "", bar: str = _ASCII_BAR
) -> str:
    """Return the line of a terminal of that width: ``42 % ###---  420 of 1,000  5.0/s  1:56 left``.

    `before` of those done cost no time, such as what an earlier run has done. `bar` holds the sign for what is done and
    the one for what is not; without it, or where it does not fit, there is none.
    """
    parts = [f"{done:,}" if total is None else f"{done:,} of {total:,}"]
    rate = (done - before) / seconds if seconds > 0 else 0.0
    parts.append(f"{rate:.1f}/s")
    if total is None:
        parts.append(_span(seconds))
    elif rate > 0 and done < total:
        parts.append(f"{_span((total - done) / rate)} left")
    text = "  ".join([*parts, note] if note else parts)
    if total is not None:
        share = min(done / total, 1.0) if total else 1.0
        text = f"{int(share * 100):3} %  {_bar(share, bar, width - len(text) - 9)}{text}"
    return text[: max(width, 0)].rstrip()


def _bar(share: float, signs: str, room: int) -> str:
    if not signs or room < _NARROWEST_BAR:
        return ""
    cells = min(room, _WIDEST_BAR)
    full = int(share * cells)
    return f"{signs[0] * full}{signs[1] * (cells - full)}  "


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Progress:
    """Shows how far a command is; as a context manager it ends with the last state, whatever happened.

    `total` may be set anew at any time; None where nobody knows.
    """

    def __init__(
        self, total: int | None = None, *, label: str = "", file: TextIO | None = None, clock: Clock = time.monotonic
    ) -> None:
        self.total = total
        self._label = f"{label}  " if label else ""
        self._file = file or sys.stderr
        self._clock = clock
        self._terminal = self._file.isatty() and os.environ.get("TERM") != "dumb"
        self._every = _REDRAW_SECONDS if self._terminal else _LOG_SECONDS
        self._began = self._drawn = clock()
        self._done, self._before, self._note, self._told, self._width = 0, 0, "", "", 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._note = ""
        self._draw()
        if self._terminal:
            print(file=self._file, flush=True)

    def show(self, done: int, *, before: int = 0, note: str = "") -> None:
        """Tell that so many are done. Cheap, however often it is called: it is shown when it is time."""
        self._done, self._before, self._note = done, before, note
        if self._clock() - self._drawn >= self._every:
            self._draw()

    def tell(self, note: str) -> None:
        """Tell at once what there is to tell, such as why it does not go on; until the next `show`."""
        is_new, self._note = note not in {"", self._told}, note
        self._told = note or self._told
        if is_new or self._clock() - self._drawn >= self._every:
            self._draw()

    def _draw(self) -> None:
        self._drawn = self._clock()
        state = (self._done, self.total, self._drawn - self._began)
        if self._terminal:
            # The last column stays free: some terminals go to the next line when it is filled.
            width = (os.get_terminal_size(self._file.fileno()).columns or 80) - 1
            room = width - len(self._label)
            text = line(*state, room, before=self._before, note=self._note, bar=self._signs())
            text = f"{self._label}{text}"[:width]
            print(f"\r{text:<{min(self._width, width)}}", end="", file=self._file, flush=True)
            self._width = len(text)
        else:
            text = line(*state, _LOG_WIDTH, before=self._before, note=self._note, bar="")
            print(self._label + text.strip(), file=self._file, flush=True)

    def _signs(self) -> str:
        try:
            _UNICODE_BAR.encode(self._file.encoding)
        except (UnicodeEncodeError, LookupError, TypeError):
            return _ASCII_BAR
        return _UNICODE_BAR
