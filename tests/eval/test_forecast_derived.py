"""Currents and mixed layers that are made of other variables, on both sides alike."""

import numpy as np
import pytest
import xarray as xr
import yaml

from eval.forecast.derived import coriolis_of, with_derived
from ocean_gcm.errors import UserError
from ocean_gcm.metrics.geostrophy import GRAVITY


@pytest.fixture
def plane():
    """A slope of 1e-6 along y, growing with the record, on a beta plane; its temperature falls by steps."""
    y, x = 1e4 * (np.arange(4) + 0.5), 1e4 * (np.arange(5) + 0.5)
    time = np.arange(3)
    zos = (1 + time)[:, None, None] * 1e-6 * y[:, None] * np.ones((3, 4, 5))
    temperature = np.broadcast_to(np.array([20.0, 20.0, 10.0])[:, None, None], (3, 3, 4, 5))
    return xr.Dataset(
        {
            "zos": (("time", "y", "x"), zos),
            "thetao": (("time", "lev", "y", "x"), temperature),
            "so": (("time", "lev", "y", "x"), np.full((3, 3, 4, 5), 35.0)),
        },
        {"time": time, "y": y, "x": x, "lev": [5.0, 25.0, 75.0]},
        {"configuration": yaml.safe_dump({"grid": {"f0": 1e-4, "beta": 2e-9}})},
    )


def test_geostrophic_currents_on_a_plane(plane):
    assert coriolis_of(plane) == (1e-4, 2e-9) and coriolis_of(xr.Dataset()) is None
    found = with_derived(plane, ["ugos", "vgos"], "data", plane)
    expected = -GRAVITY / (1e-4 + 2e-9 * plane.y.values) * 1e-6
    np.testing.assert_allclose(found.ugos.isel(time=1).values, 2 * expected[:, None] * np.ones(5), rtol=1e-5)
    np.testing.assert_allclose(found.vgos.values, 0.0, atol=1e-9)
    assert found.ugos.dims == plane.zos.dims and found.ugos.attrs["units"] == "m s-1"
    assert found.ugos.chunks is not None  # nothing was computed yet


def test_mixed_layer_depth(plane):
    found = with_derived(plane, ["mlotst"], "data", plane).mlotst
    assert found.dims == ("time", "y", "x")
    values = found.values
    assert ((values > 25.0) & (values < 27.0)).all()  # 0.03 of the 1.8 kg m-3 between 25 and 75 m


def test_what_cannot_be_derived(plane):
    with pytest.raises(UserError, match="--derived has 'ssh'; expected ugos, vgos, mlotst"):
        with_derived(plane, ["ssh"], "data", plane)
    with pytest.raises(UserError, match="data has no variable zos; ugos of --derived is made of it"):
        with_derived(plane.drop_vars("zos"), ["ugos"], "data", plane)
    with pytest.raises(UserError, match="the truth lies on a plane and names no f0"):
        with_derived(plane, ["vgos"], "data", plane.drop_attrs(deep=False))
