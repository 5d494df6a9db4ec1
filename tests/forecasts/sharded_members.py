"""Run by test_forecast.py with two simulated devices: prints "equal" if they make the members that one makes.

The argument is "ocean" or "layers"; of these they share the trajectories of truths, too.
"""

import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
import pydantic
import xarray as xr
from dated_stores import dated
from layers_model import build
from tiny_run import TREE

import ocean_gcm as og
from ocean_gcm.config import config_from_dict
from ocean_gcm.data import output
from ocean_gcm.quasi_geostrophic import truth
from ocean_gcm.quasi_geostrophic.coarsening import OperatorConfig


def of_layers(directory):
    model = build(precision="float32")
    _, saved = model.unroll(model.initial_state(), steps=2, save_every=1)
    model.to_xarray(saved).to_zarr(directory / "run.zarr")

    def run(devices):
        options = {
            "start": "0001-01-01T01:00",
            "members": 3,
            "lead": "PT2H",
            "save": "PT1H",
            "variables": ["pv", "psi"],
        }
        path = directory / f"layers-{devices}.zarr"
        return og.forecast(model, directory / "run.zarr", path, **options, devices=jax.devices()[:devices]).load()

    one, two = run(1), run(2)
    for name in ("pv", "psi"):
        assert float(one[name].std("member").max()) > 0, name
        scale = float(abs(one[name]).max())
        np.testing.assert_allclose(two[name], one[name], rtol=0, atol=1e-6 * scale, err_msg=name)

    # the third trajectory of a truth has a device alone
    sampling = truth.Sampling(trajectories=3, steps=2, save_every=2)
    cutoff = pydantic.TypeAdapter(OperatorConfig).validate_python({"kind": "cutoff"})
    truth.write_truth(model.config, model.config, cutoff, sampling, directory / "truth.zarr")
    with xr.open_zarr(directory / "truth.zarr", consolidated=False) as found:
        for seed in range(3):
            q = model.config.initial.potential_vorticity(model.grid, seed)
            state = model.initial_state(jax.random.key(seed), fields={"potential_vorticity": q})
            end = np.asarray(model.unroll(state, steps=2)[0].ocean.potential_vorticity)
            np.testing.assert_allclose(found.pv[seed, -1], end, rtol=0, atol=1e-6 * np.abs(end).max())


def of_ocean(directory):
    model = og.build_model(config_from_dict(TREE))
    fields = output.fields_of(model.initial_state().ocean)
    states = {name: np.stack([array, array]) for name, array in fields.items()}
    output.dataset_from_fields(model.grid, model.config, states, np.array([0.0, 86400.0])).to_zarr(directory / "s.zarr")

    east = 0.1 * np.arange(5)[:, None, None] * np.ones(model.grid.wet.shape)
    winds = dated(model.grid, model.config, {"tauuo": east, "tauvo": east}, np.arange(0, 60, 12))
    winds.to_zarr(directory / "winds.zarr")

    def run(devices, chunk):
        made = og.forecast(
            model, directory / "s.zarr", directory / f"{devices}-{chunk}.zarr", start="0001-01-01", every="P1D",
            count=2, members=3, lead="P1D", forcing=directory / "winds.zarr", devices=jax.devices()[:devices],
            chunk=chunk,
        )  # fmt: skip
        return made.load()

    # of the three members of each start two run at once, then one and what fills it up; or two starts at once
    one, two, together = run(1, None), run(2, 2), run(2, 6)
    for name in ("thetao", "so", "uo", "vo", "zos"):
        assert float(one[name].std("member").max()) > 0, name
        for other in (two, together):
            np.testing.assert_allclose(other[name], one[name], rtol=1e-6, atol=1e-9, err_msg=name)
    assert float(abs(one.uo[1] - one.uo[0]).max()) > 1e-3  # windows of their own


if __name__ == "__main__":
    jax.config.update("jax_disable_most_optimizations", True)  # compiles faster
    assert jax.device_count() == 2, jax.devices()
    with tempfile.TemporaryDirectory() as directory:
        {"ocean": of_ocean, "layers": of_layers}[sys.argv[1]](Path(directory))
    print("equal")
