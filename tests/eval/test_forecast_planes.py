"""Planes whose sides are joined: what a store says of them, and that no place on them is special."""

import types

import numpy as np
import pytest
import xarray as xr
import yaml

from eval.forecast.derived import coriolis_of, with_derived
from eval.forecast.flow import Frame, evaluate_flow
from eval.forecast.geometry import place_of, regions_of
from eval.forecast.plan import DAY
from eval.forecast.stores import _open
from ocean_gcm.data.output import static_dataset
from ocean_gcm.grid.geometry import plane
from ocean_gcm.grid.grid import Grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

NX, NY, CELL = 16, 12, 1e4  # m
F0 = 1e-4
SPEED = 0.4  # m s-1
CLOSED, CHANNEL, BOX = (False, False), (True, False), (True, True)
WAVE = 2 * np.pi * np.arange(NX) / NX + 2 * np.pi * np.arange(NY)[:, None] / NY


def store(periodic_x, periodic_y, heights=(CELL,) * NY):
    """What a run on the plane writes down of its grid, and a wave of sea level in it."""
    y_edges = np.append(0.0, np.cumsum(heights))
    geometry = plane(CELL * np.arange(NX + 1), y_edges, Topology(periodic_x, periodic_y), f0=F0)
    grid = Grid(geometry, Levels(np.array([50.0])), np.full((1, NY, NX), 50.0))
    found = static_dataset(grid, types.SimpleNamespace(name="plane", description=""))
    found["zos"] = ("time", "y", "x"), 0.1 * np.cos(WAVE)[None]
    return found.assign_attrs(configuration=yaml.safe_dump({"grid": {"f0": F0, "beta": 0.0}}))


def places(dataset):
    return {name: place_of(dataset, name, dims, "store") for name, dims in PLACES.items()}


PLACES = {"uo": ("lev", "y", "x_u"), "vo": ("lev", "y_v", "x"), "zos": ("y", "x")}


def rolled(array, moved):
    """Moved along the axes on which nothing is special: x, and y of a doubly periodic plane."""
    return np.roll(array, moved, (-2, -1))


@pytest.mark.parametrize("sides", [CLOSED, CHANNEL, BOX])
def test_a_store_says_which_sides_are_joined(sides, tmp_path):
    store(*sides).to_zarr(tmp_path / "store.zarr", consolidated=False)
    written = xr.open_zarr(tmp_path / "store.zarr", consolidated=False)
    for place in places(written).values():
        assert (place.periodic_x, place.periodic_y) == sides
    for name, length, joined in (("x", NX, sides[0]), ("y_v", NY, sides[1])):
        assert written[name].attrs.get("period") == (length * CELL if joined else None)
    part = written.isel(x=slice(0, NX // 2), y=slice(1, None))  # of a plane that repeats
    place = place_of(part, "zos", PLACES["zos"], "store")
    assert not place.periodic_x and not place.periodic_y


def test_rows_of_unequal_width_are_joined():
    heights = CELL * np.array([1.0, 0.8, 0.6, 0.5, 0.6, 0.8, 1.0, 1.1, 1.2, 1.2, 1.1, 1.1])
    found = places(store(*BOX, heights))
    assert all(place.periodic_y for place in found.values())


@pytest.mark.parametrize("sides", [CHANNEL, BOX])
def test_geostrophic_currents_of_a_wave_go_on_over_the_sides(sides):
    grid, moved = store(*sides), (5 * sides[1], 7)
    names = ["ugos", "vgos"]
    here = with_derived(grid, names, "store", grid)
    there = with_derived(grid.assign(zos=grid.zos.copy(data=rolled(grid.zos, moved))), names, "store", grid)
    for name in names:
        np.testing.assert_allclose(there[name], rolled(here[name], moved), rtol=1e-5, atol=1e-7)
    exact = -9.80665 / F0 * 0.1 * np.sin(WAVE) * np.sin(2 * np.pi / NX) / CELL  # of centred differences
    np.testing.assert_allclose(here.vgos[0], exact, rtol=1e-5, atol=1e-6)


def test_the_truth_says_it_for_forecasts_that_do_not():
    truth, old = store(*CHANNEL), store(*CLOSED)
    xr.testing.assert_equal(
        with_derived(old, ["vgos"], "forecast", truth).vgos, with_derived(truth, ["vgos"], "truth", truth).vgos
    )


def test_walls_stay_walls():
    closed = store(*CLOSED)
    v = with_derived(closed, ["vgos"], "store", closed).vgos.values[0]
    one_sided = 9.80665 / F0 * (closed.zos.values[0, :, 1] - closed.zos.values[0, :, 0]) / CELL
    np.testing.assert_allclose(v[:, 0], one_sided, rtol=1e-5)
    wet = np.ones((NY, NX), bool)
    found = places(closed)
    frame = Frame(found["uo"], found["vo"], wet, wet)
    u, v = frame.at_centres(np.ones((NY, NX)), np.ones((NY, NX)))
    assert (u[:, 0] == 0.5).all() and (v[0] == 0.5).all() and (u[:, 1:] == 1).all() and (v[1:] == 1).all()
    assert regions_of(found["zos"], wet, ())["interior"].sum() == (NX - 6) * (NY - 6)


def test_a_run_says_how_its_plane_rotates(tmp_path):
    store(*CHANNEL).drop_attrs(deep=False).to_zarr(tmp_path / "output.zarr", consolidated=False)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"grid": {"f0": F0, "beta": 1e-11}}))
    assert coriolis_of(_open(tmp_path)) == (F0, 1e-11)


class Steady:
    """Velocities that do not change: a truth, or with a `factor` forecasts."""

    def __init__(self, fields, factor=1.0):
        self.fields, self.factor, self.name = fields, factor, f"times_{factor}"

    def read(self, variable, where, leads=None, level=None):
        if leads is None:
            return np.repeat(self.fields[variable][None], len(where), 0)
        return self.factor * np.tile(self.fields[variable], (2, len(leads), 1, 1, 1))


def flow_of(sides, moved):
    """Drifters and spectra of a current with waves on it, all of it moved by so many cells."""
    fields = {"uo": SPEED + 0.1 * np.sin(WAVE), "vo": SPEED * sides[1] + 0.1 * np.cos(WAVE)}
    fields = {name: rolled(field, moved).astype("f4") for name, field in fields.items()}
    if not sides[1]:
        fields["vo"][-1] = np.nan  # the northern wall
    leads = np.array([1, 2, 4]) * DAY  # the current goes around within six days
    stores = [Steady(fields, 0.8)]
    plan = types.SimpleNamespace(
        starts=np.arange(1), begin=np.arange(1), valid=np.zeros((1, 3), int), lead_seconds=leads, leads=leads / DAY,
        places={store.name: (np.arange(1), np.arange(3)) for store in stores},
    )  # fmt: skip
    return evaluate_flow(places(store(*sides)), stores, Steady(fields), plan)


@pytest.mark.parametrize("sides", [CHANNEL, BOX])
def test_drifters_and_spectra_do_not_know_where_the_sides_are(sides):
    here, there = (flow_of(sides, moved) for moved in ((0, 0), (5 * sides[1], 7)))
    assert here.waves == ("waves in the box" if all(sides) else "waves along x")
    for model, apart in here.separation.items():
        np.testing.assert_allclose(there.separation[model], apart, rtol=1e-4, atol=1e-2)
    for model, energy in here.spectra.items():
        np.testing.assert_allclose(there.spectra[model], energy, rtol=1e-4, atol=1e-9)
    apart = here.separation["times_0.8"][0]
    # within the first day the forecast falls back from the truth's current to its own
    drift = 0.2 * SPEED * np.hypot(1, sides[1]) * DAY * np.array([0.5, 1.5, 3.5])
    np.testing.assert_allclose(apart, drift, rtol=0.2)  # they go on beyond the sides as fast as before


def test_regions_of_planes_that_repeat():
    wet = np.ones((NY, NX), bool)
    channel = places(store(*CHANNEL))["zos"]
    found = regions_of(channel, wet, ["seam=140,20,0,1000", "all_around=0,160,0,120", "interior"])
    assert np.flatnonzero(found["seam"].any(0)).tolist() == [0, 1, 14, 15] and found["seam"].any(1).all()
    assert found["all_around"].all()
    assert found["interior"].sum() == NX * (NY - 6)
    box = places(store(*BOX))["zos"]
    assert "interior" not in regions_of(box, wet, ())  # there is no land
    wet[0, 0] = False
    inside = regions_of(box, wet, ())["interior"]
    assert (~inside).sum() == 49 and not inside[-3:, -3:].any()
    seam = regions_of(box, wet, ["south=0,160,100,10"])["south"]
    assert np.flatnonzero(seam.any(1)).tolist() == [0, 10, 11]
