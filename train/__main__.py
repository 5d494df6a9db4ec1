"""The command `python -m train CONFIG --output RUN`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ocean_gcm.commands.arguments import PrintSchema, add_overrides
from ocean_gcm.errors import exit_code


def main(arguments: Sequence[str] | None = None) -> int:
    """Train; the exit code is 0, 2 after a user's mistake, 130 after an interruption."""
    parser = argparse.ArgumentParser(prog="python -m train", description="Train what a model may learn.")
    parser.add_argument("config", metavar="CONFIG", help="YAML file, such as configs/train/gyre_recovery.yaml")
    parser.add_argument("--output", required=True, metavar="RUN", help="directory of the training run")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the directory")
    parser.add_argument("--dry-run", action="store_true", help="check everything that is cheap, write nothing")
    parser.add_argument("--distributed", action="store_true", help="one of several processes, see docs/clusters.md")
    parser.add_argument("--schema", action=PrintSchema, kind=_kind, help="print the JSON schema of such files and end")
    add_overrides(parser, "for example stages.0.iterations=10 or model.grid.nx=60")

    def run() -> None:
        parsed = parser.parse_args(arguments)
        if parsed.distributed:
            from train.processes import join

            join()
        from train.config import load_train_config
        from train.program import check, train

        config = load_train_config(parsed.config, parsed.overrides)
        if parsed.dry_run:
            print(check(config, parsed.config))
        else:
            train(config, parsed.config, parsed.output, resume=parsed.resume)

    return exit_code(run, "train", stopped="stopped; --resume goes on from the last checkpoint")


def _kind() -> type:
    from train.config import TrainConfig

    return TrainConfig


if __name__ == "__main__":
    sys.exit(main())
