"""Mistakes that a user can mend, and how a program ends after one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

_MISTAKE = 2
INTERRUPTED = 130
"""What a shell reports after Ctrl-C."""


class UserError(ValueError):
    """One clear sentence: the key, file or variable, the value found, and what was expected."""


def exit_code(run: Callable[[], int | None], program: str, *, stopped: str = "stopped") -> int:
    """The exit code of a program that does `run`: its own (None is 0), 2 after a `UserError`, 130 after Ctrl-C.

    The sentence of the error, or `stopped`, goes to the standard error behind the name of the program.
    """
    try:
        return run() or 0
    except UserError as error:
        print(f"{program}: {' '.join(str(error).split())}", file=sys.stderr)
        return _MISTAKE
    except KeyboardInterrupt:
        print(f"{program}: {stopped}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of a pipe (head, less) has gone: nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
