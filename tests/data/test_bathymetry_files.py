"""Depth from a file: directions, units, other grids."""

import numpy as np
import pytest
import xarray as xr

from ocean_gcm.data import bathymetry
from ocean_gcm.errors import UserError
from ocean_gcm.grid.bathymetry import FileBathymetry, depth
from ocean_gcm.grid.geometry import plane, sphere
from ocean_gcm.grid.topology import Topology


def test_depth_as_it_stands(dataset, geometry, write):
    np.testing.assert_array_equal(bathymetry.read(write(dataset), "bathymetry", geometry), dataset.bathymetry)


@pytest.mark.parametrize(
    ("sign", "attributes"),
    [
        (-1, {"positive": "up"}),
        (-1, {"standard_name": "height_above_geoid"}),
        (-1, {}),
        (1, {}),
        (1, {"standard_name": "sea_floor_depth_below_geoid"}),
    ],
)
def test_direction(dataset, geometry, write, sign, attributes):
    expected = dataset.bathymetry.values
    dataset["bathymetry"] = (("y", "x"), sign * expected, {"units": "m", **attributes})
    np.testing.assert_array_equal(bathymetry.read(write(dataset), "bathymetry", geometry), expected)


def test_mountains_are_land(dataset, geometry, write):
    expected = dataset.bathymetry.values
    dataset["bathymetry"] = (("y", "x"), np.where(expected > 0, -expected, 1200.0), {"units": "m", "positive": "up"})
    np.testing.assert_array_equal(bathymetry.read(write(dataset), "bathymetry", geometry), expected)


def test_missing_values_are_land_where_land_is_not_marked_otherwise(dataset, geometry, write):
    expected = dataset.bathymetry.values
    dataset["bathymetry"] = dataset.bathymetry.where(dataset.bathymetry > 0)
    np.testing.assert_array_equal(bathymetry.read(write(dataset), "bathymetry", geometry), expected)


def test_kilometres(dataset, geometry, write):
    expected = dataset.bathymetry.values
    dataset["bathymetry"] = (("y", "x"), expected / 1000, {"units": "km", "positive": "down"})
    np.testing.assert_allclose(bathymetry.read(write(dataset), "bathymetry", geometry), expected)


def test_other_order_of_axes_and_longitudes(dataset, geometry, write):
    expected = dataset.bathymetry.values
    turned = dataset[["bathymetry"]].transpose("x", "y").isel(y=slice(None, None, -1)).roll(x=5, roll_coords=True)
    turned["lon"] = (turned.lon + 180) % 360 - 180
    np.testing.assert_array_equal(bathymetry.read(write(turned), "bathymetry", geometry), expected)


def test_mean_over_the_water_of_coarse_cells(dataset, write):
    coarse = sphere(np.linspace(0, 360, 7), np.linspace(-50, 50, 6), Topology(periodic_x=True))
    out = bathymetry.read(write(dataset), "bathymetry", coarse)
    assert (out[:, 2] == 0).all()  # the continent covers it
    assert out[0, 0] == pytest.approx(350.0)
    assert 290.0 < out[2, 4] < 310.0  # a quarter of it is the shoal
    # cells that are less than half water are land, others keep the depth of their water
    shifted = sphere(np.linspace(0, 360, 7) + 30, np.linspace(-50, 50, 6), Topology(periodic_x=True))
    out = bathymetry.read(write(dataset), "bathymetry", shifted)
    np.testing.assert_allclose(out[0], 350.0)


def test_plane(write, dataset):
    x, y = np.arange(5e3, 1e5, 1e4), np.arange(5e3, 5e4, 1e4)
    values = 1000.0 + 0.001 * x + 0 * y[:, None]
    flat = xr.Dataset().assign_coords(x=("x", x / 1000, {"units": "km"}), y=("y", y / 1000, {"units": "km"}))
    flat["floor"] = (("y", "x"), values, {"units": "m"})
    geometry = plane(np.linspace(0, 1e5, 11), np.linspace(0, 5e4, 6), Topology())
    np.testing.assert_allclose(bathymetry.read(write(flat), "floor", geometry), values)


def test_a_lake_of_one_cell_is_refused_or_filled(dataset, geometry, write):
    dataset["bathymetry"][4:7, 4:6] = 0.0
    dataset["bathymetry"][:, 5:8] = 0.0
    dataset["bathymetry"][5, 6] = 350.0
    path = write(dataset)
    with pytest.raises(UserError, match=r"ocean.nc.*isolated basin of 1 cell.*x = 195, y = 5"):
        depth(FileBathymetry(kind="file", path=path, variable="bathymetry"), geometry)
    filled = depth(FileBathymetry(kind="file", path=path, variable="bathymetry", fill_lakes=True), geometry)
    assert filled[5, 6] == 0.0 and (filled[:, 8] == 350.0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b - 175.0, "no attribute 'positive' says whether they count up or down"),
        (lambda b: b * np.nan, "no water on this grid"),
        (lambda b: 0 * b, "no water on this grid"),
        (lambda b: b.assign_attrs(positive="up"), "called positive up but holds no negative value"),
        (lambda b: (-b).assign_attrs(positive="down"), "called positive down but holds no positive value"),
        (lambda b: b.where(b.lon != 15.0), "missing at 10 points, first at x = 15, y = -45"),
        (lambda b: 1000 * b, "contains the value 350000 m"),
        (lambda b: b.drop_attrs(), "has no units; expected m"),
        (lambda b: b.assign_attrs(units="fathoms"), "has the units 'fathoms'; expected m"),
        (lambda b: b.expand_dims(z=2), "dimension 'z'"),
    ],
)
def test_refusal(dataset, geometry, write, change, words):
    with xr.set_options(keep_attrs=True):
        changed = change(dataset.bathymetry.drop_attrs().assign_attrs(units="m"))
    with pytest.raises(UserError, match=words) as error:
        bathymetry.read(write(changed.to_dataset(name="bathymetry")), "bathymetry", geometry)
    assert "ocean.nc" in str(error.value)
