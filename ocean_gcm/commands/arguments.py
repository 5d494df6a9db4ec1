"""What several subcommands take: an experiment, changes of it, what becomes of a store that is there."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from ocean_gcm.errors import UserError


def add_overrides(parser: argparse.ArgumentParser, text: str = "for example grid.nx=60") -> None:
    """The option --set."""
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help=text)


BASE = {"base": {"type": "string", "description": "YAML file that this one begins with (sections may have one, too)"}}
"""The key that is gone when a file has been read."""


class PrintSchema(argparse.Action):
    """An option such as --version: prints the JSON schema of a section and ends the program."""

    def __init__(self, option_strings, dest, kind: Callable[[], type], **settings):
        super().__init__(option_strings, dest, nargs=0, **settings)
        self.kind = kind

    def __call__(self, parser, namespace, values, option_string=None):
        print(schema_of(self.kind()))
        parser.exit()


def schema_of(kind: type) -> str:
    """The JSON schema of a file that holds a section, with the key `base`."""
    schema = kind.model_json_schema()
    schema["properties"] = BASE | schema["properties"]
    return json.dumps(schema, indent=2)


def add_store_mode(parser: argparse.ArgumentParser) -> None:
    """The options --resume and --overwrite of what writes a store."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--resume", action="store_true", help="go on with the store that is there")
    mode.add_argument("--overwrite", action="store_true", help="replace the store that is there")


def load(experiment: str, overrides: Sequence[str]):
    """(configuration, run directory or None) of a file or of a run directory."""
    from ocean_gcm.config import load_config
    from ocean_gcm.run_directory import RunDirectory
    from ocean_gcm.weights import find, load_model_config

    path = Path(experiment)
    if (path.is_dir() and find(path)) or "://" in experiment:
        # a trained model: the run gets a directory of its own
        return load_model_config(experiment, overrides), None
    if not path.is_dir():
        return load_config(path, overrides), None
    run = RunDirectory(path)
    if not run.config.exists():
        raise UserError(f"{path} is a directory without config.yaml; expected a YAML file or the directory of a run")
    return load_config(run.config, overrides), path


def load_ocean(experiment: str, overrides: Sequence[str], what: str):
    """The configuration of a file or run directory, which must be one with the finite-volume core."""
    from ocean_gcm.config import require_ocean

    return require_ocean(load(experiment, overrides)[0], what)
