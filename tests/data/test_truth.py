"""A truth on the model's grid: what it reads, how it is cut along time, states made from it."""

import dataclasses

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import ocean_gcm as og
from ocean_gcm.config import config_from_dict
from ocean_gcm.data import output
from ocean_gcm.data.truth import Period, open_truth
from ocean_gcm.errors import UserError

TREE = {
    "name": "small_basin",
    "precision": "float32",
    "grid": {
        "geometry": "plane", "nx": 8, "ny": 6, "x": [0, 8e5], "y": [0, 6e5], "f0": 1e-4, "beta": 2e-11,
        "levels": {"thickness": [100, 300, 600]},
    },
    "bathymetry": {"kind": "flat", "depth": 900, "walls": [{"x": [0, 2e5], "y": [0, 2e5]}]},
    "initial": {"kind": "linear"},
    "closures": {"drag": {"kind": "bottom_drag", "linear": 1e-3}},
    "tracers": {"dye": {"kind": "uniform", "value": 1.0}},
    "time": {"step": "PT1H", "duration": "P10D", "calendar": "360_day"},
}  # fmt: skip
RECORDS, DAY = 12, 86400


@pytest.fixture(scope="module")
def model():
    return og.build_model(config_from_dict(TREE))


@pytest.fixture(scope="module")
def states(model):
    """Fields of RECORDS states of the model, by its names."""
    grid, generator = model.grid, np.random.default_rng(0)

    def noise(mask, scale, mean=0.0):
        return np.where(mask, mean + scale * generator.standard_normal((RECORDS, *mask.shape)), 0).astype(np.float32)

    return {
        "u": noise(grid.mask_u, 0.1),
        "v": noise(grid.mask_v, 0.1),
        "temperature": noise(grid.mask, 2.0, 10.0),
        "salinity": noise(grid.mask, 0.2, 35.0),
        "sea_surface_height": noise(grid.wet, 0.1),
        "dye": noise(grid.mask, 0.1, 1.0),
    }


def dataset_of(model, states, times=None, bounds=None):
    times = 5.5 * DAY + 5 * DAY * np.arange(RECORDS) if times is None else times
    return output.dataset_from_fields(model.grid, model.config, states, times, bounds)


@pytest.fixture(scope="module")
def store(model, states, tmp_path_factory):
    return written(tmp_path_factory.mktemp("truth"), model, dataset_of(model, states))


def written(directory, model, dataset):
    dataset.to_zarr(directory / "truth.zarr", mode="w")
    (directory / "config.yaml").write_text(model.config.to_yaml())
    return directory / "truth.zarr"


@pytest.fixture(scope="module")
def truth(store, model):
    return open_truth(store, model)


def test_fields_are_what_the_model_carried(truth, states):
    """Through potential temperature and practical salinity in the file (TEOS-10) and back."""
    assert (len(truth), truth.interval) == (RECORDS, 5 * DAY)
    for record in (0, 7):
        fields = truth.fields(record)
        assert set(fields) == set(states)
        for name, array in fields.items():
            assert array.dtype == np.float32
            np.testing.assert_allclose(array, states[name][record], rtol=1e-6, atol=1e-6, err_msg=name)
    by_date = truth.fields("0001-01-12")
    np.testing.assert_array_equal(by_date["u"], truth.fields(2)["u"])


def test_the_file_holds_other_temperatures_than_the_model(store, truth):
    with xr.open_zarr(store, chunks=None) as dataset:
        assert np.nanmax(np.abs(dataset.thetao.values[0] - truth.fields(0)["temperature"])) > 1e-3


def test_reading_is_lazy_until_asked(store, model):
    truth = open_truth(store, model)
    assert not any(v._in_memory for n, v in truth.series.dataset.data_vars.items() if n in ("thetao", "uo", "zos"))


@pytest.mark.parametrize(("start", "records", "stride"), [(0, 12, 1), (3, 1, 1), (1, 4, 3), (11, 1, 5)])
def test_windows_are_the_file(truth, start, records, stride):
    window = truth.window(start, records, stride)
    for n in range(records):
        fields, record = truth.fields(start + n * stride), window.at(n)
        for name, array in fields.items():
            found = record.ocean.tracers["dye"] if name == "dye" else getattr(record.ocean, name)
            np.testing.assert_array_equal(found, array)
        assert int(record.days) * DAY + int(record.seconds) == truth.seconds[start + n * stride]
    in_memory = truth.in_memory().window(start, records, stride)
    jax.tree.map(np.testing.assert_array_equal, in_memory, window)


@pytest.mark.parametrize("window", [(0, 13, 1), (-1, 2, 1), (5, 3, 4), (12, 1, 1), (0, 0, 1), (0, 1, 0)])
def test_windows_outside_are_refused(truth, window):
    with pytest.raises(UserError, match="does not lie in the 12 records"):
        truth.window(*window)


def test_split_by_fractions_and_by_dates(truth):
    parts = truth.split({"train": 0.5, "validation": 0.25, "test": 0.25})
    assert parts == {"train": Period(0, 6), "validation": Period(6, 9), "test": Period(9, 12)}
    parts = truth.split({"test": ("0001-02-01", "0001-03-01"), "train": ("0001-01-01", "0001-02-01")})
    assert parts == {"test": Period(5, 11), "train": Period(0, 5)}
    assert str(truth.dates[5]) == "0001-02-01 12:00:00"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"train": 0.8, "test": 0.3}, "up to 1"),
        ({"train": -0.1}, "positive"),
        ({"train": 0.01}, "no record"),
        ({"train": ("0002-01-01", "0003-01-01")}, "no record"),
        ({"a": ("0001-01-01", "0001-02-01"), "b": ("0001-01-20", "0001-02-20")}, "a and b overlap"),
        ({"train": ("0001-02-31", "0001-03-01")}, "is not a date of the calendar 360_day"),
        ({"train": ("January", "0001-03-01")}, "expected YYYY-MM-DD"),
    ],
    ids=str,
)
def test_splits_that_are_refused(truth, parts, words):
    with pytest.raises(UserError, match=words):
        truth.split(parts)


def test_records_outside_are_refused(truth):
    for record in (12, -1, "0002-01-01"):
        with pytest.raises(UserError, match="has no record"):
            truth.fields(record)


@given(begin=st.integers(0, 20), length=st.integers(0, 40), records=st.integers(1, 10), stride=st.integers(1, 5))
@settings(deadline=None)
def test_starts_are_all_whose_windows_lie_inside(begin, length, records, stride):
    period = Period(begin, begin + length)
    inside = [s for s in range(100) if begin <= s and s + (records - 1) * stride < begin + length]
    assert period.starts(records, stride).tolist() == inside
    if inside:
        sample = period.sample(len(inside), records, stride, seed=4)
        assert sample.tolist() == inside
        few = period.sample((len(inside) + 1) // 2, records, stride, seed=4)
        assert set(few) <= set(inside) and len(set(few)) == len(few)
        assert few.tolist() == period.sample(len(few), records, stride, seed=4).tolist()
    with pytest.raises(UserError, match="starts"):
        period.sample(len(inside) + 1, records, stride)


def changed(**keys):
    return og.build_model(config_from_dict({**TREE, **keys}))


SPHERE = {**TREE["grid"], "geometry": "sphere", "x": [0, 8], "y": [0, 6], "f0": 0, "beta": 0}
WALLS = {"kind": "flat", "depth": 900, "walls": [{"x": [0, 1e5], "y": [0, 2e5]}]}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"grid": {**TREE["grid"], "nx": 16}}, "8 cells along x; expected 16"),
        ({"grid": {**TREE["grid"], "x": [0, 9e5]}}, r"another grid: x\[0\] is 50000 m; expected 56250 m"),
        ({"grid": {**TREE["grid"], "levels": {"thickness": [200, 200, 600]}}}, "lev_bnds"),
        ({"grid": SPHERE, "bathymetry": {"kind": "flat", "depth": 900}}, "has no dimension lon; expected one of 8"),
        ({"bathymetry": WALLS}, "6 cells differ, the first has land at level 0, x = 150000, y = 50000"),
        ({"bathymetry": {**TREE["bathymetry"], "depth": 950}}, "bottom cells .* thkcello is 500 m"),
        ({"time": {"step": "PT1H"}}, "calendar 360_day; expected the model's, noleap"),
        ({"time": {**TREE["time"], "start": "0002-01-01"}}, "before the model's time.start"),
        ({"tracers": {"age": TREE["tracers"]["dye"]}}, "has no variable age; it holds .*thetao"),
    ],
    ids=["size", "domain", "levels", "sphere", "mask", "bottom", "calendar", "start", "tracer"],
)
def test_a_truth_of_another_model(store, keys, words):
    with pytest.raises(UserError, match=words):
        open_truth(store, changed(**keys))


def test_times_and_kinds_that_are_refused(model, states, tmp_path):
    regular = 5.5 * DAY + 5 * DAY * np.arange(RECORDS)
    gap = regular + np.where(np.arange(RECORDS) > 6, 3 * DAY, 0)
    with pytest.raises(UserError, match="record 7 .* comes P8D after the one before; expected P5D"):
        open_truth(written(tmp_path, model, dataset_of(model, states, gap)), model)
    bounds = np.stack([regular - DAY, regular + DAY], -1)
    means = written(tmp_path, model, dataset_of(model, states, regular, bounds))
    with pytest.raises(UserError, match="holds means over intervals"):
        open_truth(means, model)
    assert len(open_truth(means, model, means=True)) == RECORDS


def test_a_last_shorter_interval_is_left_out(model, states, tmp_path):
    times = 5.0 * DAY * np.arange(RECORDS)
    times[-1] -= 2 * DAY
    truth = open_truth(written(tmp_path, model, dataset_of(model, states, times)), model)
    assert (len(truth), truth.interval, len(truth.dates)) == (RECORDS - 1, 5 * DAY, RECORDS - 1)


def test_states_are_those_of_initial_state_at_their_times(truth, model):
    """A batch of states, made inside of jit: equal to the model's own way at the start, at their own times."""
    window = truth.window(2, 3)
    keys = jax.random.split(jax.random.key(5), 3)
    batch = jax.jit(jax.vmap(model.state_from))(window.ocean, window.time, keys)
    for n in range(3):
        own = model.initial_state(keys[n], truth.fields(2 + n))
        made = jax.tree.map(lambda a, n=n: a[n], batch)
        at_zero = dataclasses.replace(made, clock=own.clock)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-12), at_zero, own)
        assert int(made.time.days) * DAY + int(made.time.seconds) == truth.seconds[2 + n]
    assert np.any(np.asarray(batch.stepper.history[0][0]) != 0)


def test_steps_from_a_state_can_be_differentiated_with_respect_to_its_fields(truth):
    model = changed(dynamics={"momentum_advection": "none"})  # compiles faster
    window = truth.window(4, 2)
    first, time = window.at(0).ocean, window.at(0).time

    def loss(ocean):
        state = model.state_from(ocean, jdt.Timedelta(*map(jnp.asarray, (time.days, time.seconds))), jax.random.key(0))
        return jnp.mean(model.unroll(state, steps=2)[0].ocean.temperature ** 2)

    gradient = jax.jit(jax.grad(loss))(first)
    wet = model.grid.mask
    assert np.isfinite(gradient.temperature).all() and (np.asarray(gradient.temperature)[~wet] == 0).all()
    assert (np.asarray(gradient.temperature)[wet] != 0).all()


def test_land_does_not_count(truth, model):
    ocean = truth.window(0, 1).at(0).ocean
    spoilt = jax.tree.map(lambda a: np.where(a == 0, np.nan, a), ocean)
    time, key = jdt.Timedelta(0, 0), jax.random.key(0)
    clean = model.state_from(ocean, time, key)
    jax.tree.map(np.testing.assert_array_equal, model.state_from(spoilt, time, key), clean)


def test_split_by_shares_and_dates(truth):
    parts = truth.split({"train": (0.0, "0001-02-01"), "validation": (0.5, 1.0)})
    assert parts == {"train": Period(0, 5), "validation": Period(6, 12)}
    with pytest.raises(UserError, match="overlap"):
        truth.split({"train": (0.0, 0.6), "validation": (0.5, 1.0)})
    with pytest.raises(UserError, match="expected a share from 0 to 1"):
        truth.split({"train": (0.0, 1.5)})


def test_windows_of_starts_and_strides(truth):
    both = truth.windows([4, 0], 3, 2)
    for n, start in enumerate((4, 0)):
        jax.tree.map(np.testing.assert_array_equal, jax.tree.map(lambda a, n=n: a[n], both), truth.window(start, 3, 2))
    assert truth.stride(10 * DAY, "key") == 2
    with pytest.raises(UserError, match="key is 86400 s; expected a multiple of 432000 s"):
        truth.stride(DAY, "key")
    period = Period(2, 12)
    np.testing.assert_array_equal(period.spread(3, 4), [2, 5, 8])
    assert len(period.spread(50, 4)) == 7
    with pytest.raises(UserError, match="a forecast needs 13 records of the truth, the period has 10"):
        period.spread(3, 4, 4)
