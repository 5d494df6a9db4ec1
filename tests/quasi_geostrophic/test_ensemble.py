"""Perturbations of layers: how large they are in every variable, and where their waves are."""

import jax
import layers_model
import numpy as np
import pytest

from ocean_gcm.quasi_geostrophic.ensemble import _members
from ocean_gcm.state import Layers

MEMBERS, SHARE = 64, 0.02


def transformed(q):
    return np.fft.rfft2(np.asarray(q))


@pytest.fixture(scope="module")
def model():
    tree = {"ensemble": {"potential_vorticity": SHARE}, "closures": {}, "forcing": {}}
    return layers_model.build(**tree, dynamics={"dealiasing": "two_thirds"})


@pytest.fixture(scope="module")
def flow(model):
    """A flow with a mean, and layers that are related."""
    random, grid = np.random.default_rng(1), model.grid
    white = np.fft.rfft2(random.standard_normal(grid.shape)) / (1e-11 + grid.kappa_squared)
    q = np.fft.irfft2(white, s=grid.shape[1:])
    q[1] += 0.5 * np.roll(q[0], 1, -1)
    start = model.initial_state(fields={"potential_vorticity": 1e-5 * q / q.std() + 1e-6})
    return np.asarray(start.ocean.potential_vorticity), start


@pytest.fixture(scope="module")
def perturbations(model, flow):
    q, start = flow
    return np.asarray(model.ensemble(start, jax.random.key(3), members=MEMBERS).ocean.potential_vorticity) - q


def psi(model, q):
    inverse = np.asarray(model.grid_arrays["inversion"])
    return np.fft.irfft2(np.einsum("ijlk,...jlk->...ilk", inverse, transformed(q)), s=model.grid.shape[1:])


def test_they_are_the_same_share_of_every_variable_in_every_layer(model, flow, perturbations):
    def velocity(q):
        return psi(model, q) - np.roll(psi(model, q), 1, -1)

    for look in (np.asarray, lambda q: psi(model, q), velocity):
        share = look(perturbations).std((-2, -1)) / look(flow[0]).std((-2, -1))
        np.testing.assert_allclose(share, SHARE, rtol=1e-6)
    np.testing.assert_allclose(perturbations.mean((-2, -1)), 0, atol=1e-18)


@pytest.fixture(scope="module")
def turned(flow, perturbations):
    """(member, layer, ny, nk) coefficients over the share of the flow's, NaN where the flow has none."""
    state, found = transformed(flow[0]), transformed(perturbations)
    moving = np.abs(state) > 1e-9 * np.abs(state).max()
    moving[:, 0, 0] = False
    assert 0.2 < moving.mean() < 0.8 and (np.abs(found[:, ~moving]) < 1e-9 * np.abs(state).max()).all()
    return np.where(moving, found / np.where(moving, SHARE * state, 1.0), np.nan)


def test_their_spectrum_and_their_vertical_structure_are_those_of_the_flow(turned):
    known = ~np.isnan(turned)
    np.testing.assert_allclose(np.abs(turned[known]), 1.0, rtol=1e-6)
    np.testing.assert_allclose(turned[:, 0], turned[:, 1], rtol=1e-6)


def test_their_phases_are_random(turned, perturbations):
    """No place is preferred, and waves do not turn together: means over members vanish like one over their root."""
    phases = turned[:, 0]
    assert np.sqrt(np.nanmean(np.abs(phases.mean(0)) ** 2)) == pytest.approx(MEMBERS**-0.5, rel=0.25)
    neighbours = (phases[:, 1:4, 1:4] * np.conj(phases[:, 1:4, 2:5])).mean(0)
    assert np.sqrt(np.mean(np.abs(neighbours) ** 2)) == pytest.approx(MEMBERS**-0.5, rel=0.5)
    variance = (perturbations[:, 0] ** 2).mean(0)
    assert variance.max() / variance.min() < 4


def test_the_key_decides(model, flow, perturbations):
    q, start = flow
    again, other = (model.ensemble(start, jax.random.key(k), members=2).ocean.potential_vorticity - q for k in (3, 4))
    np.testing.assert_array_equal(again, perturbations[:2])
    assert abs(np.corrcoef(np.ravel(other), np.ravel(again))[0, 1]) < 0.5


def test_a_length_gives_smooth_noise_of_each_layer(model, flow):
    q, start = flow
    length = 1.5 * model.grid.spacing[0]
    keys = jax.random.split(jax.random.key(5), 64)
    found = np.asarray(_members(model, start, keys, SHARE, length).ocean.potential_vorticity) - q
    share = np.sqrt((found**2).mean((0, -2, -1))) / q.std((-2, -1))
    np.testing.assert_allclose(share, SHARE, rtol=0.05)
    size = (found**2).mean()
    for axis in (-1, -2):  # correlated over the length, in both directions alike
        expected = np.exp(-((2 * model.grid.spacing[0]) ** 2) / (4 * length**2))
        assert (found * np.roll(found, 2, axis)).mean() / size == pytest.approx(expected, abs=0.06)
    assert abs((found[:, 0] * found[:, 1]).mean()) < 0.1 * np.sqrt(
        (found[:, 0] ** 2).mean() * (found[:, 1] ** 2).mean()
    )


def test_a_flow_at_rest_stays_at_rest(model, flow):
    start = model.initial_state(fields={"potential_vorticity": np.zeros(model.grid.shape)})
    assert isinstance(start.ocean, Layers)
    assert not np.any(model.ensemble(start, members=2).ocean.potential_vorticity)
