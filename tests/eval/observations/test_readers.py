"""Files of observations: orthogonal, incomplete and ragged arrays, kinds of temperature, quality flags, mistakes."""

import gsw
import numpy as np
import observation_files as files
import pytest
import xarray as xr

from eval.observations.readers import DROGUE, read_observations
from ocean_gcm.errors import UserError


def write(tmp_path, dataset):
    dataset.to_netcdf(tmp_path / "file.nc")
    return read_observations(tmp_path / "file.nc", "made up")


def test_profiles_on_common_depths(tmp_path):
    made = files.profiles(number=3)
    made.thetao[1, 2] = np.nan
    made = made.assign_coords(lon=made.lon - 360.0)
    found = write(tmp_path, made)
    assert len(found) == 3 * 5 - 1 and found.lon.min() >= 0
    np.testing.assert_allclose(found.values["thetao"][:5], made.thetao[0])
    np.testing.assert_allclose(found.depth[5:9], [0.0, 50.0, 450.0, 650.0])
    assert found.period.startswith("2010-01")


def test_a_ragged_array_repeats_what_is_given_once(tmp_path):
    found = write(tmp_path, files.drifters())
    np.testing.assert_allclose(found.lon, [190.0, 191.0, 192.0, 20.0, 21.0])
    np.testing.assert_allclose(found.depth, [15.0, 15.0, 15.0, 30.0, 30.0])
    np.testing.assert_allclose(found.values["tos"], [27.0, 28.0, 29.0, 6.85, 7.85])
    assert np.isnan(found.values["uo"][-1])
    index = files.drifters().drop_vars("row_size")
    index["parent"] = ("obs", [0, 0, 0, 1, 1], {"instance_dimension": "drifter"})
    again = write(tmp_path, index)
    np.testing.assert_array_equal(again.depth, found.depth)


def test_drifters_without_a_depth_hang_at_their_drogue(tmp_path):
    found = write(tmp_path, files.drifters().drop_vars("depth"))
    assert set(found.depth) == {DROGUE}


def test_argo_names_pressure_and_flags(tmp_path):
    """In-situ temperature and pressure become potential temperature and depth; what is flagged bad is left out."""
    pressure = np.array([[10.0, 1000.0, 2000.0], [20.0, 500.0, np.nan]], "f4")
    temperature = np.array([[20.0, 5.0, 3.0], [18.0, 9.0, 7.0]])
    flag = np.array([[b"1", b"2", b"4"], [b"1", b"1", b"9"]])
    at = ("N_PROF", "N_LEVELS")
    dataset = xr.Dataset(
        {
            "TEMP": (at, temperature, files._attributes("sea_water_temperature", "degC")),
            "PSAL": (at, np.full((2, 3), 35.0), files._attributes("sea_water_salinity", "psu")),
            "PRES": (at, pressure, files._attributes("sea_water_pressure", "decibar")),
            "TEMP_QC": (at, flag),
            "PSAL_QC": (at, flag),
            "LONGITUDE": ("N_PROF", [-30.0, 5.0], files._attributes("longitude", "degree_east")),
            "LATITUDE": ("N_PROF", [30.0, -10.0], files._attributes("latitude", "degree_north")),
            "JULD": ("N_PROF", np.array(["2010-01-01", "2010-02-01"], "datetime64[ns]"), {"standard_name": "time"}),
        }
    )  # fmt: skip
    found = write(tmp_path, dataset)
    assert len(found) == 4
    np.testing.assert_allclose(found.depth[:2], -gsw.z_from_p([10.0, 1000.0], 30.0), rtol=1e-6)
    expected = gsw.pt0_from_t(35.16504, 5.0, 1000.0)
    assert found.values["thetao"][1] == pytest.approx(expected, abs=1e-4) and expected < 4.95
    np.testing.assert_allclose(found.values["so"], 35.0)


@pytest.mark.parametrize("with_mode", [True, False])
def test_adjusted_values_of_argo_count_where_there_are_some(tmp_path, with_mode):
    """A delayed profile with a bad level, one in real time whose pressure is flagged, adjusted to nothing at all."""
    at, nan = ("N_PROF", "N_LEVELS"), np.nan
    variables = {
        "TEMP": ([[20.0, 5.0], [18.0, 9.0]], [[19.5, nan], [nan, nan]], [b"41", b"14"], [b"19", b"  "]),
        "PSAL": ([[35.0, 35.0], [36.0, 36.0]], [[34.5, 34.6], [nan, nan]], [b"11", b"11"], [b"12", b"  "]),
        "PRES": ([[10.0, 20.0], [30.0, 40.0]], [[12.0, 22.0], [nan, nan]], [b"11", b"14"], [b"11", b"  "]),
    }
    names = {"TEMP": "sea_water_temperature", "PSAL": "sea_water_salinity", "PRES": "sea_water_pressure"}
    dataset = xr.Dataset(
        {
            "LONGITUDE": ("N_PROF", [-30.0, 5.0], files._attributes("longitude", "degree_east")),
            "LATITUDE": ("N_PROF", [30.0, -10.0], files._attributes("latitude", "degree_north")),
            "JULD": ("N_PROF", np.array(["2010-01-01", "2010-02-01"], "datetime64[ns]"), {"standard_name": "time"}),
        }
    )
    if with_mode:
        dataset["DATA_MODE"] = ("N_PROF", np.array([b"D", b"R"]))
    for name, (raw, adjusted, *flags) in variables.items():
        unit = {"TEMP": "degC", "PSAL": "psu", "PRES": "decibar"}[name]
        flags = [np.array(f).view("S1").reshape(2, 2) for f in flags]
        for full, values, flag in zip((name, f"{name}_ADJUSTED"), (raw, adjusted), flags, strict=True):
            dataset[full] = (at, np.array(values), files._attributes(names[name], unit))
            dataset[f"{full}_QC"] = (at, flag)
        dataset[f"{name}_ADJUSTED_ERROR"] = (at, np.full((2, 2), 0.002), {"units": unit})
    found = write(tmp_path, dataset)
    np.testing.assert_allclose(found.depth, -gsw.z_from_p([12.0, 22.0, 30.0], [30.0, 30.0, -10.0]))
    np.testing.assert_allclose(found.values["so"], [34.5, 34.6, 36.0])
    np.testing.assert_allclose(found.values["thetao"], [19.5, np.nan, 18.0], atol=0.01)


def test_numbers_as_flags(tmp_path):
    made = files.profiles(number=2)
    made["thetao_qc"] = (("profile", "depth"), np.array([[1, 1, 2, 3, 1], [4, 4, 4, 4, 1]], "i1"))
    assert len(write(tmp_path, made)) == 5


def broken(name):
    made = files.profiles(number=3)
    if name == "no variable":
        return made.rename(thetao="oxygen").assign(oxygen=("profile", [1.0, 2.0, 3.0]))
    if name == "no longitude":
        return made.drop_vars("lon")
    if name == "no depth":
        return made.rename(depth="level").drop_vars("level")
    if name == "impossible latitude":
        return made.assign_coords(lat=("profile", [0.0, 100.0, 0.0], made.lat.attrs))
    if name == "no value":
        return made.where(False)
    if name == "wrong unit":
        made.thetao.attrs["units"] = "furlong"
        return made
    ragged = files.drifters()
    ragged["row_size"] = ("drifter", [3, 3], {"sample_dimension": "obs"})
    return ragged


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no variable", "has no variable with one of the standard names sea_water_potential_temperature"),
        ("no longitude", "has no longitude"),
        ("no depth", "has no depth and no pressure"),
        ("impossible latitude", "has the latitude 100; expected degrees, at most 90"),
        ("no value", "holds no value with a place, a time and a good quality flag"),
        ("wrong unit", "units 'furlong'"),
        ("wrong counts", "adds up to 6 values, but the dimension 'obs' has 5"),
    ],
)
def test_mistakes(tmp_path, name, sentence):
    with pytest.raises(UserError, match=sentence):
        write(tmp_path, broken(name))


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        read_observations(tmp_path / "none.nc", "none")
