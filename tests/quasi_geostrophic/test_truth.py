"""The command that writes truths of layers: what it writes, and that it goes on where it was stopped."""

import json

import jax
import numpy as np
import pytest
import xarray as xr
import yaml
from layers_model import TREE, changed

import ocean_gcm as og
from ocean_gcm.cli import main
from ocean_gcm.config import config_from_dict
from ocean_gcm.exclusive import exclusive
from ocean_gcm.quasi_geostrophic import truth


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("truth") / "fine.yaml"
    tree = changed(precision="float32") | {"closures": {}, "forcing": {}}
    path.write_text(yaml.safe_dump(tree))
    return path, tree


def write(path, target, *more, trajectories=2):
    arguments = [str(path), "--grid", "8", "--steps", "6", "--save-every", "2", "--spin-up", "3", "--seed", "7"]
    return main(["truth", *arguments, "--trajectories", str(trajectories), "--source", "--output", str(target), *more])


def test_store_has_the_states_of_the_fine_model(config, tmp_path, capsys, monkeypatch):
    path, tree = config
    target = tmp_path / "truth.zarr"
    monkeypatch.setattr(truth, "_WORKING_BYTES", 3 * 8 * 2 * 8 * 8)  # pieces of three records, of which there are four
    assert write(path, target) == 0
    with xr.open_zarr(target) as found:
        assert found.pv.dims == ("trajectory", "time", "layer", "y", "x") and found.pv.shape == (2, 4, 2, 8, 8)
        np.testing.assert_array_equal(found.time, [0, 7200, 14400, 21600])
        assert found.pv.dtype == np.float32 and found.pv_subgrid_source.attrs["units"] == "s-2"
        assert found.attrs["time_step"] == 3600 and json.loads(found.attrs["operator"]) == {"kind": "cutoff"}
        model = og.build_model(config_from_dict(tree))
        q = model.config.initial.potential_vorticity(model.grid, 8)
        state = model.initial_state(jax.random.key(8), fields={"potential_vorticity": q})
        end = np.asarray(model.unroll(state, steps=9, save_every=1)[1].states.ocean.potential_vorticity)[-1]
        spectrum = np.fft.rfft2(end)[:, [0, 1, 2, 3, -3, -2, -1], :4] / 4
        kept = np.fft.rfft2(found.pv.values[1, -1])[:, [0, 1, 2, 3, -3, -2, -1], :4]
        resolved = np.abs(kept) > 1e-3 * np.abs(kept).max()
        assert resolved.sum() > 10
        np.testing.assert_allclose(np.abs(kept)[resolved], np.abs(spectrum)[resolved], rtol=1e-3)
        whole = found.load()
    # a truth goes on from the last records of another
    further = tmp_path / "further.zarr"
    begin = [
        str(path),
        "--grid",
        "16",
        "--initial",
        str(target),
        "--seed",
        "1",
        "--steps",
        "1",
        "--output",
        str(further),
    ]
    assert main(["truth", *begin, "--trajectories", "2"]) == 2
    assert "initial states 1 to 2; there are 2" in capsys.readouterr().err
    assert main(["truth", *begin, "--trajectories", "1"]) == 0
    with xr.open_zarr(further) as found:
        start = np.fft.rfft2(found.pv.values[0, 0])[:, [0, 1, 2, 3, -3, -2, -1], :4] / 4
        np.testing.assert_allclose(np.abs(start)[resolved], np.abs(kept)[resolved], rtol=1e-3)
    # a store with one trajectory goes on to the same
    part = tmp_path / "part.zarr"
    assert write(path, part, trajectories=1) == 0
    assert write(path, part) == 2 and "exists; --resume goes on" in capsys.readouterr().err
    with exclusive(tmp_path / ".part.zarr.lock", "it"):
        assert write(path, part, "--resume") == 2 and "is writing to the truth" in capsys.readouterr().err
    assert write(path, part, "--resume") == 0
    with xr.open_zarr(part) as found:
        xr.testing.assert_equal(found.load(), whole)
    assert write(path, part, "--resume", "--operator", "gaussian") == 2
    assert "belongs to another configuration" in capsys.readouterr().err


def test_mistakes_are_one_sentence(config, tmp_path, capsys):
    path, _ = config
    assert write(path, tmp_path / "t.zarr", "--save-every", "4") == 2
    assert "expected a divisor of --steps = 6" in capsys.readouterr().err
    ocean = tmp_path / "ocean.yaml"
    ocean.write_text(yaml.safe_dump({**TREE, "closures": {}, "forcing": {}, "grid": {"nx": 16, "length_x": 1e5}}))
    assert main(["truth", str(path), "--coarse", str(ocean), "--trajectories", "1", "--output", "x.zarr"]) == 2
    assert "expected those of the fine one" in capsys.readouterr().err
