"""Models held to a climatology: the cycle of the year, the pull, and what the increments mean."""

import dataclasses

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
import tiny_run

from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.times import MIDDLE_OF_MONTHS
from ocean_gcm.relaxation import TracerCycle, hold

DAY, TAU = 86400.0, 10 * 86400.0


@pytest.fixture(scope="module")
def model():
    return build_model(config_from_dict(tiny_run.TREE))


@pytest.fixture(scope="module")
def cycle(model):
    """Two degrees warmer than the start, a season on top, salinity as it is."""
    start = model.initial_state().ocean
    season = np.cos(2 * np.pi * np.array(MIDDLE_OF_MONTHS))[:, None, None, None]
    fields = {
        "temperature": np.asarray(start.temperature) + 2.0 + season,
        "salinity": np.broadcast_to(np.asarray(start.salinity), (12, *model.grid.shape)),
    }
    return TracerCycle.of(fields, MIDDLE_OF_MONTHS, model)


def test_the_year_is_linear_between_records_and_repeats(cycle):
    middle = lambda month: jdt.Timedelta(*divmod(round(MIDDLE_OF_MONTHS[month] * 365 * 86400), 86400))  # noqa: E731
    for month in (0, 5, 11):
        np.testing.assert_allclose(cycle.at(middle(month))["temperature"], cycle.fields["temperature"][month])
    december, january = cycle.fields["temperature"][11], cycle.fields["temperature"][0]
    np.testing.assert_allclose(cycle.at(jdt.Timedelta(0, 0))["temperature"], 0.5 * (december + january))
    np.testing.assert_allclose(cycle.at(jdt.Timedelta(365, 0))["temperature"], 0.5 * (december + january))


def test_errors_decay_with_the_time_scale(model, cycle):
    """A model at rest that changes nothing by itself comes closer by exp(-t / tau)."""
    still = dataclasses.replace(cycle, fields={n: jnp.broadcast_to(a[:1], a.shape) for n, a in cycle.fields.items()})
    quiet = build_model(config_from_dict({**tiny_run.TREE, "surface": {}}))
    start = quiet.initial_state()
    state, increments = hold(quiet, start, still, steps=40, time_scale=TAU)
    target, wet = still.fields["temperature"][0], quiet.grid.mask
    left = np.asarray(target - state.ocean.temperature)[wet] / np.asarray(target - start.ocean.temperature)[wet]
    np.testing.assert_allclose(left, np.exp(-1.0), rtol=1e-9)
    drawn = np.asarray(increments["temperature"] * 10 * DAY)[wet]
    np.testing.assert_allclose(drawn, np.asarray(state.ocean.temperature - start.ocean.temperature)[wet], rtol=1e-9)
    np.testing.assert_allclose(increments["salinity"], 0.0, atol=1e-18)


def test_increments_are_what_the_model_lacks(model, cycle):
    """One step of the model alone, and what was drawn, make the held step."""
    start = model.initial_state()
    held, increments = hold(model, start, cycle, steps=1, time_scale=TAU)
    alone, _ = model.step(start)
    change = model.physics_interval * increments["temperature"]
    np.testing.assert_allclose(held.ocean.temperature, alone.ocean.temperature + change, rtol=1e-14)
    np.testing.assert_array_equal(held.ocean.u, alone.ocean.u)


def test_pieces_make_the_whole(model, cycle):
    start = model.initial_state()
    whole, both = hold(model, start, cycle, steps=6, time_scale=TAU)
    half, first = hold(model, start, cycle, steps=3, time_scale=TAU)
    again, second = hold(model, half, cycle, steps=3, time_scale=TAU)
    jax.tree.map(np.testing.assert_array_equal, whole, again)
    np.testing.assert_allclose(both["temperature"], 0.5 * (first["temperature"] + second["temperature"]), atol=1e-18)
