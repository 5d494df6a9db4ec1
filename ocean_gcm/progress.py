"""How far a simulation is: a bar in a terminal, now and then a line elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 30.0


class Display:
    """A bar in a terminal, otherwise a line that is due every half minute; a context manager."""

    def __init__(self, console: Console, columns: tuple, first: int, total: int, **fields: Any):
        self._console, self._first, self._total = console, first, total
        self._begin = self._last_line = time.monotonic()
        self._bar = Progress(*columns, console=console) if console.is_terminal else None
        if self._bar is not None:
            self._task = self._bar.add_task("", total=total, completed=first, **fields)

    def __enter__(self):
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *exception) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _rate(self, done: int) -> float:
        """Pieces per second since the beginning."""
        return (done - self._first) / max(time.monotonic() - self._begin, 1e-6)

    def _line_is_due(self) -> bool:
        now = time.monotonic()
        due = now - self._last_line >= _SECONDS_BETWEEN_LINES
        if due:
            self._last_line = now
        return due


class ProgressReport(Display):
    """Shows simulated time, simulated years per day and the time left; a context manager."""

    def __init__(self, console: Console, time_config: Any, first: int, total: int):
        self._time = time_config
        columns = (
            TextColumn("{task.fields[date]}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}% {task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        super().__init__(console, columns, first, total, date=self._date(first), speed="")

    def update(self, step: int) -> None:
        """Called after each piece of the run with the number of steps done."""
        rate = self._rate(step)
        years_per_day = rate * self._time.step_seconds / self._time.seconds_per_year * 86400.0
        speed = f"{years_per_day:,.3g} simulated years per day"
        if self._bar is not None:
            self._bar.update(self._task, completed=step, date=self._date(step), speed=speed)
        elif self._line_is_due():
            left = (self._total - step) / rate if rate > 0 else float("nan")
            percent = 100.0 * step / self._total
            self._console.print(f"{self._date(step)}  {percent:.1f}%  {speed}  {clock(left)} left", highlight=False)

    def _date(self, step: int) -> str:
        return f"{self._time.date(step * self._time.step_seconds):%Y-%m-%d}"


class PieceReport(Display):
    """Shows how many equal pieces of work are done, where the work is, and the time left; a context manager."""

    def __init__(self, console: Console, total: int, what: str, first: int = 0):
        self._what, self._done = what, first
        columns = (
            TextColumn("{task.completed:.0f} of {task.total:.0f} " + what + "{task.fields[place]}"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        super().__init__(console, columns, first, total, place="")

    def advance(self) -> None:
        """Called after each piece."""
        self.update(self._done + 1)

    def update(self, done: int, place: str = "") -> None:
        """Called with the number of pieces done; `place` tells the reader where that is."""
        self._done, place = done, place and f", {place}"
        if self._bar is not None:
            self._bar.update(self._task, completed=done, place=place)
        elif self._line_is_due():
            rate = self._rate(done)
            left = clock((self._total - done) / rate) if rate > 0 else "unknown"
            text = f"{done} of {self._total} {self._what}{place}  {left} left"
            self._console.print(text, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def piece_report(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """update(done, total) of a `PieceReport` whose pieces are not known before its first call."""
    with contextlib.ExitStack() as stack:
        begun: list[PieceReport] = []

        def update(done: int, total: int) -> None:
            if not begun:
                begun.append(stack.enter_context(PieceReport(console, total, what, done)))
            begun[0].update(done)

        yield update


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: 0:01:30."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
