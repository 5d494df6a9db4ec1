"""Every broken file gets one sentence; what is not refused is read right."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocean_gcm.data import bathymetry, climatology, units
from ocean_gcm.errors import UserError


def read_all(path, grid):
    """Everything that a run would read from the file."""
    tracers = climatology.read_tracers(path, grid, temperature="theta", salinity="salt", equation_of_state="linear")
    return {
        "bathymetry": bathymetry.read(path, "bathymetry", grid.geometry),
        **tracers,
        "sst": climatology.read_surface(path, "sst", grid, units.TEMPERATURE)[0],
        "qnet": climatology.read_surface(path, "qnet", grid, units.HEAT_FLUX)[0],
        "emp": climatology.read_surface(path, "emp", grid, units.WATER_FLUX)[0],
        "taux": climatology.read_surface(path, "taux", grid, units.STRESS, place="U")[0],
        "tauy": climatology.read_surface(path, "tauy", grid, units.STRESS, place="V")[0],
    }


def refused(path, grid, words=None):
    with pytest.raises(UserError, match=words) as error:
        read_all(path, grid)
    sentence = str(error.value)
    assert "\n" not in sentence and len(sentence) < 400
    assert "ocean" in sentence  # the file's name


# harmless changes: the same ocean written in another way


def kelvin(data):
    if data.theta.attrs["units"] != "degC":
        raise ValueError("broken already")
    data["theta"] = (data.theta + 273.15).assign_attrs({**data.theta.attrs, "units": "K"})
    return data


def upward(data):
    data["bathymetry"] = (-data.bathymetry).assign_attrs({**data.bathymetry.attrs, "positive": "up"})
    return data


def repeated_column(data):
    last = data.isel(x=[0]).assign_coords(lon=("x", data.lon.values[:1] + 360, data.lon.attrs))
    return xr.concat([data, last], "x", data_vars="minimal")


def negative_depths(data):
    attributes = {**data.depth.attrs, "positive": "up"}
    return data.assign_coords(depth=("z", -data.depth.values, attributes))


HARMLESS = {
    "transposed": lambda data: data.transpose(),
    "north first": lambda data: data.isel(y=slice(None, None, -1)),
    "bottom first": lambda data: data.isel(z=slice(None, None, -1)),
    "rolled": lambda data: data.roll(x=5, roll_coords=True),
    "western longitudes": lambda data: data.assign_coords(
        lon=("x", (data.lon.values + 180) % 360 - 180, data.lon.attrs)
    ),
    "kelvin": kelvin,
    "upward": upward,
    "negative depths": negative_depths,
    "repeated column": repeated_column,
}

# broken: a change and words of its sentence


def with_attributes(name, **attributes):
    def change(data):
        data[name].attrs.update(attributes)
        return data

    return change


def without_units(name):
    def change(data):
        del data[name].attrs["units"]
        return data

    return change


def hole(name, value=np.nan, **where):
    def change(data):
        data[name][where] = value
        return data

    return change


def moved(name, index, value):
    def change(data):
        values = data[name].values.copy()
        values[index] = value
        return data.assign_coords({name: (data[name].dims, values, data[name].attrs)})

    return change


def mislabelled_kelvin(data):
    return data.assign(theta=(data.theta + 273.15).assign_attrs(data.theta.attrs))


def zeros_for_land(data):
    first = data.lon == 15
    return data.assign(
        {name: xr.where(first, 0.0, data[name]).assign_attrs(data[name].attrs) for name in ("theta", "salt")}
    )


def swapped_axes(data):
    """The names of the two horizontal coordinates exchanged, and all that describes them."""
    lon, lat = data.lon, data.lat
    return data.drop_vars(["lon", "lat"]).assign_coords(
        lat=("x", lon.values, lat.attrs), lon=("y", lat.values, lon.attrs)
    )


def unlabelled(data):
    """Shapes only: dimensions whose names say nothing."""
    return data.drop_vars(["lon", "lat"]).rename(x="dim_0", y="dim_1")


BROKEN = {
    "missing variable": (lambda data: data.drop_vars("theta"), "no variable 'theta'"),
    "misspelt variable": (lambda data: data.rename(theta="thetao"), "did you mean 'thetao'"),
    "unknown units": (with_attributes("salt", units="K"), "'salt' .* has the units 'K'"),
    "kelvin called celsius": (mislabelled_kelvin, "mislabelled"),
    "celsius called kelvin": (with_attributes("theta", units="K"), "mislabelled"),
    "no units": (without_units("taux"), "'taux' .* has no units; expected N m-2"),
    "no units of depth": (without_units("depth"), "'depth' .* has no units; expected m"),
    "depth in cm": (with_attributes("bathymetry", units="mm"), "units 'mm'"),
    "swapped coordinates": (swapped_axes, "axes swapped"),
    "unlabelled dimensions": (unlabelled, "without a one-dimensional coordinate"),
    "NaN in a wet cell": (hole("theta", month=2, z=1, y=3, x=8), "missing at 1 wet points .* 255, .* -15, level 1"),
    "NaN in a flux": (hole("qnet", month=0, y=0, x=0), "'qnet' .* missing at 1 wet"),
    "NaN in a stress": (hole("taux", month=0, y=4, xg=1), "'taux' .* missing at 1 wet"),
    "NaN in the depth": (hole("bathymetry", y=4, x=1), "'bathymetry' .* missing at 1 points"),
    "infinite value": (hole("salt", np.inf, month=0, z=0, y=0, x=0), "infinite"),
    "fill value": (hole("sst", -999.0, month=0, y=0, x=0), "contains the value -999"),
    "huge fill value": (hole("tauy", 9.96921e36, month=0, yg=1, x=0), "fill value"),
    "zeros for land": (zeros_for_land, "both 0 at longitude 15"),
    "non-monotone depth": (moved("depth", 1, 400.0), "'depth' .* not monotone: 400 is followed by 250"),
    "repeated depth": (moved("depth", 1, 250.0), "not monotone"),
    "depth of both signs": (moved("depth", 0, -25.0), "positive down"),
    "non-monotone latitude": (moved("lat", 3, 40.0), "'lat' .* not monotone"),
    "latitude beyond the pole": (moved("lat", 9, 95.0), "latitudes from"),
    "missing longitude": (moved("lon", 3, np.nan), "contains missing values"),
    "eleven months": (lambda data: data.isel(month=slice(11)), "11 records; expected 12 months"),
    "months out of order": (lambda data: data.isel(month=[1, 0, *range(2, 12)]), "expected 1 to 12"),
    "no depth axis": (lambda data: data.assign(theta=data.theta.isel(z=0, drop=True)), "no depth axis"),
    "half of the globe": (lambda data: data.isel(x=slice(6)), "covers longitude 15 to 165"),
    "tropics only": (lambda data: data.isel(y=slice(3, 7)), "covers latitude -15 to 15"),
    "text": (lambda data: data.assign(salt=data.salt.astype(str).assign_attrs(units="1")), "expected numbers"),
    "no direction of a flux": (with_attributes("qnet", standard_name="heat"), "does not tell whether the flux"),
    "unknown dimension": (lambda data: data.assign(sst=data.sst.expand_dims(member=2)), "dimension 'member'"),
    "empty ocean": (lambda data: data.assign(bathymetry=(0 * data.bathymetry).assign_attrs(units="m")), "no water"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file(dataset, grid, write, name):
    change, words = BROKEN[name]
    with xr.set_options(keep_attrs=True):
        refused(write(change(dataset)), grid, words)


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_difference(dataset, grid, write, name):
    expected = read_all(write(dataset), grid)
    with xr.set_options(keep_attrs=True):
        out = read_all(write(HARMLESS[name](dataset)), grid)
    for key, values in expected.items():
        np.testing.assert_allclose(out[key], values, atol=1e-10, err_msg=key)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    harmless=st.sets(st.sampled_from(sorted(HARMLESS)), max_size=3),
    broken=st.none() | st.sampled_from(sorted(BROKEN)),
)
def test_combinations_are_refused_or_right(dataset, grid, write, harmless, broken):
    data = dataset.copy(deep=True)
    expected = read_all(write(data), grid)
    with xr.set_options(keep_attrs=True):
        if broken is not None:
            data = BROKEN[broken][0](data)
        for name in sorted(harmless, key=list(HARMLESS).index):
            try:
                data = HARMLESS[name](data)
            except (KeyError, ValueError, AttributeError, TypeError):
                pass  # what is broken cannot be changed in this way
        path = write(data)
    if broken is not None:
        refused(path, grid)
        return
    for key, values in read_all(path, grid).items():
        np.testing.assert_allclose(values, expected[key], atol=1e-10, err_msg=key)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["theta", "salt", "sst", "qnet", "emp", "taux", "tauy", "bathymetry"]),
    index=st.integers(0, 10**6),
    value=st.sampled_from([np.nan, np.inf, -np.inf, 1e30, -1e30]),
)
def test_one_bad_value_anywhere_is_refused_or_does_not_matter(dataset, grid, write, name, index, value):
    data = dataset.copy(deep=True)
    values = data[name].values.copy()
    values.flat[index % values.size] = value
    data[name] = (data[name].dims, values, data[name].attrs)
    try:
        out = read_all(write(data), grid)
    except UserError as error:
        assert "\n" not in str(error) and "ocean.nc" in str(error)
        return
    for key, right in read_all(write(dataset), grid).items():
        np.testing.assert_allclose(out[key], right, atol=1e-10, err_msg=key)  # it lay on land


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0.0, 0.98), noise=st.binary(max_size=40))
def test_truncated_and_garbled_files(dataset, grid, write, tmp_path, cut, noise):
    whole = open(write(dataset), "rb").read()
    path = tmp_path / "ocean_broken.nc"
    path.write_bytes(whole[: int(cut * len(whole))] + noise)
    try:
        out = read_all(path, grid)
    except UserError as error:
        assert "\n" not in str(error) and "ocean_broken.nc" in str(error)
        return
    for key, right in read_all(write(dataset), grid).items():
        np.testing.assert_array_equal(out[key], right, err_msg=key)


def test_missing_file_and_wrong_kind_of_file(grid, tmp_path):
    refused(tmp_path / "ocean.nc", grid, "does not exist")
    refused(tmp_path / "ocean.zarr", grid, "does not exist")
    (tmp_path / "ocean_text.nc").write_text("depth, 5\n")
    refused(tmp_path / "ocean_text.nc", grid, "cannot be read as a NetCDF file")
    (tmp_path / "ocean_dir").mkdir()
    refused(tmp_path / "ocean_dir", grid, "cannot be read as a Zarr store")
