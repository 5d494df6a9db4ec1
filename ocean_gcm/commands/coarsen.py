"""The subcommand `coarsen` of `ocean-gcm`."""

from __future__ import annotations

import argparse
from typing import Any

from ocean_gcm.commands.arguments import load_ocean


def add_coarsen(commands: Any) -> None:
    """Add the subcommand to the subparsers `commands`."""
    text = "Conservative means of a fine run on the grid of a coarse model, as the truth to train it with."
    coarsen = commands.add_parser("coarsen", help="turn a fine run into a coarse truth", description=text)
    coarsen.add_argument("run_data", metavar="RUN", help="run directory, or a Zarr or NetCDF of the form of its output")
    coarsen.add_argument("--factor", type=int, required=True, metavar="N", help="cells of a block along x and along y")
    coarsen.add_argument("--levels", type=int, default=1, metavar="N", help="layers that become one (default 1)")
    coarsen.add_argument("--output", required=True, metavar="ZARR", help="store to write")
    coarsen.add_argument(
        "--variables", nargs="+", metavar="NAME", help="CF names to write (default: those of the run that exist)"
    )
    coarsen.add_argument(
        "--config", metavar="CONFIG", help="configuration of the coarse model, which must have the grid of the blocks"
    )
    coarsen.add_argument(
        "--wet-fraction", type=float, default=0.5, metavar="F", help="least water of a wet block (default 0.5)"
    )
    coarsen.add_argument("--overwrite", action="store_true", help="replace the store")
    coarsen.set_defaults(run=_coarsen)


def _coarsen(parsed: argparse.Namespace) -> int:
    from rich.progress import Progress

    from ocean_gcm.data.coarsen import coarsen

    config = None if parsed.config is None else load_ocean(parsed.config, [], "coarsen")
    with Progress(transient=True) as bar:
        task = bar.add_task("coarsening", total=None)
        made = coarsen(
            parsed.run_data,
            parsed.output,
            parsed.factor,
            layers=parsed.levels,
            wet_fraction=parsed.wet_fraction,
            variables=parsed.variables,
            config=config,
            overwrite=parsed.overwrite,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    nz, ny, nx = made["shape"]
    print(f"{parsed.output}: {made['records']} records of {nx} x {ny} x {nz} cells")
    if made["lost_volume"] > 0:
        print(f"{100 * made['lost_volume']:.2g}% of the volume of the run lies in land of the coarse grid and is lost")
    return 0
