"""Calibration of ensembles whose faults are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.forecasts.calibration import calibrate, learn
from ocean_gcm.metrics.host import fair_crps, rank_histogram

SHAPE = (2, 12, 14)
STARTS, MEMBERS = 40, 20


def forecasts(seed, *, faulty, members=MEMBERS, starts=STARTS):
    """Members (start, member, ...) and truths: exchangeable, or with a bias, heavy tails and another spread, which
    depends on the row and on the members' own to a power."""
    random = np.random.default_rng(seed)
    across = 0.2 + np.linspace(0, 1, SHAPE[2])
    spread = np.exp(0.5 * random.normal(size=(starts, 1, *SHAPE))) * across
    centre = random.normal(size=(starts, 1, *SHAPE))
    made = centre + spread * random.normal(size=(starts, members, *SHAPE))
    if not faulty:
        return made, (centre + spread * random.normal(size=spread.shape))[:, 0]
    wrong = 0.5 + 1.2 * np.linspace(0, 1, SHAPE[1])[:, None]
    noise = random.standard_t(5, size=spread.shape) * (3 / 5) ** 0.5
    return made, (centre + 0.3 + wrong * across**0.4 * spread**0.6 * noise)[:, 0]


def learned(members, truth, **options):
    return learn(list(members), truth, **options)


def scores(members, truth):
    """Spread over skill, ranks times their number, fair CRPS."""
    number = members.shape[1]
    square = ((members.mean(1) - truth) ** 2).mean()
    ratio = ((number + 1) / number * members.var(1, ddof=1).mean() / square) ** 0.5
    one = np.ones((1, truth[0].size))
    flat = [(m.reshape(number, -1), t.ravel()) for m, t in zip(members, truth, strict=True)]
    ranks = np.mean([rank_histogram(m, t, one)[0] for m, t in flat], 0) * (number + 1)
    return ratio, ranks, np.mean([fair_crps(m, t).mean() for m, t in flat])


def test_faults_are_mended_in_forecasts_that_were_not_learned_from():
    found = learned(*forecasts(0, faulty=True, starts=100))
    members, truth = forecasts(1, faulty=True, starts=100)
    better = np.stack([calibrate(one, found) for one in members])
    raw, now = scores(members, truth), scores(better, truth)
    assert raw[1].max() > 2.5 and raw[1].min() < 0.7  # a bias, a dome
    np.testing.assert_allclose(now[1], 1.0, atol=0.12)
    assert now[0] == pytest.approx(1.0, abs=0.08)  # few large errors of a heavy tail decide on it
    assert now[2] < 0.95 * raw[2]
    assert found.exponent == pytest.approx([-0.36, -0.36], abs=0.08)  # noise in s hides a part of 0.4
    assert np.nanmean(found.bias) == pytest.approx(0.3, abs=0.02)
    rows = found.factor.mean((0, 2))
    np.testing.assert_allclose(rows / rows.mean(), (0.5 + 1.2 * np.linspace(0, 1, SHAPE[1])) / 1.1, atol=0.2)
    # ranks of members at each point, hence what belongs together, are kept
    np.testing.assert_array_equal(better.argsort(1), members.argsort(1))


@pytest.mark.parametrize("number", [8, 20, 50])
def test_reliable_ensembles_are_left_alone(number):
    found = learned(*forecasts(2, faulty=False, members=number))
    members, truth = forecasts(3, faulty=False, members=number)
    changed = np.stack([calibrate(one, found) for one in members])
    departure = ((changed - members) ** 2).mean() / members.var(1).mean()
    assert departure < 0.01
    assert np.abs(found.factor - 1).mean() < 0.05
    np.testing.assert_allclose(found.exponent, 0.0, atol=0.15)
    (before, _, crps), (after, ranks, now) = scores(members, truth), scores(changed, truth)
    assert after == pytest.approx(before, rel=0.03) and now < 1.01 * crps
    np.testing.assert_allclose(ranks[[0, -1]], 1.0, atol=0.15)


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), offset=st.floats(-1e3, 1e3), sign=st.sampled_from([1, -1]))
def test_units_do_not_matter(scale, offset, sign):
    """Of members in other units, or upside down, the calibrated members are those in other units."""
    members, truth = forecasts(4, faulty=True, members=6, starts=8)
    scale *= sign
    expected = calibrate(members[0], learned(members, truth))
    there = learned(scale * members + offset, scale * truth + offset)
    found = (calibrate(scale * members[0] + offset, there) - offset) / scale
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.ptp(expected) + 1e-9 * abs(offset / scale))


def test_land_stays_land_and_what_nothing_changes_stays():
    members, truth = forecasts(5, faulty=True, starts=10)
    members[..., 3, 4] = truth[..., 3, 4] = np.nan
    members[:, :, 1] = truth[:, 1] = 35.0
    members[..., 3, 4] = truth[..., 3, 4] = np.nan
    found = learned(members, truth)
    after = calibrate(members[0].astype(np.float32), found)
    assert after.dtype == np.float32
    land = np.zeros(SHAPE, bool)
    land[:, 3, 4] = True
    np.testing.assert_array_equal(np.isnan(after), np.broadcast_to(land, after.shape))
    np.testing.assert_array_equal(after[:, 1][~np.isnan(after[:, 1])], 35.0)


def test_neighbours_over_the_side_of_a_plane_that_repeats():
    """Moving all cells along moves the calibration along, where the plane repeats and only there."""
    members, truth = forecasts(6, faulty=True, starts=10)

    def moved(array):
        return np.roll(array, 5, -1)

    for periodic, same in (((False, True), True), ((False, False), False)):
        here, there = (
            learned(m, t, neighbours=2, periodic=periodic)
            for m, t in ((members, truth), (moved(members), moved(truth)))
        )
        assert np.allclose(moved(here.factor), there.factor, rtol=1e-9) == same


def test_neighbours_make_the_factor_smooth():
    members, truth = forecasts(7, faulty=True)
    rough, smooth = (learned(members, truth, neighbours=n).factor for n in (0, 2))
    assert np.abs(np.diff(smooth, axis=-1)).mean() < 0.5 * np.abs(np.diff(rough, axis=-1)).mean()
    np.testing.assert_allclose(smooth.mean(), rough.mean(), rtol=0.1)


def test_too_few():
    members, truth = forecasts(8, faulty=False, members=5, starts=8)
    with pytest.raises(ValueError, match="7 hindcasts of 5 members"):
        learned(members[:7], truth[:7])
    with pytest.raises(ValueError, match="8 hindcasts of 4 members"):
        learned(members[:, :4], truth)
    found = learned(members, truth)
    with pytest.raises(ValueError, match="1 member"):
        calibrate(members[0, :1], found)
