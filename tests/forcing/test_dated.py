"""Windows of dated records and anomalies that persist, on the points of a small grid."""

import cftime
import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
from dated_stores import dated
from encoding_cases import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.config import config_from_dict
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.analytic import acc_stress
from ocean_gcm.forcing.build import build_forcing
from ocean_gcm.forcing.source import Start, dated_config, open_forcing
from ocean_gcm.forcing.wind import drag_coefficient, wind_stress
from ocean_gcm.grid.build import build_grid_from_config

DAY = 86400
HOURS = np.array([0, 6, 12, 18, 24, 32, 40, 46, 52, 58, 64, 72.0])  # intervals of 8 hours are no gaps
SURFACE = {
    "wind_stress": {"kind": "acc", "amplitude": 0.1},
    "heat_flux": {"kind": "uniform", "value": 20.0},
    "sst_restoring": {"target": {"kind": "zonal"}},
}
CONFIG = config_from_dict({**SMALL, "surface": SURFACE})
GRID = build_grid_from_config(CONFIG.grid, CONFIG.bathymetry)
YEAR = build_forcing(CONFIG.surface, GRID, equation_of_state="linear", dtype=jnp.float64)
NOISE = np.random.default_rng(0).normal(size=(len(HOURS), *GRID.wet.shape))


@pytest.fixture(scope="module", autouse=True)
def double():
    jax.config.update("jax_enable_x64", True)


def fields(noise=NOISE):
    return {"tauuo": 0.1 * noise, "tauvo": 0.05 * noise, "hfds": 100 * noise, "tos": 15 + noise}


def start(hours, calendar="noleap", year=1):
    date = cftime.datetime(year, 1, 1, calendar=calendar)
    return Start(round(hours * 3600), date + np.timedelta64(round(hours * 3600), "s").astype(object))


@pytest.fixture
def source(tmp_path):
    def opened(data=None, starts=None, length=2 * DAY, longest=DAY, calendar="noleap", **keys):
        data = dated(GRID, CONFIG, fields(), HOURS) if data is None else data
        data.to_netcdf(tmp_path / "winds.nc")
        return open_forcing(
            dated_config({"path": str(tmp_path / "winds.nc"), **keys}), YEAR, GRID, equation_of_state="linear",
            calendar=calendar, starts=starts or [start(12)], length=length, longest=longest, dtype=jnp.float64,
        )  # fmt: skip

    return opened


@jax.jit
def surface(forcing, seconds):
    return forcing.at(jdt.Timedelta(seconds // DAY, seconds % DAY))


def linear(values, hours):
    at = np.searchsorted(HOURS, hours, "right") - 1
    at = min(at, len(HOURS) - 2)
    weight = (hours - HOURS[at]) / (HOURS[at + 1] - HOURS[at])
    return (1 - weight) * values[at] + weight * values[at + 1]


def at_faces(values, axis):
    mask = GRID.mask_u if axis == -1 else GRID.mask_v
    return np.where(mask[0], 0.5 * (values + np.roll(values, -1, axis)), 0.0)


def test_a_window_is_linear_in_time_at_the_points_of_the_grid(source):
    data, opened = fields(), source()
    assert [len(opened.over([start(12)], begin, begin + DAY).days[0]) for begin in (0, DAY)] == [opened.size] * 2
    first = opened.over([start(12)], 0, DAY)

    @settings(max_examples=30, deadline=None)
    @given(second=st.integers(12 * 3600, 36 * 3600))
    def check(second):
        found, hours = surface(first, jnp.int32(second)), second / 3600
        np.testing.assert_allclose(found.stress_x, at_faces(linear(data["tauuo"], hours), -1), atol=1e-14)
        np.testing.assert_allclose(found.stress_y, at_faces(linear(data["tauvo"], hours), -2), atol=1e-14)
        for field, name in ((found.heat_flux, "hfds"), (found.sst, "tos")):
            # rounding is that of the two records, between which the flux may vanish
            size = np.abs(data[name]).max()
            np.testing.assert_allclose(field[GRID.wet], linear(data[name], hours)[GRID.wet], rtol=0, atol=1e-14 * size)
        assert found.sst_piston_velocity == YEAR.sst_piston_velocity

    check()


def test_each_start_has_its_own_window(source):
    starts = (start(0), start(12))
    opened = source(starts=starts)
    both = opened.over(starts, 0, DAY)
    for number, one in enumerate(starts):
        alone, shared = opened.over([one], 0, DAY), both.select(jnp.int32(number))
        second = jnp.int32(one.seconds + 5 * 3600)
        np.testing.assert_array_equal(surface(alone, second).heat_flux, surface(shared, second).heat_flux)


def test_dates_of_another_calendar_count_from_the_date_with_the_same_name(source):
    data = dated(GRID, CONFIG, fields(), HOURS, start="2000-02-28", calendar="standard")
    begin = Start(57 * DAY, cftime.datetime(2000, 2, 28, calendar="noleap"))
    found = surface(source(data, [begin]).over([begin], DAY, DAY), jnp.int32(58 * DAY))  # true 29 February
    np.testing.assert_allclose(found.heat_flux[GRID.wet], fields()["hfds"][4][GRID.wet], rtol=1e-12)


def test_a_constant_window_is_the_repeating_year_with_the_same_fields(source):
    same = surface(YEAR, jnp.int32(0))
    one = np.ones((len(HOURS), 1, 1))
    sst = np.asarray(same.sst)
    zonal = acc_stress(GRID.geometry.y["T"], 0.1)
    data = {"tauuo": one * zonal, "tauvo": 0 * one * zonal, "hfds": one * np.asarray(same.heat_flux), "tos": one * sst}
    window = source(dated(GRID, CONFIG, data, HOURS)).over([start(12)], 0, DAY)
    found = surface(window, jnp.int32(50_000))
    for name in ("stress_x", "heat_flux", "sst"):
        np.testing.assert_array_equal(getattr(found, name), getattr(same, name), err_msg=name)
    assert not found.stress_y.any()


def anomalous(size):
    """Records that differ by `size` of W m-2 from the year; later ones than 18 hours are unknown."""
    values = np.full((len(HOURS), *GRID.wet.shape), 20.0 + size)
    values[HOURS > 18] = np.nan
    return dated(GRID, CONFIG, {"hfds": values}, HOURS)


@pytest.mark.parametrize("size, memory", [(0.0, None), (30.0, None), (30.0, "P2D")])
def test_anomalies_persist_and_nothing_later_is_read(source, size, memory):
    starts = (start(12), start(20))  # the second lies between two records
    forcing = source(anomalous(size), starts, 100 * DAY, mode="persisted", memory=memory).over(starts, 0, 100 * DAY)
    for number, one in enumerate(starts):
        for days in (0, 2, 60):
            second = jnp.int32(one.seconds + days * DAY)
            usual, found = surface(YEAR, second), surface(forcing.select(jnp.int32(number)), second)
            left = size if memory is None else size * np.exp(-days / 2)
            expected = np.where(GRID.wet, np.asarray(usual.heat_flux) + left, 0)
            np.testing.assert_allclose(found.heat_flux, expected, rtol=1e-12)
            np.testing.assert_array_equal(found.sst, usual.sst)
    assert set(forcing.anomalies) == {"heat_flux"}


def test_anomalies_are_means_over_what_is_known(source):
    data = fields()["hfds"]
    forcing = source(mode="persisted", average="PT18H", fields=["heat_flux"]).over([start(20)], 0, 0)
    expected = data[1:4].mean(0) - 20  # 6, 12 and 18 hours: less than 18 hours ago
    np.testing.assert_allclose(forcing.anomalies["heat_flux"][0][GRID.wet], expected[GRID.wet], rtol=1e-12)
    means = dated(GRID, CONFIG, fields(), HOURS)
    ends = means["time"].values + np.timedelta64(3, "h").astype(object)
    means["time_bnds"] = (("time", "bnds"), np.stack([means["time"].values, ends], -1))
    means["time_bnds"].encoding.update(means["time"].encoding)
    forcing = source(means, mode="persisted", fields=["heat_flux"]).over([start(20)], 0, 0)
    np.testing.assert_allclose(forcing.anomalies["heat_flux"][0][GRID.wet], (data[2] - 20)[GRID.wet], rtol=1e-12)


def test_gradients_go_to_the_records_around(source):
    window = source().over([start(12)], 0, DAY)
    gradient = jax.grad(lambda w: surface(w, jnp.int32(13 * 3600)).heat_flux.sum(), allow_int=True)(window)
    np.testing.assert_allclose(gradient.fields["heat_flux"][0, :3, 4, 1], [5 / 6, 1 / 6, 0], rtol=1e-12)


def test_winds_and_fluxes_make_what_acts(source):
    one = np.ones((len(HOURS), *GRID.wet.shape))
    data = {"uas": 10 * one, "vas": -5 * one, "rss": 200 * one, "rls": -60 * one, "hfls": 100 * one, "hfss": 10 * one}
    found = surface(source(dated(GRID, CONFIG, data, HOURS)).over([start(0)], 0, 0), jnp.int32(0))
    east, north = wind_stress(np.array(10.0), np.array(-5.0))
    assert np.allclose(found.stress_x[GRID.mask_u[0]], east) and np.allclose(found.stress_y[GRID.mask_v[0]], north)
    assert np.allclose(found.heat_flux[GRID.wet], 30.0) and 0.1 < east < 0.25
    # Large and Yeager 2009: 2.34e-3 in hurricanes, whatever their speed
    np.testing.assert_allclose(drag_coefficient(np.array([33.0, 60.0])), 2.34e-3, rtol=5e-3)


def without(name):
    return dated(GRID, CONFIG, {n: a for n, a in fields().items() if n != name}, HOURS)


def changed(name, **attributes):
    data = dated(GRID, CONFIG, fields(), HOURS)
    data[name].attrs.update(attributes)
    return data


@pytest.mark.parametrize(
    "data, options, words",
    [
        (None, {"length": 3 * DAY}, "12 record.*; expected some from 0001-01-01 12:.* to 0001-01-04 12"),
        (None, {"starts": [start(-2)]}, "expected some from"),
        (None, {"starts": [start(-2)], "mode": "persisted"}, "expected a record that is known at the start"),
        (None, {"starts": [start(90)], "mode": "persisted"}, "0.75 days earlier; expected at most 0.4"),
        (lambda: without("hfds"), {"fields": ["heat_flux"]}, "does not give heat_flux: it needs hfds or rss and rls"),
        (lambda: dated(GRID, CONFIG, {"pr": 0 * NOISE}, HOURS), {}, "gives nothing that acts .*it holds pr"),
        (None, {"fields": ["freshwater"]}, "freshwater, which does not act in the model"),
        (None, {"fields": ["wind"]}, "forcing: .*fields"),
        (None, {"memory": "P3D"}, "memory = P3D needs mode = persisted"),
        (None, {"every": 3}, "forcing: .*every"),
        (lambda: dated(GRID, CONFIG, fields(), HOURS).isel(lon=slice(0, 5)), {}, "has 5 cells along lon; .*prepare"),
        (lambda: dated(GRID, CONFIG, fields(), HOURS).isel(time=[0, 1, 2, 3, 8, 9, 10, 11]), {}, "has a gap of 1.42"),
        (lambda: dated(GRID, CONFIG, fields(), HOURS).drop_vars("time"), {}, "no units such as"),
        (lambda: dated(GRID, CONFIG, fields(), HOURS, calendar="360_day"), {"length": 400 * DAY}, "calendar 360_day"),
    ],
)  # fmt: skip
def test_bad_input(source, data, options, words):
    with pytest.raises(UserError, match=words):
        source(None if data is None else data(), **options)


@pytest.mark.parametrize(
    "data, words",
    [
        (lambda: changed("hfds", units="K"), "units 'K'; expected W m-2"),
        (lambda: changed("tos", units="K"), "expected -8 to 45"),
        (lambda: dated(GRID, CONFIG, {"hfds": np.where(HOURS[:, None, None] == 24, np.nan, NOISE)}, HOURS),
         "hfds of .* is missing in .* wet cells at 0001-01-02 00:00:00"),
    ],
)  # fmt: skip
def test_bad_values(source, data, words):
    with pytest.raises(UserError, match=words):
        source(data()).over([start(12)], 0, DAY)
