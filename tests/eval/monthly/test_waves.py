"""Long waves go with their speed in their direction, and turn at coasts."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from eval.monthly import wave_speed, waves

LAT, LON = np.arange(-20.0, 21.0, 5.0), np.arange(0.0, 360.0, 5.0)
DAY = 86400.0
WEST, EAST = 120.0, 280.0  # first and last column of an ocean like the Pacific


@pytest.fixture(scope="module")
def core():
    wet = np.broadcast_to((LON >= WEST) & (LON <= EAST), (len(LAT), len(LON)))
    return waves.build(LAT, LON, wet, 2.6)


def bump(centre, width=20.0):
    return np.exp(-(((LON - centre) / width) ** 2))


def centre(line):
    return float((line * LON).sum() / line.sum())


def run(core, r, k, days, transmission=0.0, reflection=0.0, rossby=0.5, kelvin=2.5):
    speed = jnp.full(core.wet.shape, rossby) * core.wet
    carriers = core.propagators(speed, kelvin, 5 * DAY)
    ends = (np.full(len(core.east.row), transmission), np.full(len(core.west.row), reflection))
    for _ in range(days // 5):
        r, k = core.carry(carriers, r, k, *ends)
    return np.asarray(r), np.asarray(k)


def degrees(core, speed, days, row):
    return speed * days * DAY / core.width[row] * 5.0


def test_rossby_waves_go_west_with_their_speed(core):
    start = jnp.asarray(bump(220.0) * core.wet)
    r, _ = run(core, start, jnp.zeros(len(LON)), 60)
    for row in (0, 4, 7):
        moved = centre(r[row]) - centre(np.asarray(start[row]))
        np.testing.assert_allclose(moved, -degrees(core, 0.5, 60, row), rtol=0.03)
        assert r[row].max() > 0.93  # and keep their height


def test_the_kelvin_wave_goes_east_with_its_speed(core):
    start = jnp.asarray(bump(180.0))
    r, k = run(core, jnp.zeros(core.wet.shape), start, 30)
    np.testing.assert_allclose(centre(k) - 180.0, degrees(core, 2.5, 30, core.equator), rtol=0.03)
    assert (r == 0).all()


def test_a_kelvin_wave_leaves_the_eastern_coast_as_rossby_waves_that_go_west(core):
    r, k = run(core, jnp.zeros(core.wet.shape), jnp.asarray(bump(200.0)), 120, transmission=0.5)
    assert abs(k).max() < 0.05
    assert r[:, LON > 250].max() > 0.1
    later, _ = run(core, jnp.asarray(r), jnp.zeros(len(LON)), 60)
    assert centre(later[core.equator]) < centre(r[core.equator]) - 10


def test_rossby_waves_leave_the_western_coast_as_a_kelvin_wave(core):
    r, k = run(core, jnp.asarray(bump(130.0) * core.wet), jnp.zeros(len(LON)), 60, reflection=0.1)
    assert k.max() > 0.1 and k[(LON < WEST) | (LON > EAST)].max() == 0
    gone, none = run(core, jnp.asarray(bump(130.0) * core.wet), jnp.zeros(len(LON)), 200)
    assert abs(gone).max() < 0.05 and (none == 0).all()  # without a reflection all is lost at the coast


def test_land_stays_at_rest_and_parts_oceans(core):
    r, k = run(core, jnp.asarray(bump(130.0) * core.wet), jnp.asarray(bump(270.0) * core.wet[core.equator]), 100)
    assert (r[~core.wet] == 0).all() and (k[~core.wet[core.equator]] == 0).all()


def test_a_sea_level_is_split_and_put_together_again(core):
    level = np.random.default_rng(0).standard_normal(core.wet.shape) * core.wet
    r, k = core.split(jnp.asarray(level), jnp.array([0.5, -0.25]))
    np.testing.assert_allclose(core.sea_level(r, k), level, atol=1e-12)
    wave = np.where(core.wet, core.profile[:, None] * bump(200.0), 0.0)
    weight = np.array([1.0, 0.0]) / core.profile[core.equator]
    r, k = core.split(jnp.asarray(wave), jnp.asarray(weight))
    np.testing.assert_allclose(r, 0, atol=1e-12)


def test_propagators_are_matrix_exponentials(core):
    speed = jnp.full(core.wet.shape, 0.9)
    found = core.propagators(speed, 2.5, 10 * DAY)
    exact = expm(0.9 * 10 * DAY / core.width[3] * core.westward[3])
    np.testing.assert_allclose(found["rossby"][3], exact, atol=1e-5)
    exact = expm(2.5 * 10 * DAY / core.width[core.equator] * core.eastward)
    np.testing.assert_allclose(found["kelvin"], exact, atol=1e-3)


def test_a_grid_without_an_equator_is_refused():
    with pytest.raises(ValueError, match="a row on the equator"):
        waves.build(LAT + 2.5, LON, np.ones((len(LAT), len(LON)), bool), 2.6)


def test_speed_of_a_uniform_stratification():
    """Salinity that makes N^2 the same everywhere: c = N H / pi."""
    depth = np.linspace(0, 4000, 41)
    temperature = np.full((41, 1, 2), 10.0)
    salinity = 34.0 + 1.0 * depth[:, None, None] / 4000 * np.ones((1, 1, 2))
    salinity[:, :, 1] = np.where(depth[:, None] <= 2000, salinity[:, :, 1], np.nan)
    temperature = np.where(np.isfinite(salinity), temperature, np.nan)
    found = wave_speed.internal_wave_speed(temperature, salinity, depth, np.array([30.0]))[0]
    frequency = np.sqrt(9.81 * 7.7e-4 * 1.0 / 4000)  # g times haline contraction times the gradient
    np.testing.assert_allclose(found, frequency * np.array([4000, 2000]) / np.pi, rtol=0.03)


def test_rossby_waves_are_faster_towards_the_equator_up_to_a_third_of_the_internal_wave():
    found = wave_speed.rossby_wave_speed(np.full((4, 1), 2.7), np.array([0.0, 10.0, 20.0, 40.0]))[:, 0]
    np.testing.assert_allclose(found, [0.9, 0.258, 0.0634, 0.0145], rtol=0.02)
