"""The subcommand `info` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import add_overrides, load, schema_of
from ocean_gcm.errors import UserError


def add_info(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    info = commands.add_parser("info", help="show what a configuration amounts to")
    info.add_argument("experiment", metavar="CONFIG", nargs="?", help="YAML file or run directory")
    add_overrides(info)
    info.add_argument("--schema", action="store_true", help="print the JSON schema of its core instead")
    info.set_defaults(run=_info)


def _info(parsed: argparse.Namespace) -> int:
    if parsed.schema:
        from ocean_gcm.config import Config

        kind = Config if parsed.experiment is None else type(load(parsed.experiment, parsed.overrides)[0])
        print(schema_of(kind))
        return 0
    if parsed.experiment is None:
        raise UserError("info needs a configuration, for instance ocean-gcm info configs/global_4deg.yaml")
    from rich.console import Console

    from ocean_gcm.info import show

    config, _ = load(parsed.experiment, parsed.overrides)
    show(config, Console())
    return 0
