"""Runs of layers: output, bit-exact restarts, figures, and a sentence when they fail."""

import dataclasses
import os

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from layers_model import changed
from rich.console import Console

from ocean_gcm import build_model, cli
from ocean_gcm.config import config_from_dict
from ocean_gcm.data import restart
from ocean_gcm.errors import UserError
from ocean_gcm.simulate import simulate


def configuration(duration="P4D", **sections):
    return config_from_dict(changed(time={"duration": duration}, **sections))


@pytest.fixture(scope="module")
def model():
    return build_model(configuration())


@pytest.fixture(scope="module")
def reference(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("layers") / "reference"
    go(model, directory, configuration(), figures=True)
    return directory


def go(model, directory, config, **options):
    options = {"figures": False, "console": Console(file=open(os.devnull, "w")), **options}
    return simulate(config, directory, build=lambda _: model, **options)


def read(directory, store="output.zarr"):
    with xr.open_zarr(directory / store, chunks=None) as dataset:
        return dataset.load()


def test_run_in_two_parts_is_the_run_in_one(model, reference, tmp_path):
    go(model, tmp_path / "parts", configuration("PT36H"))
    go(model, tmp_path / "parts", configuration(), resume=True)
    for store in ("output.zarr", "snapshots.zarr"):
        xr.testing.assert_identical(read(tmp_path / "parts", store), read(reference, store))
    first, second = (restart.load_latest(d / "restarts") for d in (tmp_path / "parts", reference))
    assert set(first.state) >= {"ocean.potential_vorticity", "stepper.taken", "closures.stirring"}
    for name, array in first.state.items():
        np.testing.assert_array_equal(array, second.state[name], err_msg=name)


def test_output_is_what_the_model_steps_through(model, reference):
    found = read(reference)
    _, trajectory = model.unroll(model.initial_state(), steps=96, save_every=24)
    np.testing.assert_allclose(found.pv[1:], trajectory.states.ocean.potential_vorticity, rtol=1e-5, atol=1e-11)
    assert found.sizes == {**found.sizes, "time": 5, "lev": 2, "y": 16, "x": 16}
    assert {"psi", "uo", "vo", "kinetic_energy", "available_potential_energy", "enstrophy"} <= set(found)
    np.testing.assert_allclose(found.enstrophy[0], 0.5 * 1e-10 * 0.998, rtol=0.2)


def test_figures_and_commands(reference, capsys):
    assert {p.name for p in (reference / "figures").iterdir()} == {"pv.png", "spectra.png", "time_series.png"}
    assert cli.main(["plot", str(reference)]) == 0 and "pv.png" in capsys.readouterr().out
    assert cli.main(["simulate", str(reference), "--dry-run"]) == 0
    assert "16 x 16 x 2" in capsys.readouterr().out


def test_means_over_intervals(model, tmp_path):
    config = configuration("P1D", output={"kind": "mean"})
    go(model, tmp_path / "means", config)
    found = read(tmp_path / "means")
    _, trajectory = model.unroll(model.initial_state(), steps=24, save_every=1)
    mean = np.asarray(trajectory.states.ocean.potential_vorticity).mean(0)
    np.testing.assert_allclose(found.pv.values[0], mean, rtol=1e-5, atol=1e-11)
    assert "time_bnds" in found and found.pv.attrs["cell_methods"] == "time: mean"


def test_not_finite_state_stops_with_place_and_time(model, tmp_path):
    class Poisoned:
        def __getattr__(self, name):
            return getattr(model, name)

        def advance(self, state, forcing, steps):
            state, report = model.advance(state, forcing, steps=steps)
            if int(state.time.days) >= 1:
                q = state.ocean.potential_vorticity.at[1, 3, 2].set(jnp.nan)
                state = dataclasses.replace(state, ocean=dataclasses.replace(state.ocean, potential_vorticity=q))
            return state, report

    with pytest.raises(UserError) as caught:
        go(Poisoned(), tmp_path / "bad", configuration())
    for words in ("potential_vorticity became nan at layer 1", "x = 156.2 km, y = 218.8 km", "0001-01-02 00:00"):
        assert words in str(caught.value), str(caught.value)
