"""The subcommands `data prepare` and `data check` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import PrintSchema, add_overrides


def add_data(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    data = commands.add_parser("data", help="published data by recipes", description="Published data by recipes.")
    data.add_argument("--schema", action=PrintSchema, kind=_kind, help="print the JSON schema of recipes and end")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    prepare = actions.add_parser("prepare", help="read, check and regrid data, write them to one Zarr store")
    prepare.add_argument("recipe", metavar="RECIPE", help="YAML file, see configs/data")
    prepare.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    prepare.add_argument("--overwrite", action="store_true", help="replace the store, and begin anew")
    add_overrides(prepare)
    prepare.set_defaults(run=_prepare)
    check = actions.add_parser("check", help="open and check the data of a recipe, read one record, write nothing")
    check.add_argument("recipe", metavar="RECIPE", help="YAML file, see configs/data")
    add_overrides(check)
    check.set_defaults(run=_check)


def _kind() -> type:
    from ocean_gcm.data.recipe import Recipe

    return Recipe


def _prepare(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from ocean_gcm.data.prepare import prepare
    from ocean_gcm.data.recipe import load_recipe
    from ocean_gcm.progress import piece_report

    console = Console()
    recipe = load_recipe(parsed.recipe, parsed.overrides)
    with piece_report(console, f"records of {recipe.name}") as progress:
        made = prepare(recipe, parsed.output, overwrite=parsed.overwrite, progress=progress, say=console.print)
    print(f"{parsed.output}: {made['records']} records")
    return 0


def _check(parsed: argparse.Namespace) -> int:
    from rich.console import Console

    from ocean_gcm.data.recipe import load_recipe
    from ocean_gcm.data.survey import show, survey

    show(survey(load_recipe(parsed.recipe, parsed.overrides)), Console())
    return 0
