"""A training that ends by SIGKILL: `python killed_training.py CONFIG RUN HOW`, in a process of its own.

HOW is `never`, `wait N` (it stops amid of iteration N, once there is a checkpoint after iteration 2, and waits to be
killed; the file `waiting` in RUN says so), or `save N` (it kills itself while the checkpoint of iteration N is complete
but for its name).
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
    if how == "wait":
        write, saved = program.JsonLines.write, Path(directory) / "checkpoints" / f"{2:012d}"

        def wait(self, line):
            while line["iteration"] == int(iteration):
                if saved.exists():
                    (Path(directory) / "waiting").touch()
                time.sleep(0.01)
            write(self, line)

        program.JsonLines.write = wait
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
