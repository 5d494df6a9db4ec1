"""The recipes in configs/data on small files that have the names, units, axes and oddities of each product."""

import numpy as np
import pytest
import xarray as xr
from published import model_file, series

from ocean_gcm.data.recipe import load_recipe
from ocean_gcm.data.survey import survey

OCEAN = ("thetao", "so", "uo", "vo", "zos")


def renamed(data, names, axes, **units):
    """`data` in the words of a product: `names` of its variables, `axes` by depth, lat, lon and time."""
    data = data.rename({**names, **axes})
    for name, unit in units.items():
        data[name].attrs = {"units": unit}
    return data


def glorys12(data):
    data = data.rename(lat="latitude", lon="longitude")
    for name, units, standard in (
        ("thetao", "degrees_C", "sea_water_potential_temperature"),
        ("so", "1e-3", "sea_water_salinity"),
    ):
        data[name].attrs = {"units": units, "standard_name": standard}
    data.depth.attrs = {"units": "m", "positive": "down", "standard_name": "depth"}
    packed = {"dtype": "int16", "scale_factor": 0.001, "add_offset": 20.0, "_FillValue": -32767}
    yield "glorys12/mercatorglorys12v1_gl12_mean_201102.nc", data, {name: packed for name in ("thetao", "so")}


def oras5(data):
    lon, lat = np.meshgrid(data.lon, data.lat)
    data = renamed(
        data,
        dict(zip(OCEAN, ("votemper", "vosaline", "vozocrte", "vomecrtx", "sossheig"), strict=True)),
        {"lat": "y", "lon": "x", "time": "time_counter"},
        votemper="C",
        vosaline="PSU",
        vozocrte="m/s",
        vomecrtx="m/s",
        sossheig="m",
    ).drop_vars(["x", "y"])
    places = {"votemper": "deptht", "vosaline": "deptht", "vozocrte": "depthu", "vomecrtx": "depthv"}
    for name in list(data.data_vars):
        one = (
            data[[name]].drop_vars("depth", errors="ignore")
            if name == "sossheig"
            else data[[name]].rename(depth=places[name])
        )
        one = one.assign_coords(
            nav_lat=(("y", "x"), lat, {"units": "degrees_north"}), nav_lon=(("y", "x"), lon, {"units": "degrees_east"})
        )
        yield f"oras5/{name}_control_monthly_highres_3D_201102.nc", one, {name: {"_FillValue": 9.96921e36}}


def ecco(data):
    data = data.assign_coords(lon=("lon", (data.lon.values + 180) % 360 - 180)).sortby("lon")
    data = renamed(
        data,
        dict(zip(OCEAN, ("THETA", "SALT", "EVEL", "NVEL", "SSH"), strict=True)),
        {"lat": "latitude", "lon": "longitude", "depth": "Z"},
        THETA="degree_C",
        SALT="1e-3",
        EVEL="m s-1",
        NVEL="m s-1",
        SSH="m",
    )
    data = data.assign_coords(Z=("Z", -data.Z.values, {"units": "m", "positive": "up", "axis": "Z"}))
    for part, names in (
        ("OCEAN_TEMPERATURE_SALINITY", ["THETA", "SALT"]),
        ("OCEAN_VELOCITY", ["EVEL", "NVEL"]),
        ("SEA_SURFACE_HEIGHT", ["SSH"]),
    ):
        for record in range(data.sizes["time"]):
            yield (
                f"ecco/{part}_mon_mean_2011-{record:02}_ECCO_V4r4_latlon_0p50deg.nc",
                data[names].isel(time=[record]),
                {},
            )


def soda3(data):
    data = renamed(
        data,
        dict(zip(OCEAN, ("temp", "salt", "u", "v", "ssh"), strict=True)),
        {"lat": "yt_ocean", "lon": "xt_ocean", "depth": "st_ocean"},
        temp="degrees C",
        salt="psu",
        u="m/sec",
        v="m/sec",
        ssh="meters",
    )
    for name, unit, letter in (
        ("xt_ocean", "degrees_E", "X"),
        ("yt_ocean", "degrees_N", "Y"),
        ("st_ocean", "meters", "Z"),
    ):
        data[name].attrs = {"units": unit, "cartesian_axis": letter} | ({"positive": "down"} if letter == "Z" else {})
    for name in ("u", "v"):
        data[name] = data[name].rename(yt_ocean="yu_ocean", xt_ocean="xu_ocean")
        for axis, unit in (("yu_ocean", "degrees_N"), ("xu_ocean", "degrees_E")):
            data[axis].attrs = {"units": unit}
    yield "soda3/soda3.4.2_mn_ocean_reg_2011.nc", data, {}


def godas(data):
    data = data.assign(thetao=data.thetao + 273.15, so=data.so / 1000).isel(lat=slice(None, None, -1))
    data = renamed(
        data,
        dict(zip(OCEAN, ("pottmp", "salt", "ucur", "vcur", "sshg"), strict=True)),
        {"depth": "level"},
        pottmp="K",
        salt="kg/kg",
        ucur="m/s",
        vcur="m/s",
        sshg="m",
    )
    for name in ("pottmp", "salt", "ucur", "vcur", "sshg"):
        yield f"godas/{name}.2011.nc", data[[name]], {}


PRODUCTS = {"glorys12": glorys12, "oras5": oras5, "ecco": ecco, "soda3": soda3, "godas": godas}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return model_file(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return series(3).isel(time=0)


def write(directory, files):
    for name, data, encoding in files:
        (directory / name).parent.mkdir(exist_ok=True)
        data.to_netcdf(directory / name, encoding=encoding)


@pytest.mark.parametrize("name", PRODUCTS)
def test_reanalyses(name, model, expected, tmp_path, monkeypatch, request):
    monkeypatch.setenv("OCEAN_GCM_DATA", str(tmp_path))
    data = series(3, nlon=20, nlat=14)
    data["time"] = ("time", [15.0, 45.0, 74.0], {"units": "days since 2011-01-01", "calendar": "standard"})
    write(tmp_path, PRODUCTS[name](data))
    overrides = [f"target={{kind: model, config: {model}}}"]
    found = survey(load_recipe(request.config.rootpath / "configs" / "data" / f"{name}.yaml", overrides))
    assert found.records == 3
    by_name = {v.name: v for v in found.variables}
    assert set(by_name) == set(OCEAN)
    for variable in ("thetao", "so", "zos"):
        source = expected[variable].values
        slack = 0.02 if name == "glorys12" else 2e-3  # packed
        assert np.nanmin(source) - slack <= by_name[variable].lowest
        assert by_name[variable].highest <= np.nanmax(source) + slack
        assert by_name[variable].highest > np.nanmean(source)
    assert "potential temperature" in by_name["thetao"].kind
    assert abs(by_name["uo"].highest) < 0.2


def atmosphere():
    lon, lat = (np.arange(24) + 0.5) * 15.0, 90.0 - np.arange(19) * 10.0
    hours = ("time", np.arange(24.0), {"units": "hours since 2019-01-01", "calendar": "proleptic_gregorian"})
    shape = (24, 19, 24)
    fields = {
        "2m_temperature": (280.0, "K"),
        "2m_dewpoint_temperature": (275.0, "K"),
        "10m_u_component_of_wind": (5.0, "m s**-1"),
        "10m_v_component_of_wind": (-3.0, "m s**-1"),
        "mean_sea_level_pressure": (1.01e5, "Pa"),
        "surface_solar_radiation_downwards": (720e3, "J m**-2"),
        "surface_thermal_radiation_downwards": (1260e3, "J m**-2"),
        "total_precipitation": (1e-4, "m"),
        "mean_eastward_turbulent_surface_stress": (0.1, "N m**-2"),
        "mean_northward_turbulent_surface_stress": (-0.05, "N m**-2"),
        "surface_net_solar_radiation": (720e3, "J m**-2"),
        "surface_net_thermal_radiation": (-180e3, "J m**-2"),
        "surface_latent_heat_flux": (-360e3, "J m**-2"),
        "surface_sensible_heat_flux": (-36e3, "J m**-2"),
        "sea_surface_temperature": (290.0, "K"),
        "land_sea_mask": (0.0, "(0 - 1)"),
    }
    dims = ("time", "latitude", "longitude")
    data = xr.Dataset({n: (dims, np.full(shape, value, np.float32), {"units": u}) for n, (value, u) in fields.items()})
    data["land_sea_mask"][:, :, 5:8] = 1.0
    data["2m_temperature"][:, :, 5:8] = 320.0  # a desert, whose air does not count
    return data.assign_coords(time=hours, latitude=("latitude", lat), longitude=("longitude", lon))


def test_era5(model, tmp_path, request):
    """Sums over an hour become rates; air over land stays there; every sixth hour."""
    atmosphere().to_zarr(tmp_path / "era5.zarr", zarr_format=2)
    overrides = [f"target={{kind: model, config: {model}}}", f"sources.0.path={tmp_path / 'era5.zarr'}"]
    found = survey(load_recipe(request.config.rootpath / "configs" / "data" / "era5.yaml", overrides))
    means = {v.name: v.mean for v in found.variables}
    assert found.records == 4
    expected = {"tas": 280.0, "tdps": 275.0, "uas": 5.0, "psl": 1.01e5, "rsds": 200.0, "rlds": 350.0, "pr": 0.1 / 3600}
    for name, value in expected.items():
        assert means[name] == pytest.approx(value, rel=1e-5), name


def test_era5_fluxes(model, tmp_path, request):
    """Fluxes that ERA5 counts downward become upward ones; together they are what an ocean model is forced with."""
    atmosphere().to_zarr(tmp_path / "era5.zarr", zarr_format=2)
    overrides = [f"target={{kind: model, config: {model}}}", f"sources.0.path={tmp_path / 'era5.zarr'}"]
    found = survey(load_recipe(request.config.rootpath / "configs" / "data" / "era5_fluxes.yaml", overrides))
    means = {v.name: v.mean for v in found.variables}
    expected = {"tauuo": 0.1, "tauvo": -0.05, "rss": 200.0, "rls": -50.0, "hfls": 100.0, "hfss": 10.0, "tos": 16.85}
    assert found.records == 8 and set(means) == {*expected, "pr"}
    for name, value in expected.items():
        assert means[name] == pytest.approx(value, rel=1e-4), name


def atmospheric_state(hours, directory):
    """Files of JRA55-do of one year: Gaussian latitudes, the height of the instruments as a scalar, bounds of means."""
    lat = np.rad2deg(np.arcsin(np.polynomial.legendre.leggauss(16)[0]))
    fields = {
        "tas": (280.0, "K", "air_temperature"),
        "huss": (0.005, "1", "specific_humidity"),
        "uas": (5.0, "m s-1", "eastward_wind"),
        "vas": (-3.0, "m s-1", "northward_wind"),
        "psl": (1.01e5, "Pa", "air_pressure_at_mean_sea_level"),
        "rsds": (200.0, "W m-2", "surface_downwelling_shortwave_flux_in_air"),
        "rlds": (350.0, "W m-2", "surface_downwelling_longwave_flux_in_air"),
        "prra": (3e-5, "kg m-2 s-1", "rainfall_flux"),
        "prsn": (1e-5, "kg m-2 s-1", "snowfall_flux"),
    }
    for name, (value, unit, standard) in fields.items():
        mean = name in ("rsds", "rlds", "prra", "prsn")
        time = (hours + 1.5 * mean) / 24 + 43099.0
        attrs = {"units": "days since 1900-01-01 00:00:00", "calendar": "gregorian", "bounds": "time_bnds"}
        data = xr.Dataset(
            {name: (("time", "lat", "lon"), np.full((len(time), 16, 32), value, "f4"))},
            {
                "time": ("time", time, attrs if mean else {k: attrs[k] for k in ("units", "calendar")}),
                "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
                "lon": ("lon", np.arange(32) * 11.25, {"units": "degrees_east", "standard_name": "longitude"}),
            },
        )
        data[name].attrs = {"units": unit, "standard_name": standard}
        if mean:
            data["time_bnds"] = (("time", "bnds"), np.stack([time - 1.5 / 24, time + 1.5 / 24], -1))
        else:
            data = data.assign_coords(height=((), 10.0, {"units": "m", "standard_name": "height", "positive": "up"}))
        period = "201801010130-201801012230" if mean else "201801010000-201801012100"
        data.to_netcdf(directory / f"{name}_input4MIPs_atmosphericState_OMIP_MRI-JRA55-do-1-5-0_gr_{period}.nc")
    return {name: value for name, (value, *_) in fields.items()}


def test_jra55_do(model, tmp_path, monkeypatch, request):
    monkeypatch.setenv("OCEAN_GCM_DATA", str(tmp_path))
    (tmp_path / "jra55_do").mkdir()
    expected = atmospheric_state(np.arange(0, 24, 3.0), tmp_path / "jra55_do")
    means = {}
    for name, start in (("jra55_do", "2018-01-01"), ("jra55_do_fluxes", "2018-01-01T01:30")):
        overrides = [f"target={{kind: model, config: {model}}}"]
        found = survey(load_recipe(request.config.rootpath / "configs" / "data" / f"{name}.yaml", overrides))
        assert found.records == 8
        for variable in found.variables:
            means[variable.name] = variable.mean
            assert variable.times.startswith(f"{start} to 2018-01-01T2") and "every 3 h" in variable.times
    assert means == pytest.approx(expected, rel=1e-5)
