"""The series: what is known of years held out, which cells count, what is wrong with a file."""

import dataclasses

import monthly_series as made
import numpy as np
import pytest

from eval.monthly import anomalies
from eval.monthly.anomalies import LEADS, MEMORY
from ocean_gcm.errors import UserError


@pytest.fixture(scope="module")
def series():
    return made.series(months=120)


@pytest.fixture(scope="module")
def known(series):
    return series.months("1980-01", "1986-12")


def test_nothing_comes_from_months_that_are_not_known(series, known):
    other = dataclasses.replace(series, values=np.where(known[:, None, None], series.values, 99.0))
    first, second = (anomalies.sample(one, known) for one in (series, other))
    np.testing.assert_array_equal(first.anomalies[known], second.anomalies[known])
    np.testing.assert_array_equal(first.scales, second.scales)
    np.testing.assert_array_equal(first.starts, second.starts)


def test_the_mean_annual_cycle_of_the_known_months_is_gone(series, known):
    found = anomalies.sample(series, known)
    for month in range(12):
        assert abs(found.anomalies[known & (series.season == month)].mean(0)).max() < 1e-12


def test_trainings_and_tests_share_no_target(series, known):
    for sample in [anomalies.sample(series, known), *anomalies.folds(series, known, 3)]:
        learned = (sample.starts[:, None] + np.arange(1 - MEMORY, LEADS + 1)).ravel()
        tested = (sample.held_out[:, None] + np.arange(1, LEADS + 1)).ravel()
        assert sample.known[learned].all() and not sample.known[tested].any()
        assert len(sample.held_out) > 0 and len(sample.starts) > 0
    np.testing.assert_array_equal(sample.targets([7])[0, 2], sample.anomalies[10])


def test_folds_hold_out_each_month_once_and_never_the_test_years(series, known):
    held = np.stack([known & ~sample.known for sample in anomalies.folds(series, known, 3)])
    np.testing.assert_array_equal(held.sum(0), known)


def test_regions_and_index_are_weighted_by_area(series):
    weights = anomalies.region_weights(series)
    np.testing.assert_allclose(weights.sum(1), 1.0)
    assert (weights[2, np.abs(series.cell_lat) < 20] == 0).all()
    index = anomalies.nino34_weights(series)
    # of the 15-degree cells at 180, 195, ..., 240E those at 195 to 225 lie inside by their whole width
    columns = {lon: index[series.cell_lon == lon].sum() for lon in (180.0, 195.0, 210.0, 225.0, 240.0)}
    np.testing.assert_allclose(
        [columns[lon] for lon in (180, 195, 210, 225, 240)], np.array([0, 12.5, 15, 15, 7.5]) / 50
    )


def test_inner_seas_land_and_polar_rows_do_not_count():
    lon, lat = np.array([20.0, 85.0, 200.0, 275.0, 340.0]), np.array([35.0, 45.0, 55.0, 60.0])
    wet = anomalies.cells_that_count(lon, lat, np.array([[1.0, 1, 1, 1, 0.49]] * 4))
    assert not wet[0, 0] and not wet[3].any() and not wet[:, 4].any() and not wet[2, 3]
    assert wet[:3, 2].all()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data.drop_vars("zos_anom"), "no variable 'zos_anom'"),
        (lambda data: data.isel(time=np.r_[:5, 6:20]), "1980-05 is followed by 1980-07"),
        (lambda data: data.isel(lon=slice(0, 12)), "around the globe"),
        (lambda data: data.where(data.time != data.time[3]), "no value in 1980-04"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, series, spoil, message):
    data = spoil(made.dataset(series))
    data["ocean_fraction"] = made.dataset(series).ocean_fraction.isel(lon=slice(0, data.sizes["lon"]))
    data.to_netcdf(tmp_path / anomalies.FILE)
    with pytest.raises(UserError, match=message):
        anomalies.read_series(tmp_path)


def test_a_period_outside_of_the_series_is_refused(series):
    with pytest.raises(UserError, match="1979-01 to 1985-12 does not lie within the series, 1980-01 to 1989-12"):
        series.months("1979-01", "1985-12")


def test_a_file_gives_back_its_series(tmp_path, series):
    made.write_files(tmp_path, series)
    found = anomalies.read_series(tmp_path)
    np.testing.assert_allclose(found.values, series.values)
    np.testing.assert_array_equal(found.time, series.time)
    np.testing.assert_array_equal(found.season[:13], [*range(12), 0])
