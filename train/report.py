"""How a training goes: a bar in a terminal or now and then a line, JSON lines, events of TensorBoard."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from ocean_gcm.progress import Display, clock
from train.config import StageConfig


class JsonLines:
    """A file with one JSON object a line, each with the key iteration."""

    def __init__(self, path: Path, iteration: int):
        """Keep the lines up to `iteration`: later ones come again."""
        self._path = Path(path)
        kept = [line for line in self._lines() if line["iteration"] <= iteration]
        draft = self._path.with_name(f".{self._path.name}.part")
        draft.write_text("".join(json.dumps(line) + "\n" for line in kept))
        draft.replace(self._path)

    def _lines(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        lines = []
        for line in self._path.read_text().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:  # cut off by the end of a process
                break
        return lines

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line; what is not finite becomes null."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(_finite(line), allow_nan=False) + "\n")


class TensorBoard:
    """Numbers for TensorBoard; nothing where tensorboardX (extra `train`) is not installed."""

    def __init__(self, directory: Path, iteration: int):
        """Events after `iteration` that are there already are void: they come again."""
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            self._writer = None
        else:
            self._writer = SummaryWriter(str(directory), purge_step=iteration + 1, filename_suffix=f".{iteration}")

    def write(self, iteration: int, numbers: Mapping[str, float]) -> None:
        if self._writer is not None:
            for name, number in numbers.items():
                self._writer.add_scalar(name, number, iteration)

    def flush(self) -> None:
        """Until all is in the file."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


class Nothing:
    """A report that is not written: in all processes of a training but one."""

    def write(self, *report: Any) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class Bar(Display):
    """Iterations, loss and time left; a context manager.

    The time left counts what iterations of the present stage take, without compiling, and of later ones in proportion
    to what they cost.
    """

    def __init__(self, console: Console, first: int, stages: Sequence[StageConfig]):
        columns = (TextColumn("stage {task.fields[stage]}"), BarColumn(), MofNCompleteColumn())
        columns += (TextColumn("loss {task.fields[loss]}  {task.fields[left]} left"),)
        self._stages = stages
        self._measured, self._spent, self._iterations = None, 0.0, 0  # the stage, its seconds and its iterations
        self._pace = math.nan  # seconds per unit of cost
        self._before: float | None = None
        super().__init__(console, columns, first, sum(s.iterations for s in stages), stage=0, loss="", left="unknown")

    def update(self, iteration: int, stage: int, loss: float) -> None:
        """Called after each iteration with the number of those done."""
        self._measure(stage)
        remaining = self._pace * self._cost_after(iteration)
        left = clock(remaining) if math.isfinite(remaining) else "unknown"
        if self._bar is not None:
            self._bar.update(self._task, completed=iteration, stage=stage, loss=f"{loss:.4g}", left=left)
        elif self._line_is_due() or iteration == self._total:
            speed = f"{self._iterations / self._spent:.3g} per second  " if self._iterations and self._spent else ""
            self._console.print(
                f"iteration {iteration} of {self._total}  stage {stage}  loss {loss:.4g}  {speed}{left} left",
                highlight=False,
            )

    def compiling(self, stage: int) -> None:
        """Called before the first iteration of a stage, which takes long."""
        self._before = None
        if self._bar is not None:
            self._bar.update(self._task, stage=stage, loss="compiling")
        else:
            self._console.print(f"stage {stage}  compiling", highlight=False)

    def _measure(self, stage: int) -> None:
        """Count the time since the last iteration, unless the program of this one was compiled in between."""
        if stage != self._measured:
            self._measured, self._spent, self._iterations = stage, 0.0, 0
        now, before = time.monotonic(), self._before
        self._before = now
        if before is not None:
            self._spent, self._iterations = self._spent + now - before, self._iterations + 1
            self._pace = self._spent / self._iterations / self._stages[stage].cost

    def _cost_after(self, iteration: int) -> float:
        total, end = 0.0, 0
        for stage in self._stages:
            end += stage.iterations
            total += stage.cost * min(max(end - iteration, 0), stage.iterations)
        return total


def _finite(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _finite(below) for key, below in tree.items()}
    if isinstance(tree, list | tuple):
        return [_finite(below) for below in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree
