"""Winds of CORE2, six-hourly in January 1948, as the stress on a small ocean."""

import os
from pathlib import Path

import cftime
import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
from published import model_file

from ocean_gcm.config import load_config
from ocean_gcm.data.prepare import prepare
from ocean_gcm.data.recipe import recipe_from_dict
from ocean_gcm.forcing.build import build_forcing
from ocean_gcm.forcing.source import Start, dated_config, open_forcing
from ocean_gcm.grid.build import build_grid_from_config

DATA = os.environ.get("OCEAN_GCM_DATA")


@pytest.mark.skipif(not DATA, reason="needs the data directory OCEAN_GCM_DATA")
def test_winds_of_core2_are_a_window(tmp_path):
    path = model_file(tmp_path)
    source = {"path": str(Path(DATA) / "core2_t62_194801.nc"), "variables": {"uas": "uas", "vas": "vas"}}
    target = {"kind": "model", "config": path}
    prepare(recipe_from_dict({"name": "core2", "sources": [source], "target": target}), tmp_path / "winds.zarr")
    config = load_config(path)
    grid = build_grid_from_config(config.grid, config.bathymetry)
    date = cftime.datetime(1948, 1, 1, 6, calendar="noleap")
    start = Start(1947 * 365 * 86400 + 6 * 3600, date)
    source = open_forcing(
        dated_config(tmp_path / "winds.zarr"), build_forcing(config.surface, grid, equation_of_state="linear"), grid,
        equation_of_state="linear", calendar="noleap", starts=[start], length=18 * 3600, longest=6 * 3600,
        dtype=jnp.float32,
    )  # fmt: skip
    at = jax.jit(lambda forcing, second: forcing.at(jdt.Timedelta(jnp.int32(1947 * 365), second)))
    found = [at(source.over([start], h, h + 21600), jnp.int32(21600 + h)) for h in (0, 21600, 43200)]
    wet, east = grid.mask_u[0], np.mean([surface.stress_x for surface in found], 0)
    latitude = grid.geometry.y["U"]
    assert 0.02 < east[wet & (latitude < -40) & (latitude > -60)].mean() < 0.5  # westerlies of the Southern Ocean
    assert -0.2 < east[wet & (np.abs(latitude) < 30)].mean() < -0.01  # trade winds
