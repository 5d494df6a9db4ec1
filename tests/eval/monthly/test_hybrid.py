"""The hybrid before and after training on a made-up field that waves carry."""

import dataclasses

import jax
import monthly_series as made
import numpy as np
import pytest

from eval.monthly import anomalies, hybrid, regression, training

CONFIG = hybrid.HybridConfig(seen=2, answered=3, coherent=4)
SPEED = np.full((len(made.LAT), len(made.LON)), 2.5)


@pytest.fixture(scope="module")
def sample():
    series = made.series(months=480, factor=0.8)
    return anomalies.sample(series, np.arange(480) < 420)


@pytest.fixture(scope="module")
def model(sample):
    return hybrid.build(sample, SPEED, dataclasses.replace(CONFIG, waves=False))


@pytest.fixture(scope="module")
def parameters(model, sample):
    return hybrid.initial_parameters(model, sample)


@pytest.fixture(scope="module")
def states(model, parameters, sample):
    """Mean (start, lead, variable, ny, nx) and members (member, ...) from six starts."""
    starts = sample.held_out[::8][:6]
    memory, season = hybrid.memory_of(sample, starts), sample.series.season[starts]
    mean = jax.jit(lambda p: model.rollout(p, memory, season, None)[0])
    draw = jax.jit(lambda p: model.rollout(p, memory, season, jax.random.key(0), 200))
    return starts, np.asarray(mean(parameters)), np.asarray(draw(parameters))


def test_before_training_it_is_damped_persistence_where_there_is_nothing_else(sample, states):
    starts, mean, _ = states
    truth = sample.targets(starts)
    damped = regression.baseline("damped", sample, starts)
    own, other = (((f - truth) ** 2).mean((0, 2, 3)) ** 0.5 for f in (hybrid.in_cells(sample, mean), damped))
    np.testing.assert_allclose(own, other, rtol=0.06)


def test_the_ensemble_has_the_mean_and_the_spread_of_the_field(sample, states):
    _, mean, members = states
    mean, members = hybrid.in_cells(sample, mean), hybrid.in_cells(sample, members)
    spread = members.std(0)
    error = (members.mean(0) - mean) / spread * np.sqrt(len(members))
    np.testing.assert_allclose((error**2).mean(), 1.0, atol=0.2)
    expected = np.sqrt(1 - 0.8 ** (2 * np.arange(1, 13)))
    np.testing.assert_allclose(np.sqrt((spread**2).mean((0, 2, 3))), expected, rtol=0.15)


def test_land_is_never_touched(sample, states):
    _, mean, members = states
    assert members.shape == (200, 6, 12, 2, *sample.series.wet.shape)
    assert (members[..., ~sample.series.wet] == 0).all() and (mean[..., ~sample.series.wet] == 0).all()
    anomalies_back = hybrid.in_cells(sample, hybrid.on_map(sample, sample.anomalies[:3]))
    np.testing.assert_allclose(anomalies_back, sample.anomalies[:3], rtol=1e-5, atol=1e-7)


def test_training_teaches_speeds_within_their_bounds():
    """Gradients reach all parts, through rollouts of a year, and speeds keep their bounds."""
    series = made.series(months=200)
    sample = anomalies.sample(series, np.arange(200) < 150)
    model = hybrid.build(sample, SPEED, CONFIG)
    seen = []
    stages = (training.Stage(4, 2, 4),)
    learned = training.train(model, sample, stages, every=2, watch=lambda *told: seen.append(told))
    assert [told[0] for told in seen] == [0, 2, 4]
    first = hybrid.initial_parameters(model, sample)
    moved = {name: float(abs(learned[name] - first[name]).max()) for name in first}
    assert all(np.isfinite(value) for value in moved.values())
    for name in ("gain", "damping", "closure", "rossby", "free", "kelvin", "coupling", "process_noise"):
        assert moved[name] > 0, name
    rossby, kelvin = model.speeds({**learned, "rossby": learned["rossby"] + 50.0, "kelvin": learned["kelvin"] - 50.0})
    np.testing.assert_allclose(rossby, 2.5 * model.rossby_speed, rtol=1e-5)
    np.testing.assert_allclose(kelvin, 0.6 * model.kelvin_speed, rtol=1e-5)
