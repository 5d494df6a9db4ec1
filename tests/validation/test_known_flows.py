"""Flows whose solution is known, through the whole model; the page docs/results/validation_flows.md shows the same."""

import pytest

from eval.validation.adjustment import geostrophic_adjustment
from eval.validation.eady import eady_growth
from eval.validation.gyre import munk_gyre
from eval.validation.lock_exchange import SCHEMES, lock_exchange
from eval.validation.waves import internal_kelvin_wave, internal_wave, kelvin_wave


def assert_within_bounds(outcome):
    missed = [(m.variant, m.quantity, m.measured, m.theory) for m in outcome.measurements if m.passed is False]
    assert not missed
    assert any(m.passed for m in outcome.measurements)


def test_internal_wave_speed():
    assert_within_bounds(internal_wave(nx=16, levels=10, periods=1.0))


def test_kelvin_wave_speed_and_decay():
    assert_within_bounds(kelvin_wave(nx=24, ny=16, periods=1.0))


def test_geostrophic_adjustment():
    outcome = geostrophic_adjustment(cells_per_radius=6)
    assert_within_bounds(outcome)
    assert outcome.find("relative L2 difference of the jet").measured < 5e-3


def test_munk_gyre_with_free_slip():
    outcome = munk_gyre(cells_per_layer=2.0, days=80.0, slips=("free",))
    assert_within_bounds(outcome)


@pytest.mark.slow
def test_munk_gyre_converges():
    coarse, fine = (munk_gyre(cells_per_layer=n, slips=("free", "no")) for n in (2.0, 4.0))
    assert_within_bounds(fine)
    name = "relative L2 difference of the streamfunction"
    for slip, order in (("free slip", 1.8), ("no slip", 1.0)):
        errors = [o.find(name, f"{slip}, {n} cells in the layer").measured for o, n in ((coarse, 2), (fine, 4))]
        assert errors[1] < errors[0] / 2**order


def test_internal_kelvin_wave_speed_and_decay():
    assert_within_bounds(internal_kelvin_wave(nx=20, ny=20, levels=10, periods=1.0))


def test_eady_growth():
    outcome = eady_growth(nx=12, ny=24, levels=8, days=24.0)
    assert_within_bounds(outcome)
    exact = outcome.find("growth rate, theory of this channel")
    assert abs(exact.error) < 0.05


@pytest.mark.slow
def test_lock_exchange_front_and_mixing():
    """With a grid Reynolds number near 2 the front keeps its speed; what is limited mixes and makes no extremum."""
    outcome = lock_exchange(viscosities=(100.0,))
    assert_within_bounds(outcome)
    for scheme in SCHEMES:
        variant = f"{scheme}, viscosity 100"
        change = outcome.find("relative RPE change after 17 h", variant).measured
        beyond = outcome.find("temperature outside of the initial range", variant).measured
        if "limited" in scheme:
            assert change > 0.0
            assert beyond < 1e-9
