"""The form that OceanBench wants."""

import cftime
import numpy as np
import pytest
import xarray as xr

from ocean_gcm.cli import main
from ocean_gcm.errors import UserError
from ocean_gcm.forecasts.oceanbench import VARIABLES, challenger, export_challenger

STANDARD = {
    "zos": "sea_surface_height_above_geoid",
    "thetao": "sea_water_potential_temperature",
    "so": "sea_water_salinity",
    "uo": "eastward_sea_water_velocity",
    "vo": "northward_sea_water_velocity",
}
LAT, LON, DEPTH = np.arange(-2.5, 3.5), np.arange(-179.5, -171.0), np.array([0.494, 47.4, 92.3, 541.1])


def store(path, *, hours=12, days=10, members=2, starts=None, suffix="", drop=()):
    """Forecasts whose values tell start, member and lead in days: 100 start + 10 member + lead."""
    leads = np.arange(1, days * 24 // hours + 1) * np.timedelta64(hours, "h")
    starts = np.array(["2024-01-03", "2024-01-10"], "datetime64[ns]") if starts is None else starts
    number = 1 if suffix else members
    value = np.arange(len(starts))[:, None, None] * 100.0 + np.arange(number)[:, None] * 10.0
    value = (value + leads / np.timedelta64(1, "D")).astype("float32")
    dims = ("init_time", "member", "lead", "depth", "lat", "lon")
    full = np.broadcast_to(value[..., None, None, None], (*value.shape, len(DEPTH), len(LAT), len(LON)))
    variables = {}
    for name, standard_name in STANDARD.items():
        array, own = (full[:, :, :, 0], (*dims[:3], *dims[4:])) if name == "zos" else (full, dims)
        if suffix:
            array, own = array[:, 0], (own[0], *own[2:])
        variables[name + suffix] = (own, array, {"standard_name": standard_name, "units": "1"})
    coordinates = {
        "init_time": ("init_time", starts, {"standard_name": "forecast_reference_time"}),
        "lead": ("lead", leads.astype("timedelta64[ns]"), {"standard_name": "forecast_period"}),
        "lat": ("lat", LAT, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("lon", LON, {"standard_name": "longitude", "units": "degrees_east"}),
        "depth": ("depth", DEPTH, {"standard_name": "depth", "units": "m", "positive": "down"}),
    }
    xr.Dataset(variables, coordinates).drop_vars(drop).to_zarr(path)
    return path


def test_days_are_means_of_their_leads(tmp_path):
    made = export_challenger(store(tmp_path / "f.zarr"), tmp_path / "challenger.zarr")
    assert dict(made.sizes) == {
        "first_day_datetime": 2, "lead_day_index": 10, "depth": 4, "latitude": len(LAT), "longitude": len(LON)
    }  # fmt: skip
    assert made.zos.dims == ("first_day_datetime", "lead_day_index", "latitude", "longitude")
    # half days at 0.5 and 1.0 of two members at 0 and 10
    np.testing.assert_allclose(made.thetao[1, :, 2, 3, 4], 100 + 5 + 0.75 + np.arange(10))
    assert (made.first_day_datetime.values == np.array(["2024-01-03", "2024-01-10"], "datetime64[ns]")).all()
    assert list(made.lead_day_index.values) == list(range(10))
    for name in VARIABLES:
        assert made[name].dtype == "float32" and made[name].attrs["standard_name"] == STANDARD[name]
    for name in ("first_day_datetime", "lead_day_index"):
        assert "standard_name" not in made[name].attrs
    assert (tmp_path / "challenger.zarr" / ".zmetadata").exists()  # format 2
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_one_member_or_a_mean_that_is_kept(tmp_path):
    one = challenger(store(tmp_path / "f.zarr"), member=1)
    np.testing.assert_allclose(one.uo[0, 0, 0, 0, 0], 10.75)
    mean = challenger(store(tmp_path / "m.zarr", suffix="_mean", hours=24))
    np.testing.assert_allclose(mean.uo[0, :, 0, 0, 0], 1 + np.arange(10))


def test_starts_at_noon_and_in_other_calendars(tmp_path):
    noon = np.array(["2024-01-02T12"], "datetime64[ns]")
    assert str(challenger(store(tmp_path / "a.zarr", starts=noon)).first_day_datetime.values[0])[:10] == "2024-01-03"
    model = np.array([cftime.datetime(2024, 1, 3, calendar="noleap")], object)
    assert str(challenger(store(tmp_path / "b.zarr", starts=model)).first_day_datetime.values[0])[:10] == "2024-01-03"


def test_what_oceanbench_computes_from_it(tmp_path):
    rmsd = pytest.importorskip("oceanbench.core.rmsd", reason="oceanbench is not installed")
    from oceanbench.core.dataset_utils import Variable
    from oceanbench.core.resolution import get_dataset_resolution

    made = export_challenger(store(tmp_path / "f.zarr"), tmp_path / "challenger.zarr")
    assert get_dataset_resolution(made) == "one_degree"
    reference = (made + 2.0).assign_attrs(made.attrs)
    for name in made.variables:
        reference[name].attrs = made[name].attrs
    water = made.thetao[0, 0].notnull()
    found = rmsd.rmsd(made, reference, [Variable.SEA_WATER_POTENTIAL_TEMPERATURE], water)
    np.testing.assert_allclose(found.filter(like="ead day").to_numpy(float), 2.0)


@pytest.mark.parametrize(
    "options, member, words",
    [
        ({"days": 8}, None, "no lead in day 8 of 0 to 9"),
        ({"drop": ["vo"]}, None, "no variable vo"),
        ({}, 2, "--member is 2; .* has 2 members"),
        ({"suffix": "_mean"}, 0, "has 0 members"),
    ],
)
def test_stores_that_do_not_do(tmp_path, options, member, words):
    path = store(tmp_path / "f.zarr", hours=24, **options)
    with pytest.raises(UserError, match=words):
        challenger(path, member)


def test_the_command(tmp_path, capsys):
    path = str(store(tmp_path / "f.zarr", hours=24, members=1))
    arguments = ["oceanbench", path, "--output", str(tmp_path / "c.zarr")]
    assert main(arguments) == 0 and "2 starts" in capsys.readouterr().out
    assert main(arguments) == 2 and "exists already; --overwrite" in capsys.readouterr().err
    assert main(["oceanbench", str(tmp_path), "--output", str(tmp_path / "d.zarr")]) == 2
    assert "cannot be read as a Zarr store" in capsys.readouterr().err
