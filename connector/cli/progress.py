"""Shows the progress of a long command on stderr.

On a terminal, the module redraws one line. In a log, it adds a plain line from time to time. The module uses no
library, because in a log, click's bar writes only its label, and other libraries write control characters.
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
    """Return a line of at most `width` characters: ``42 % ###---  420 of 1,000  5.0/s  1:56 left``.

    `before` is the number of done items that took no time, for example because an earlier run did them. The rate does
    not count these items. `bar` has two characters: one for the done part, and one for the rest. If `bar` is empty, or
    the line is too short for a bar, the line has no bar.
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
    """Shows the progress of a command. As a context manager, it draws the last state at the end, even after an error.

    `total` may be changed at any time. None means that the total is unknown.
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
        self._done, self._before, self._note, self._last_note, self._width = 0, 0, "", "", 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._note = ""
        self._draw()
        if self._terminal:
            print(file=self._file, flush=True)

    def show(self, done: int, *, before: int = 0, note: str = "") -> None:
        """Set the number of done items. Call it for each item: it is fast, because it draws only once per interval."""
        self._done, self._before, self._note = done, before, note
        if self._clock() - self._drawn >= self._every:
            self._draw()

    def tell(self, note: str) -> None:
        """Show a note at once, such as the reason for a wait. The note stays until the next `show`."""
        is_new, self._note = note not in {"", self._last_note}, note
        self._last_note = note or self._last_note
        if is_new or self._clock() - self._drawn >= self._every:
            self._draw()

    def _draw(self) -> None:
        self._drawn = self._clock()
        state = (self._done, self.total, self._drawn - self._began)
        if self._terminal:
            # The last column stays free, because some terminals wrap to the next line when it is filled.
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
