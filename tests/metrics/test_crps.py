"""CRPS and energy score against their definitions, another package, and what theory says of them."""

import jax
import jax.numpy as jnp
import numpy as np
import properscoring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from ocean_gcm.metrics import crps

NUMBERS = st.floats(-100, 100, width=32)
BOTH_FORMS = [2, 3, 4, 7, crps.MOST_PAIRED, crps.MOST_PAIRED + 1, 40]
PAIRED, SORTED = 4, 30

almost_fair = jax.jit(crps.almost_fair_crps, static_argnums=2)
ordinary_crps, fair_crps = jax.jit(crps.crps), jax.jit(crps.fair_crps)
energy_score = jax.jit(crps.energy_score, static_argnums=(3, 4))


def ensemble(members: int, points: int = 5, seed: int = 0):
    random = np.random.default_rng(seed)
    return random.normal(size=(members, points)), random.normal(size=points)


def by_definition(x, y, alpha):
    """Loops over members and pairs."""
    number = len(x)
    error = sum(abs(a - y) for a in x) / number
    pairs = sum(abs(a - b) for a in x for b in x)
    fair = error - pairs / (2 * number * (number - 1))
    ordinary = error - pairs / (2 * number**2)
    return alpha * fair + (1 - alpha) * ordinary


@pytest.mark.parametrize("members", BOTH_FORMS)
@pytest.mark.parametrize("alpha", [0.0, 0.95, 1.0])
def test_definition(members, alpha):
    x, y = ensemble(members)
    expected = [by_definition(x[:, i], y[i], alpha) for i in range(5)]
    np.testing.assert_allclose(almost_fair(x, y, alpha), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("members", [2, 5, 40])
def test_ordinary_score_is_that_of_properscoring(members):
    x, y = ensemble(members, 50)
    np.testing.assert_allclose(ordinary_crps(x, y), properscoring.crps_ensemble(y, x, axis=0), rtol=1e-12, atol=1e-14)


def test_form_of_lang_and_others():
    """Their equation 4: pairs of 1/(2M(M-1)) (|x_j - y| + |x_k - y| - (1 - e)|x_j - x_k|), e = (1 - alpha)/M."""
    (x, y), alpha = ensemble(6, 1), 0.95
    epsilon = (1 - alpha) / 6
    pairs = [(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]
    expected = sum(abs(a - y) + abs(b - y) - (1 - epsilon) * abs(a - b) for a, b in pairs) / (2 * 6 * 5)
    np.testing.assert_allclose(almost_fair(x, y, alpha), expected)


@pytest.mark.parametrize("members", [2, 3, 8, 30])
def test_fair_score_of_a_gaussian_does_not_depend_on_the_number_of_members(members):
    """The closed form (Gneiting et al. 2005) within four standard errors; the ordinary score is off by its bias."""
    random = np.random.default_rng(members)
    cases = 40_000
    score = np.asarray(almost_fair(random.normal(0.3, 1.2, (members, cases)), np.full(cases, 1.0), 1.0))
    exact = properscoring.crps_gaussian(1.0, 0.3, 1.2)
    error = score.std() / cases**0.5
    assert score.mean() == pytest.approx(exact, abs=4 * error)
    ordinary = np.asarray(almost_fair(random.normal(0.3, 1.2, (members, cases)), np.full(cases, 1.0), 0.0))
    assert ordinary.mean() == pytest.approx(exact + 1.2 / np.pi**0.5 / members, abs=4 * error)


def test_fair_score_is_smallest_for_the_true_distribution():
    random = np.random.default_rng(1)
    truth = random.normal(size=20_000)
    by_width = {w: float(almost_fair(w * random.normal(size=(3, 20_000)), truth, 1.0).mean()) for w in (0.5, 1.0, 2.0)}
    assert by_width[1.0] < min(by_width[0.5], by_width[2.0])
    by_shift = {b: float(almost_fair(b + random.normal(size=(3, 20_000)), truth, 1.0).mean()) for b in (-0.5, 0.0, 0.5)}
    assert by_shift[0.0] < min(by_shift[-0.5], by_shift[0.5])


def test_fair_score_is_blind_to_one_member_and_the_almost_fair_one_is_not():
    """Lang et al. (2024): all members but one on the truth have the fair score 0 wherever that one is."""
    x = jnp.array([0.0, 0.0, 0.0, 5.0])[:, None]
    np.testing.assert_allclose(fair_crps(x, jnp.zeros(1)), 0.0, atol=1e-15)
    assert almost_fair(x, jnp.zeros(1), 0.9)[0] > 0.01


@given(
    x=hnp.arrays(float, (4, 3), elements=NUMBERS),
    y=hnp.arrays(float, 3, elements=NUMBERS),
    shift=NUMBERS,
    factor=st.floats(0.01, 100),
    order=st.permutations(range(4)),
)
def test_symmetries(x, y, shift, factor, order):
    score = almost_fair(x, y, 0.7)
    near = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(almost_fair(x + shift, y + shift, 0.7), score, **near)
    np.testing.assert_allclose(almost_fair(factor * x, factor * y, 0.7), factor * score, rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(almost_fair(-x, -y, 0.7), score, **near)
    np.testing.assert_allclose(almost_fair(x[list(order)], y, 0.7), score, **near)
    assert (np.asarray(almost_fair(x, y, 0.0)) >= -1e-9).all()


@given(x=hnp.arrays(float, 3, elements=NUMBERS), y=hnp.arrays(float, 3, elements=NUMBERS))
def test_members_that_agree_have_their_absolute_error(x, y):
    for members in (PAIRED, SORTED):
        np.testing.assert_allclose(almost_fair(np.stack([x] * members), y, 1.0), np.abs(x - y), atol=1e-12)


@pytest.mark.parametrize("members", [PAIRED, 7, SORTED])
def test_gradient_is_that_of_finite_differences(members):
    x, y = ensemble(members)
    total = jax.jit(lambda x: crps.almost_fair_crps(x, y, 0.95).sum())
    gradient = np.asarray(jax.grad(total)(x))
    step = 1e-6
    for j, i in ((0, 0), (members // 2, 3), (members - 1, 4)):
        moved = [x.copy(), x.copy()]
        moved[0][j, i] += step
        moved[1][j, i] -= step
        assert gradient[j, i] == pytest.approx(float(total(moved[0]) - total(moved[1])) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("members", [2, PAIRED, SORTED])
def test_gradient_at_ties_is_finite_and_the_same_for_all_members(members, dtype):
    """Members that agree must not be pushed apart by the order they are stored in."""
    gradient_of = jax.jit(jax.grad(lambda x, y: crps.fair_crps(x, y).sum()))
    on_truth = gradient_of(jnp.ones((members, 3), dtype), jnp.ones(3, dtype))
    np.testing.assert_array_equal(on_truth, 0.0)
    above = gradient_of(jnp.ones((members, 3), dtype), jnp.zeros(3, dtype))
    np.testing.assert_allclose(above, 1.0 / members, rtol=1e-6)


def test_both_forms_have_the_same_gradient_with_ties():
    x = np.random.default_rng(0).integers(-3, 4, (20, 30)).astype(float)
    by_pairs, by_rank = (
        jax.jit(jax.grad(lambda x, f=f: f(x).sum()))(x) for f in (crps._sum_over_pairs, crps._sum_by_rank)
    )
    np.testing.assert_allclose(by_rank, by_pairs, atol=1e-12)


def test_float32_keeps_small_errors_of_large_numbers():
    x, y = ensemble(8)
    exact = fair_crps(x, y)
    large = [np.asarray(20 + 2.0**-10 * np.round(a * 64) / 64, np.float32) for a in (x, y)]
    rounded = fair_crps(*(np.round(a * 64) / 64 for a in (x, y)))
    np.testing.assert_allclose(fair_crps(*large) * 2.0**10, rounded, rtol=1e-5, atol=1e-6)
    assert np.abs(exact - rounded).max() < 0.05


def test_single_members_need_the_function_that_says_so():
    x, y = ensemble(1)
    for score in (crps.crps, crps.fair_crps, crps.mean_difference):
        with pytest.raises(ValueError, match="1 member; expected at least 2"):
            score(x, y) if score is not crps.mean_difference else score(x)
    np.testing.assert_allclose(crps.crps_or_absolute_error(x, y), np.abs(x[0] - y))
    x, y = ensemble(3)
    np.testing.assert_array_equal(crps.crps_or_absolute_error(x, y, 0.5), crps.almost_fair_crps(x, y, 0.5))


def energy_by_definition(x, y, weights, alpha):
    norm = lambda d: np.sqrt((weights * d**2).sum() / weights.sum())  # noqa: E731
    number = len(x)
    error = sum(norm(a - y) for a in x) / number
    pairs = sum(norm(a - b) for a in x for b in x)
    return error - alpha * pairs / (2 * number * (number - 1)) - (1 - alpha) * pairs / (2 * number**2)


@pytest.mark.parametrize("members", [2, 3, 6])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_energy_score_by_definition(members, alpha):
    random = np.random.default_rng(members)
    x, y, weights = random.normal(size=(members, 2, 4, 5)), random.normal(size=(2, 4, 5)), random.random((4, 5))
    weights[1, 2] = 0.0
    expected = [energy_by_definition(x[:, t], y[t], weights, alpha) for t in range(2)]
    y[:, 1, 2] = np.nan
    np.testing.assert_allclose(energy_score(x, y, weights, (-2, -1), alpha), expected)


def test_energy_score_of_numbers_is_the_crps_and_has_a_gradient_at_ties():
    x, y = ensemble(5, 6)
    energy = energy_score(x[..., None], y[..., None], np.ones(1), -1)
    np.testing.assert_allclose(energy, fair_crps(x, y), rtol=1e-12, atol=1e-14)
    gradient = jax.grad(lambda x: energy_score(x, jnp.ones(4), jnp.ones(4), -1))(jnp.ones((3, 4)))
    np.testing.assert_array_equal(gradient, 0.0)


def test_expectation_of_the_ordinary_score_for_uniform_members():
    """The CRPS of a distribution by its integral, against a large ensemble of its quantiles."""
    members = stats.uniform.ppf((np.arange(1000) + 0.5) / 1000)
    exact = properscoring.crps_quadrature(0.3, stats.uniform, 0.0, 1.0)
    assert ordinary_crps(members[:, None], np.array([0.3]))[0] == pytest.approx(float(np.squeeze(exact)), abs=1e-5)
