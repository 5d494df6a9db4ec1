"""What is kept: as simulations write it, or on other grids."""

import copy

import jax
import numpy as np
import pytest
from encoding_cases import SMALL

from ocean_gcm.config import config_from_dict
from ocean_gcm.data import output
from ocean_gcm.encoding.decoder import Decoder
from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.fields import kept_fields
from ocean_gcm.forecasts.target import build_target
from ocean_gcm.state import Ocean


class Described:
    """A model as far as its fields go: of the grid of `model`, with another equation of state."""

    def __init__(self, model, kind):
        self.grid = model.grid
        self.config = config_from_dict({**copy.deepcopy(SMALL), "dynamics": {"equation_of_state": {"kind": kind}}})


@pytest.mark.parametrize("kind", ["linear", "teos10"])
def test_variables_are_those_that_simulations_write(model, states, kind):
    described = Described(model, kind)
    names = ["thetao", "so", "uo", "vo", "zos", "tos", "wo", "mlotst", "msftbarot"]
    expected = output.record(model.grid, described.config, states, names)
    kept = kept_fields(described, variables=names)
    found = kept.on_host({name: states[name] for name in kept.on_device.names})
    for name in names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    surface = kept_fields(described, variables=["tos", "zos"])
    np.testing.assert_array_equal(
        surface.on_host({name: states[name] for name in surface.on_device.names})["tos"], expected["tos"]
    )
    some = kept_fields(described, variables=["thetao", "wo"], depth=500.0)
    found = some.on_host({name: states[name] for name in some.on_device.names})
    np.testing.assert_array_equal(found["wo"], expected["wo"][:, :3])
    assert some.layout.thetao.shape == found["thetao"].shape[1:] and some.layout.sizes["lev"] == 3


def test_another_grid_has_all_variables_at_the_same_points(model, states):
    decoder = build_target("30deg", model)
    kept = kept_fields(model, decoder=decoder, levels=[0])
    fields = {name: array[:2] for name, array in states.items()}
    decoded = jax.jit(lambda pick, ocean: pick(ocean))(kept.on_device, Ocean(**fields, tracers={}))
    found = kept.on_host(decoded)
    assert {a.shape for n, a in found.items() if n != "zos"} == {(2, 1, 6, 12)} and found["zos"].shape == (2, 6, 12)
    assert kept.layout.uo.dims == kept.layout.thetao.dims == ("depth", "lat", "lon")
    np.testing.assert_array_equal(kept.layout.lon, np.arange(12) * 30.0 + 15)
    expected = decoder.described(decoded, ("member",))
    np.testing.assert_array_equal(found["thetao"], expected.thetao[:, :1])
    assert np.isfinite(found["thetao"]).any() and np.nanmax(found["thetao"]) < 25


def test_grids_of_files(model, tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("longitude: {first: 10, last: 350, step: 20}\nlatitude: [-30, 0, 30]\n")
    decoder = build_target(path, model)
    assert isinstance(decoder, Decoder) and [len(a) for a in decoder.axes] == [4, 3, 18]
    for text, words in (
        ("longitude: {first: 10, last: 355, step: 20}\nlatitude: [0, 1]", "whole number of steps"),
        ("latitude: [0, 1]", "longitude"),
        ("longitude: [0, 10]\nlatitude: [10, 0]", "expected ascending"),
        ("longitude: [0, 10]\nlatitude: [0, 1]\nheight: 3", "height"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=words):
            build_target(path, model)
