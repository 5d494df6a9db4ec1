"""Perturbed initial states: what they leave as it is, their size, and that members are members."""

import copy
import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ive

import ocean_gcm as og
from ocean_gcm.config import config_from_dict
from ocean_gcm.errors import UserError
from ocean_gcm.stochastic.initial import EnsembleConfig, mean_spacing, perturb

BASIN = {
    "name": "basin",
    "precision": "float64",
    "grid": {
        "geometry": "sphere",
        "nx": 24,
        "ny": 16,
        "x": [0, 48],
        "y": [20, 52],
        "levels": {"thickness": [100, 300, 600, 1000]},
    },
    "bathymetry": {"kind": "seamount", "depth": 2000, "height": 1900, "width": 4},
    "initial": {"kind": "exponential"},
    "surface": {"wind_stress": {"kind": "gyre"}},
    "dynamics": {"equation_of_state": {"kind": "linear"}, "momentum_advection": "none"},
    "closures": {
        "background": {"kind": "background_mixing"},
        "friction": {
            "kind": "perturbed",
            "closure": {"kind": "harmonic_viscosity", "viscosity": 5e4},
            "length": 3e5,
        },
    },
    "ensemble": {"temperature": 0.2, "salinity": 0.05, "sea_surface_height": 0.01, "length": 3e5, "depth": 400},
    "time": {"step": "PT1H", "duration": "P1D"},
    "output": {"interval": "P1D"},
}
MEMBERS = 48


def build(**changes):
    return og.build_model(config_from_dict({**copy.deepcopy(BASIN), **changes}))


@pytest.fixture(scope="module")
def model():
    return build()


@pytest.fixture(scope="module")
def start(model):
    shape = model.grid.wet.shape
    rng = np.random.default_rng(0)
    return model.initial_state(fields={"sea_surface_height": 0.3 * rng.normal(size=shape)})


@pytest.fixture(scope="module")
def members(model, start):
    return model.ensemble(start, jax.random.key(5), members=MEMBERS)


def anomaly(members, start, name):
    return np.asarray(getattr(members.ocean, name) - getattr(start.ocean, name))


def test_amplitude_decay_and_land(model, start, members):
    mask, centres = model.grid.mask, model.grid.levels.centres
    for name, size in (("temperature", 0.2), ("salinity", 0.05)):
        a = anomaly(members, start, name)
        assert (a[:, ~mask] == 0).all()
        for k in range(4):
            # a little of the variance is that of the mean, which is taken out
            np.testing.assert_allclose(a[:, k, mask[k]].std(), size * np.exp(-centres[k] / 400), rtol=0.12)
    eta = anomaly(members, start, "sea_surface_height")
    np.testing.assert_allclose(eta[:, model.grid.wet].std(), 0.01, rtol=0.12)


def test_smooth_over_the_length(model, start, members):
    """Neighbours at about 220 km with L = 300 km: the heat kernel of a lattice, I_1(s) / I_0(s), s = (L / dy)^2."""
    a = anomaly(members, start, "temperature")[:, 0]
    s = (300 / 222.4) ** 2
    pairs = model.grid.wet[1:] & model.grid.wet[:-1]
    correlation = (a[:, 1:] * a[:, :-1])[:, pairs].mean() / (a[:, model.grid.wet] ** 2).mean()
    np.testing.assert_allclose(correlation, ive(1, s) / ive(0, s), atol=0.06)


def test_contents_are_as_before(model, start):
    """Volume always; heat and salt of every level where the sea surface is not perturbed."""
    config = EnsembleConfig(temperature=1.0, salinity=0.1, length=3e5)
    waves = config.model_copy(update={"sea_surface_height": 0.5})
    unmoved, moved = (perturb(model, start, jax.random.key(1), members=2, config=c) for c in (config, waves))
    area = model.grid.geometry.area["T"] * model.grid.wet
    eta = anomaly(moved, start, "sea_surface_height")
    assert np.abs(eta).max() > 0.5
    np.testing.assert_allclose((eta * area).sum((1, 2)), 0, atol=1e-12 * area.sum())
    volume = model.grid.volume * (1 + np.asarray(start.ocean.sea_surface_height) / model.grid.depth)
    for name in ("temperature", "salinity"):
        total = (anomaly(unmoved, start, name) * volume).sum((2, 3))
        np.testing.assert_allclose(total, 0, atol=1e-12 * volume.sum())


def test_members_and_variables_are_independent(model, start, members):
    wet = model.grid.wet
    fields = [anomaly(members, start, name) for name in ("temperature", "salinity", "sea_surface_height")]
    samples = np.concatenate([f.reshape(MEMBERS, -1, *wet.shape)[:, 0][:, wet] for f in fields])
    between = np.corrcoef(samples) - np.eye(3 * MEMBERS)
    # about 30 independent places each
    assert np.sqrt((between**2).mean()) < 0.25 and abs(between.mean()) < 0.01
    noise = np.asarray(members.closures["friction"]["fields"])[:, 0, wet]
    assert np.abs(np.corrcoef(noise) - np.eye(MEMBERS)).max() < 0.25
    assert len({tuple(np.asarray(n)) for n in members.noise}) == MEMBERS


@pytest.mark.slow  # compiled as for users: other programs round otherwise
def test_a_member_does_not_depend_on_their_number(model, start, members):
    few = model.ensemble(start, jax.random.key(5), members=2)
    for a, b in zip(jax.tree.leaves(few), jax.tree.leaves(members), strict=True):
        np.testing.assert_allclose(a, b[:2], rtol=1e-12, atol=1e-13)
    other = model.ensemble(start, jax.random.key(6), members=2)
    assert np.abs(other.ocean.temperature - few.ocean.temperature).max() > 0.1


def test_nothing_else_changes(start, members):
    assert (np.asarray(members.time.seconds) == 0).all()
    for name in ("u", "v"):
        assert (anomaly(members, start, name) == 0).all()
    for a, b in zip(jax.tree.leaves(members.stepper), jax.tree.leaves(start.stepper), strict=True):
        assert (np.asarray(a) == np.asarray(b)).all()


def test_members_run_and_part(model, members):
    """From the same ocean with the same memory, noise alone makes the difference."""
    two = jax.tree.map(lambda a: a[:2], members)
    same = jax.tree.map(lambda a: jnp.stack([a[0], a[0]]), two)
    ends, trajectory = model.unroll_ensemble(dataclasses.replace(same, noise=two.noise), steps=3)
    assert trajectory.states.ocean.u.shape == (2, 1, *model.grid.shape)
    assert np.isfinite(np.asarray(ends.ocean.u)).all()
    assert np.abs(ends.ocean.u[0] - ends.ocean.u[1]).max() > 0


def test_defaults_need_no_configuration():
    model = build(ensemble={}, precision="float32")
    assert model.config.ensemble == EnsembleConfig()
    members = model.ensemble(model.initial_state(), members=2)
    assert members.ocean.temperature.dtype == jnp.float32
    difference = np.asarray(members.ocean.temperature[0] - members.ocean.temperature[1])
    assert 0.02 < difference[0][model.grid.wet].std() < 0.4
    np.testing.assert_allclose(mean_spacing(model.grid), 2.0e5, rtol=0.1)


def test_the_ensemble_does_not_decide_the_numbers_of_a_run():
    assert build(ensemble={}).config.hash == build(ensemble={"temperature": 1.0}).config.hash


def test_mistakes_are_named(model, start):
    with pytest.raises(UserError, match="members is 0; expected at least 1"):
        model.ensemble(start, members=0)
    with pytest.raises(UserError, match="unknown key 'ensemble.temprature'; did you mean 'temperature'"):
        build(ensemble={"temprature": 1.0})


def test_two_programs_may_perturb(model, start):
    """Fields made within a trace are no constants of it."""
    for shift in (0.0, 1.0):
        shapes = jax.eval_shape(lambda s, shift=shift: perturb(model, s, members=2).ocean.temperature + shift, start)
        assert shapes.shape == (2, *model.grid.shape)
