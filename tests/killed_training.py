"""A training that ends by SIGKILL: `python killed_training.py CONFIG RUN HOW`, in a process of its own.

HOW is `never`, `slowly` (something else kills it; each iteration takes a while), or `save N` (it kills itself while the
checkpoint of iteration N is complete but for its name).
"""

import os
import signal
import sys
import time
from pathlib import Path

import jax

from train import program
from train.config import load_train_config


def main(config: str, directory: str, how: str, iteration: str = "") -> None:
    if how == "slowly":
        write = program.JsonLines.write

        def slow(self, line):
            time.sleep(0.2)
            write(self, line)

        program.JsonLines.write = slow
    if how == "save":
        rename = os.rename

        def kill(source, target, **options):
            if Path(target).name == f"{int(iteration):012d}":
                os.kill(os.getpid(), signal.SIGKILL)
            rename(source, target, **options)

        os.rename = kill
    program.train(load_train_config(config), config, directory, resume=Path(directory).exists())


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main(*sys.argv[1:])
