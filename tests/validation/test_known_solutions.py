"""The reference solutions and measures of eval.validation, each against something simpler."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.validation import eady, gyre, lock_exchange, page, waves
from eval.validation.experiment import Measurement, Outcome

VISCOSITY = gyre.BETA * 1.2e5**3


def test_munk_solution_meets_its_boundary_conditions():
    x = np.linspace(0.0, gyre.WIDTH, 2001)
    psi = gyre.munk_streamfunction(x, VISCOSITY)
    curvature = np.diff(psi, 2) / (x[1] - x[0]) ** 2
    assert abs(psi[[0, -1]]).max() < 1e-9 * psi.max()
    assert abs(curvature[[0, -1]]).max() < 0.02 * abs(curvature).max()


def test_munk_solution_far_from_the_coasts_is_sverdrups():
    """With hardly any friction the interior follows beta V = curl of the stress."""
    slope = np.diff(gyre.munk_streamfunction(np.array([0.9e6, 1.1e6]), gyre.BETA * 2e4**3))[0] / 0.2e6
    assert slope == pytest.approx(-np.pi * gyre.STRESS / (gyre.DENSITY * gyre.HEIGHT * gyre.BETA), rel=1e-3)


def test_elimination_agrees_with_the_closed_form():
    x, psi = gyre.elliptic_streamfunction(VISCOSITY, "free", spacing=2.0e4)
    exact = gyre.munk_streamfunction(x, VISCOSITY)
    assert np.abs(psi - exact).max() < 2e-3 * exact.max()


def test_eady_growth_without_walls_is_the_famous_number():
    shear = 3e-4
    rate = max(eady.growth_rate(k * eady.WAVE, 0.0, shear) for k in np.linspace(0.8, 1.2, 81))
    assert rate == pytest.approx(0.3098 * eady.CORIOLIS / eady.FREQUENCY * shear, rel=1e-3)
    assert eady.growth_rate(2.39 / eady.RADIUS, 0.0, shear) > 0.0
    assert eady.growth_rate(2.41 / eady.RADIUS, 0.0, shear) == 0.0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_sorted_water_has_the_least_energy(seed):
    random = np.random.default_rng(seed)
    density = random.uniform(1000.0, 1005.0, (5, 1, 8))
    volume = random.uniform(0.5, 1.5, 5)[:, None, None] * np.ones((5, 1, 8))  # level layers, area 8 m2
    thickness = volume[:, 0, 0]
    height = np.cumsum(thickness[::-1])[::-1] - 0.5 * thickness
    actual = 9.81 * np.sum(density * height[:, None, None] * volume)
    sorted_energy = lock_exchange.reference_potential_energy(density, volume, 8.0, 9.81)
    assert sorted_energy <= actual
    shuffled = random.permutation(40)
    again = lock_exchange.reference_potential_energy(
        density.ravel()[shuffled], (volume * np.ones_like(density)).ravel()[shuffled], 8.0, 9.81
    )
    assert again == pytest.approx(sorted_energy, rel=1e-12)


def test_mixing_raises_the_reference_potential_energy():
    density, volume = np.array([1000.0, 1005.0]), np.array([1.0, 1.0])
    before = lock_exchange.reference_potential_energy(density, volume, 1.0, 10.0)
    after = lock_exchange.reference_potential_energy(np.full(2, 1002.5), volume, 1.0, 10.0)
    assert before == pytest.approx(10.0 * (1005.0 * 0.5 + 1000.0 * 1.5))
    assert after - before == pytest.approx(10.0 * 2.5)


def test_front_is_found_between_cells():
    temperature = np.full((1, 2, 1, 4), 30.0)
    temperature[0, 1, 0, :2] = 5.0
    assert lock_exchange.front_position(temperature, np.arange(4.0))[0] == pytest.approx(1.5)


def test_frequencies_of_made_waves():
    time = np.linspace(0.0, 3.1, 40)
    assert waves.standing_frequency(time, 0.9 * np.cos(4.2 * time) + 0.1 * np.sin(4.2 * time), 4.0) == pytest.approx(
        4.2
    )
    assert waves.travelling_frequency(time, 2.0 * np.exp(-1j * 4.2 * time)) == pytest.approx(4.2)


def test_page_keeps_the_rows_of_cases_that_did_not_run(tmp_path):
    def outcome(speed):
        return Outcome((Measurement("a", "speed", "m s-1", speed, 1.0, 0.02),), {}, 3.0)

    path = tmp_path / "validation_flows.csv"
    page.update_csv(path, page.rows_of("internal_wave", outcome(1.01)) + page.rows_of("eady", outcome(1.5)))
    rows = page.update_csv(path, page.rows_of("internal_wave", outcome(1.015)))
    assert [(row["variable"], float(row["value"])) for row in rows] == [("eady", 1.5), ("internal_wave", 1.015)]
    text = page.write_page(tmp_path, rows).read_text()
    assert "+1.50% | 2% | yes" in text
    assert "+50.00% | 2% | **no**" in text
