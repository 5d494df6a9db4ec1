"""Spectra and drifters of forecasts, and where values are."""

import types

import numpy as np
import pytest
import xarray as xr

from eval.forecast.flow import TRUTH, Frame, evaluate_flow, rows
from eval.forecast.geometry import interior, place_of, regions_of
from eval.forecast.plan import DAY
from eval.forecast.tables import Confidence
from ocean_gcm.errors import UserError

NX, NY = 16, 12
LEADS = np.array([1, 2, 4]) * DAY


def axes():
    x, y = 2e4 * (np.arange(NX) + 0.5), 2e4 * (np.arange(NY) + 0.5)
    return {"x": x, "y": y, "x_u": x + 1e4, "y_v": y + 1e4}


@pytest.fixture(scope="module")
def gyre():
    """A rotation in a closed basin on a C-grid, walls as land."""
    c = axes()
    psi = lambda x, y: 2e3 * np.sin(np.pi * x / (2e4 * NX)) * np.sin(np.pi * y / (2e4 * NY))  # noqa: E731
    u = -(psi(c["x_u"], c["y"][:, None] + 1e4) - psi(c["x_u"], c["y"][:, None] - 1e4)) / 2e4
    v = (psi(c["x"] + 1e4, c["y_v"][:, None]) - psi(c["x"] - 1e4, c["y_v"][:, None])) / 2e4
    u[:, -1] = v[-1] = np.nan
    return u.astype("f4"), v.astype("f4")


def places():
    data = xr.Dataset(coords=axes())
    return {
        "uo": place_of(data, "uo", ("y", "x_u"), "data"),
        "vo": place_of(data, "vo", ("y_v", "x"), "data"),
    }


class Steady:
    """A truth, and forecasts of it, that do not change; `factor` scales the forecasts' velocities."""

    def __init__(self, fields, factor=1.0):
        self.fields, self.factor, self.name = dict(zip(("uo", "vo"), fields, strict=True)), factor, f"times_{factor}"

    def read(self, variable, where, leads=None, level=None):
        if leads is None:
            return np.repeat(self.fields[variable][None], len(where), 0)
        return self.factor * np.tile(self.fields[variable], (2, len(leads), 1, 1, 1))


def test_a_perfect_and_a_slow_forecast(gyre):
    stores = [Steady(gyre), Steady(gyre, 0.5)]
    starts = np.arange(2)
    plan = types.SimpleNamespace(
        starts=starts, begin=starts, valid=np.zeros((2, 3), int), lead_seconds=LEADS, leads=LEADS / DAY,
        places={store.name: (starts, np.arange(3)) for store in stores},
    )  # fmt: skip
    flow = evaluate_flow(places(), stores, Steady(gyre), plan)
    np.testing.assert_allclose(flow.separation["times_1.0"], 0.0, atol=1e-6)
    np.testing.assert_allclose(flow.separation["persistence"], 0.0, atol=1e-6)
    apart = flow.separation["times_0.5"]
    assert (apart > 0).all() and (np.diff(apart) > 0).all()
    assert flow.spectra[TRUTH].shape == (2, 3, NX // 2)
    found = rows(flow, plan, Confidence(draws=20)).set_index(["model", "metric"]).value
    np.testing.assert_allclose(found["times_0.5", "ratio_to_truth"], 0.25, rtol=1e-5)
    np.testing.assert_allclose(found["times_1.0", "ratio_to_truth"], 1.0, rtol=1e-6)


def test_velocities_at_centres_of_a_c_grid(gyre):
    frame = Frame(*places().values(), *(np.isfinite(w) for w in gyre))
    u, v = frame.at_centres(*gyre)
    assert u.shape == (NY, NX) and np.isfinite(u).all()
    np.testing.assert_allclose(u[:, 0], gyre[0][:, 0] / 2)  # the western wall is at rest
    np.testing.assert_allclose(u, -u[::-1], atol=1e-6)
    np.testing.assert_allclose(v, -v[:, ::-1], atol=1e-6)
    x, y = frame.drifters().T
    assert x.min() > 2e4 and x.max() < 2e4 * (NX - 1) and y.min() > 2e4 and len(x) > 50


def test_areas_and_regions_of_the_sphere():
    lat, lon = np.arange(-88.0, 89, 4), np.arange(2.0, 360, 4)
    data = xr.Dataset(coords={"lat": lat, "lon": lon, "depth": [5.0, 15.0, 40.0]})
    place = place_of(data, "so", ("depth", "lat", "lon"), "data")
    assert place.periodic_x and place.area.sum() == pytest.approx(4 * np.pi * 6.371e6**2, rel=1e-3)
    np.testing.assert_allclose(place.thickness[:, 0, 0], [10.0, 17.5, 25.0])
    wet = np.ones((len(lat), len(lon)), bool)
    wet[20:25, 30:40] = False
    found = regions_of(place, wet, ())
    assert {"all", "interior", "tropics", "north", "south", "atlantic", "pacific"} <= set(found)
    assert not (found["tropics"] & found["north"]).any() and found["atlantic"][30, 80]
    box = regions_of(place, wet, ["box=350,20,0,10"])["box"]
    np.testing.assert_array_equal(np.unique(lon[np.nonzero(box)[1]]), [2, 6, 10, 14, 18, 350, 354, 358])
    with pytest.raises(UserError, match="holds no water"):
        regions_of(place, np.zeros_like(wet), ["all"])


def test_interior():
    wet = np.ones((9, 11), bool)
    inside = interior(wet)
    assert inside.sum() == 3 * 5 and inside[4, 5]
    assert interior(wet, periodic_x=True).sum() == 3 * 11
    wet[4, 5] = False
    assert not interior(wet)[3:6, 3:8].any()


def test_dimensions_that_are_not_in_space():
    data = xr.Dataset(coords={"a": [0, 1], "lon": [0, 1]})
    with pytest.raises(UserError, match="has the dimensions a, lon in space; expected a level"):
        place_of(data, "tos", ("a", "lon"), "data")
    with pytest.raises(UserError, match="has no coordinate lat"):
        place_of(data, "tos", ("lat", "lon"), "data")
