"""Analyses as they come: every convention gives the same state, and mistakes are told."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from encoding_cases import analysis, small_model

import ocean_gcm as og
from ocean_gcm.data.output import dataset_from_fields
from ocean_gcm.errors import UserError
from ocean_gcm.state import Ocean

FIELDS = [f.name for f in dataclasses.fields(Ocean) if f.name != "tracers"]
compiled = jax.jit(lambda encoder, arrays: encoder.ocean(arrays))


def encoded(dataset, model, **options):
    encoder = og.Encoder.for_dataset(dataset, model, **options)
    ocean = compiled(dataclasses.replace(encoder, analysis=None), encoder.arrays(dataset))
    return {name: np.asarray(getattr(ocean, name)) for name in FIELDS}


def assert_same(a, b, tolerance=1e-10):
    for name in FIELDS:
        np.testing.assert_allclose(a[name], b[name], atol=tolerance, err_msg=name)


@pytest.fixture(scope="module")
def expected(dataset, model):
    return encoded(dataset, model)


def test_fields_are_finite_wet_and_within_those_of_the_analysis(dataset, model, expected):
    grid = model.grid
    masks = {"u": grid.mask_u, "v": grid.mask_v, "sea_surface_height": grid.wet}
    for name, array in expected.items():
        mask = masks.get(name, grid.mask)
        assert np.isfinite(array).all() and (array[~mask] == 0).all() and (array[mask] != 0).mean() > 0.9, name
    for name, variable in (("temperature", "thetao"), ("salinity", "so"), ("sea_surface_height", "zos")):
        inside = expected[name][masks.get(name, grid.mask)]
        assert dataset[variable].min() - 1e-9 <= inside.min() and inside.max() <= dataset[variable].max() + 1e-9


def test_encoded_values_are_those_of_the_analysis_at_the_place(model, expected):
    """The formula of the analysis at the cells' centres, away from coasts: grid spacings of 30 degrees and 100 m."""
    grid = model.grid
    lat, lon = grid.geometry.y["T"], np.deg2rad(grid.geometry.x["T"])
    theta = 2 + 18 * np.exp(-grid.centre_depth / 600) - 0.1 * np.abs(lat) + np.cos(lon)
    error = np.abs(expected["temperature"] - theta)[grid.mask]
    assert np.median(error) < 0.1 and error.max() < 3.0
    height = 0.3 * np.sin(lon) * np.cos(np.deg2rad(lat)) + 0.7
    assert np.abs(expected["sea_surface_height"] - height)[grid.wet].mean() < 0.02


def test_conventions_of_longitude_latitude_depth_and_order_do_not_matter(dataset, model, expected):
    around = dataset.assign_coords(lon=(("lon"), (dataset.lon.values + 180) % 360 - 180, dataset.lon.attrs))
    assert_same(encoded(around, model), expected)
    assert_same(encoded(around.sortby("lon"), model), expected)
    repeated = dataset.isel(lon=[*range(20), 0])
    repeated = repeated.assign_coords(
        lon=("lon", [*dataset.lon.values, dataset.lon.values[0] + 360], dataset.lon.attrs)
    )
    assert_same(encoded(repeated, model), expected)
    assert_same(encoded(dataset.isel(lat=slice(None, None, -1), depth=slice(None, None, -1)), model), expected)
    turned = dataset.transpose("lon", "depth", "lat").expand_dims(time=[0.0])
    assert_same(encoded(turned, model), expected)
    upward = dataset.assign_coords(depth=("depth", -dataset.depth.values, {"units": "m", "positive": "up"}))
    assert_same(encoded(upward, model), expected)
    assert_same(encoded(dataset.rename(thetao="t"), model, names={"temperature": "t"}), expected)
    kelvin = dataset.assign(thetao=(dataset.thetao + 273.15).assign_attrs(units="K"))
    assert_same(encoded(kelvin, model), expected, 1e-9)


def test_levels_beyond_the_model_do_not_count_and_missing_ones_are_filled_from_above(model):
    reaches = (5.0, 30.0, 80.0, 150.0, 300.0, 550.0, 800.0, 1200.0)  # faces down to 1400 m
    deep, deeper = analysis(depth=reaches), analysis(depth=(*reaches, 2000.0, 4000.0))
    lowest = encoded(deep, model)["temperature"]
    np.testing.assert_allclose(encoded(deeper, model)["temperature"][:-1], lowest[:-1], atol=1e-12)
    shallow = encoded(analysis(depth=(5.0, 30.0, 80.0, 150.0)), model)["temperature"]
    mask = model.grid.mask[3]
    np.testing.assert_array_equal(shallow[3][mask], shallow[2][mask])
    np.testing.assert_array_equal(shallow[2][mask], shallow[1][mask])


def test_what_is_missing_is_at_rest(dataset, model, expected):
    found = encoded(dataset.drop_vars(["uo", "zos"]), model)
    assert not found["u"].any() and not found["sea_surface_height"].any()
    np.testing.assert_allclose(found["v"], expected["v"])


def test_output_of_the_model_comes_back_to_round_off(model):
    """Staggered velocities, partial cells and bounds of the model's own output."""
    rng, grid = np.random.default_rng(0), model.grid
    masks = {"u": grid.mask_u, "v": grid.mask_v, "sea_surface_height": grid.wet}
    fields = {name: np.where(masks.get(name, grid.mask), rng.normal(10, 1, grid.shape), 0) for name in FIELDS[:4]}
    fields["sea_surface_height"] = np.where(grid.wet, rng.normal(size=grid.wet.shape), 0)
    fields["u"], fields["v"] = 0.1 * fields["u"], 0.1 * fields["v"]
    records = {name: array[None] for name, array in fields.items()}
    written = dataset_from_fields(grid, model.config, records, np.zeros(1), names=("thetao", "so", "uo", "vo", "zos"))
    assert_same(encoded(written, model), fields)


def test_a_region_across_the_meridian_of_greenwich():
    sides = {"x": [-15, 15], "y": [30, 50], "levels": {"thickness": [100, 200]}}
    region = small_model(
        grid={"geometry": "sphere", "nx": 6, "ny": 5, **sides},
        bathymetry={"kind": "flat", "depth": 300},
    )
    whole = analysis(nlon=72, nlat=40)
    part = whole.isel(lon=[*range(66, 72), *range(6)], lat=slice(26, 38))
    a, b = encoded(whole, region), encoded(part, region)
    assert_same(a, b)
    assert a["temperature"][region.grid.mask].std() > 0.1
    with pytest.raises(UserError, match="does not cover the model's ocean: there is water at longitude -12.5"):
        og.Encoder.for_dataset(whole.isel(lon=range(6, 12)), region)
    with pytest.raises(UserError, match="does not cover the model's ocean: there is water at latitude"):
        og.Encoder.for_dataset(whole.isel(lat=range(10, 28)), region)


def test_mean_sea_level_is_taken_off_if_asked_for(dataset, expected):
    model = small_model(encoder={"remove_mean_sea_level": True})
    height, area = encoded(dataset, model)["sea_surface_height"], model.grid.geometry.area["T"]
    wet = model.grid.wet
    assert abs((height * area)[wet].sum() / area[wet].sum()) < 1e-12
    mean = (expected["sea_surface_height"] * area)[wet].sum() / area[wet].sum()
    np.testing.assert_allclose(height[wet], expected["sea_surface_height"][wet] - mean, atol=1e-12)


def test_leading_axes_and_vmap_agree_with_records_one_by_one(dataset, model, expected):
    encoder = og.Encoder.for_dataset(dataset, model)
    arrays = encoder.arrays(dataset)
    both = {name: np.stack([array, 2 * array]) for name, array in arrays.items()}
    axes, mapped = compiled(encoder, both), jax.jit(lambda e, a: jax.vmap(e.ocean)(a))(encoder, both)
    for name in FIELDS:
        np.testing.assert_allclose(getattr(axes, name)[0], expected[name], atol=1e-12)
        np.testing.assert_allclose(getattr(axes, name), getattr(mapped, name), atol=1e-12)


def test_gradients_reach_all_that_the_analysis_knows(dataset, model):
    encoder = og.Encoder.for_dataset(dataset, model)

    def loss(encoder, arrays):
        return sum(jnp.sum(getattr(encoder.ocean(arrays), name) ** 2) for name in FIELDS)

    gradient = jax.jit(jax.grad(loss, argnums=1))(encoder, encoder.arrays(dataset))
    for name, array in gradient.items():
        assert np.isfinite(array).all() and array.any(), name


def test_refusals(dataset, model):
    def refused(match, dataset, **options):
        with pytest.raises(UserError, match=match):
            encoder = og.Encoder.for_dataset(dataset, model, **options)
            encoder.arrays(dataset)

    refused("has no variable 'thetao'", dataset.drop_vars("thetao"))
    refused("has no variable 'ssh'", dataset, names={"sea_surface_height": "ssh"})
    refused("names contains 'temp'", dataset, names={"temp": "thetao"})
    refused("has no units", dataset.assign(uo=dataset.uo.assign_attrs(units="")))
    refused("has 2 records along time", dataset.expand_dims(time=[0.0, 1.0]))
    refused("expected a field of .y, x.", dataset, names={"sea_surface_height": "so"})
    refused("both 0", dataset.fillna(0.0))
    refused("has no water where the model has some", dataset.where(dataset.lat > 1000))
    encoder = og.Encoder.for_dataset(dataset, model)
    with pytest.raises(UserError, match="is missing at 7 points that had values"):
        encoder.arrays(dataset.where((dataset.lat != dataset.lat[7]) | (dataset.lon != dataset.lon[15])))
    with pytest.raises(UserError, match="has other points along x"):
        encoder.arrays(dataset.assign_coords(lon=("lon", dataset.lon.values + 3.0, dataset.lon.attrs)))
