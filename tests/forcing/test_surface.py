"""Interpolation of the surface forcing in time."""

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.forcing.surface import SurfaceForcing, no_forcing, second_of_year, year_fraction

MONTHS = tuple((month + 0.5) / 12 for month in range(12))


def forcing(values, times=MONTHS, dtype=np.float64, **keywords):
    values = jnp.asarray(np.broadcast_to(np.asarray(values, float)[:, None, None], (len(values), 2, 3)), dtype)
    zero = jnp.zeros((), dtype)
    fields = dict.fromkeys(("stress_y", "heat_flux", "freshwater_flux", "sst", "sss"))
    return SurfaceForcing(
        stress_x=values, **fields, sst_piston_velocity=zero, sss_piston_velocity=zero, record_times=times, **keywords
    )


@jax.jit
def value(forcing, days, seconds):
    return forcing.at(jdt.Timedelta(days, seconds)).stress_x[0, 0]


@settings(max_examples=60, deadline=None)
@given(day=st.integers(0, 364), second=st.integers(0, 86399))
def test_is_cyclic_linear_interpolation(day, second):
    values = np.sin(np.arange(12.0))
    at = (day + second / 86400) / 365
    known = np.concatenate([[MONTHS[-1] - 1], MONTHS, [MONTHS[0] + 1]])
    expected = np.interp(at, known, np.concatenate([values[-1:], values, values[:1]]))
    np.testing.assert_allclose(value(forcing(values), day, second), expected, atol=1e-12)


def test_float32_is_the_same_in_year_1000_as_in_year_1():
    values = np.random.default_rng(0).normal(size=12)
    f32 = forcing(values, dtype=np.float32)
    for day, second in ((0, 0), (15, 7200), (200, 3601), (364, 86399)):
        first, late = value(f32, day, second), value(f32, day + 365 * 1000, second)
        assert first.dtype == np.float32
        assert first == late
        fraction = year_fraction(jdt.Timedelta(day + 365 * 1000, second), 0.0, 365, jnp.float32)
        assert fraction == year_fraction(jdt.Timedelta(day, second), 0.0, 365, jnp.float32)
        np.testing.assert_allclose(fraction, (day + second / 86400) / 365, atol=1e-7)


def test_continuous_over_new_year():
    f = forcing(np.arange(12.0))
    before, after = value(f, 364, 86399), value(f, 365, 0)
    np.testing.assert_allclose(before, after, atol=1e-3)
    assert before > value(f, 365, 3600)  # from December's 11 down to January's 0


def test_passes_through_the_records_in_the_middle_of_months():
    f = forcing(np.arange(12.0), days_per_year=360)
    for month in range(12):
        np.testing.assert_allclose(value(f, 30 * month + 15, 0), month, atol=1e-12)


def test_mean_over_the_year_is_the_mean_of_the_months():
    values = np.random.default_rng(1).normal(size=12)
    f = forcing(values, days_per_year=360)
    mean = jax.vmap(lambda day: f.at(jdt.Timedelta(day, jnp.zeros_like(day))).stress_x[0, 0])(jnp.arange(360)).mean()
    np.testing.assert_allclose(mean, values.mean(), atol=1e-12)


def test_start_of_the_run_within_the_year():
    values = np.arange(12.0)
    from_july = forcing(values, start_fraction=0.5, days_per_year=360)
    np.testing.assert_allclose(value(from_july, 15, 0), 6.0, atol=1e-12)
    np.testing.assert_allclose(value(from_july, 195, 0), 0.0, atol=1e-12)


def test_constant_field_needs_no_gather():
    f = forcing([3.0])
    jaxpr = str(jax.make_jaxpr(lambda f, days: f.at(jdt.Timedelta(days)).stress_x)(f, jnp.int32(5)))
    assert "dynamic_slice" not in jaxpr and "gather" not in jaxpr
    assert value(f, 77, 5) == 3.0


def test_gradient_goes_to_the_records_around():
    f = forcing(np.arange(12.0), days_per_year=360)
    gradient = jax.grad(lambda f: f.at(jdt.Timedelta(days=np.int32(30))).stress_x.sum())(f)
    np.testing.assert_allclose(gradient.stress_x[:, 0, 0], [0.5, 0.5] + [0.0] * 10, atol=1e-12)


def test_absent_fields_are_none():
    surface = no_forcing(jnp.float32).at(jdt.Timedelta(days=10))
    assert surface.stress_x is None and surface.sst is None
    assert surface.sst_piston_velocity.dtype == jnp.float32


@pytest.mark.parametrize("start", [0.0, 0.25, 0.999])
def test_second_of_year_is_exact_for_32_bit_days(start):
    days = 365 * 100_000 + 364
    second = second_of_year(jdt.Timedelta(np.int32(days), np.int32(86399)), start, 365)
    assert second == (364 * 86400 + 86399 + round(start * 365 * 86400)) % (365 * 86400)


def test_year_fraction_stays_below_one():
    last = jdt.Timedelta(days=np.int32(364), seconds=np.int32(86399))
    assert year_fraction(last, 0.0, 365, jnp.float32) < 1
