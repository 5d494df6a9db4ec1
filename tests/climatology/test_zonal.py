"""The embedded zonal climatology is plausible and statically stable."""

import gsw
import numpy as np
import pytest

from ocean_gcm.climatology import zonal
from ocean_gcm.data.climatology import to_model_kinds
from ocean_gcm.dynamics.equation_of_state import TEOS10

LATITUDE = np.linspace(-80, 80, 321)


def test_stable_with_teos10():
    depth = np.concatenate([np.linspace(0, 1000, 101), np.linspace(1050, 5500, 90)])[:, None]
    temperature, salinity = to_model_kinds(
        zonal.temperature(LATITUDE, depth), zonal.salinity(LATITUDE, depth), "teos10"
    )
    middle = 0.5 * (depth[1:] + depth[:-1])
    lower = TEOS10().density_anomaly(temperature[1:], salinity[1:], middle)
    upper = TEOS10().density_anomaly(temperature[:-1], salinity[:-1], middle)
    n2 = 9.81 / 1026 * np.asarray(lower - upper) / np.diff(depth, axis=0)
    assert n2.min() > 5e-9
    assert 1e-4 < n2.max() < 1e-3


def test_surface_is_above_freezing_and_earth_like():
    for fraction in (None, 0.0, 0.15, 0.4, 0.65, 0.9):
        sst = zonal.sea_surface_temperature(LATITUDE, fraction)
        assert (sst > gsw.CT_freezing(34.4, 0, 0) - 0.05).all()
        assert sst.max() < 31
    assert np.abs(np.diff(zonal.sea_surface_temperature(LATITUDE, 0.65))).max() < 0.6
    sss = zonal.sea_surface_salinity(LATITUDE)
    assert 33 < sss.min() and sss.max() < 36.5
    np.testing.assert_allclose(zonal.temperature(LATITUDE, 0.0), zonal.sea_surface_temperature(LATITUDE), atol=1e-12)


def test_winds():
    stress = zonal.wind_stress(LATITUDE)
    assert LATITUDE[np.argmax(stress)] == pytest.approx(-50, abs=1)
    assert stress.max() == pytest.approx(0.17, abs=0.01) and stress.min() == pytest.approx(-0.08, abs=0.005)
    assert zonal.wind_stress(45.0, 0.04) > zonal.wind_stress(45.0, 0.54)


def test_fluxes_nearly_balance_over_the_year():
    weight = np.cos(np.radians(LATITUDE))
    assert abs(np.average(zonal.heat_flux(LATITUDE), weights=weight)) < 5
    assert abs(np.average(zonal.freshwater_flux(LATITUDE), weights=weight)) < 1e-5
