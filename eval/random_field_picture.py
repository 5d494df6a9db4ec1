"""A random field on the masked sphere and the correlation of one of its points, for the documentation.

python -m eval.random_field_picture configs/global_4deg.yaml --picture docs/images/random_field.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import colormaps

from ocean_gcm.config import load_config
from ocean_gcm.figures import maps, style
from ocean_gcm.grid.build import build_grid_from_config
from ocean_gcm.grid.metrics import device_arrays, padded
from ocean_gcm.stochastic.random_field import RandomFields, RandomFieldsConfig


def nearest_wet_cell(grid, longitude: float, latitude: float) -> tuple[int, int]:
    """(j, i) of the wet cell nearest to a place in degrees."""
    x, y = (np.radians(c["T"]) for c in (grid.geometry.x, grid.geometry.y))
    lon, lat = np.radians(longitude), np.radians(latitude)
    cosine = np.sin(y) * np.sin(lat) + np.cos(y) * np.cos(lat) * np.cos(x - lon)
    return np.unravel_index(np.argmax(np.where(grid.wet, cosine, -2.0)), grid.wet.shape)


def field_and_correlation(grid, length: float, cell: tuple[int, int], seed: int = 0):
    """One field, and the exact correlation of `cell` with every cell, (ny, nx) each."""
    fields = RandomFields(RandomFieldsConfig(length=length), grid, jnp.float32)
    size = grid.wet.size
    static = padded(device_arrays(grid, jnp.float32), grid.topology, 3)
    sheets = jax.jit(lambda w: fields.fields(static, w).interior(*grid.wet.shape))
    field = sheets(fields.initial(jax.random.key(seed)))[0]
    units = jnp.eye(size, dtype=jnp.float32).reshape(size, *grid.wet.shape)
    root = np.asarray(sheets(units)).reshape(size, size)  # row y: what a unit of noise in y makes everywhere
    return np.asarray(field), (root.T @ root[:, cell[0] * grid.wet.shape[1] + cell[1]]).reshape(grid.wet.shape)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--length", type=float, default=1e6, help="correlation length in m")
    parser.add_argument("--place", type=float, nargs=2, default=(-92.0, 10.0), help="longitude and latitude in degrees")
    parser.add_argument("--picture", type=Path, required=True)
    options = parser.parse_args(arguments)
    config = load_config(options.config)
    grid = build_grid_from_config(config.grid, config.bathymetry)
    cell = nearest_wet_cell(grid, *options.place)
    field, correlation = field_and_correlation(grid, options.length, cell)
    frame = maps.frame_of(grid)
    with style.look():
        figure, axes = style.new_figure(11.0, 3.2, 1, 2)
        axes = np.ravel(axes)
        panels = (
            (field, np.linspace(-3, 3, 13), colormaps["RdBu_r"], f"r, L = {options.length / 1e3:.0f} km"),
            (correlation, np.linspace(0, 1, 11), colormaps["magma_r"], "correlation with the point"),
        )
        for axis, (values, boundaries, colours, label) in zip(axes, panels, strict=True):
            mesh = maps.draw_map(axis, frame, values, boundaries, colours)
            style.colour_bar(mesh, axis, label)
        x, y = (0.5 * (edges[1:] + edges[:-1]) for edges in (frame.x_edges, frame.y_edges))
        axes[1].plot(x[(cell[1] - frame.shift) % len(x)], y[cell[0]], "+", color="white", markersize=9, zorder=5)
        style.save(figure, options.picture)


if __name__ == "__main__":
    main()
