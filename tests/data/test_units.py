import numpy as np
import pytest

from ocean_gcm.data import units
from ocean_gcm.errors import UserError


@pytest.mark.parametrize(
    ("unit", "quantity", "value", "expected"),
    [
        ("K", units.TEMPERATURE, 283.15, 10.0),
        ("degrees_C", units.TEMPERATURE, 10.0, 10.0),
        ("Celsius", units.TEMPERATURE, 10.0, 10.0),
        ("psu", units.SALINITY, 35.0, 35.0),
        ("kg kg-1", units.SALINITY, 0.035, 35.0),
        ("Pa", units.STRESS, 0.1, 0.1),
        ("N/m^2", units.STRESS, 0.1, 0.1),
        ("N m**-2", units.STRESS, 0.1, 0.1),
        ("dyn cm-2", units.STRESS, 1.0, 0.1),
        ("W/m2", units.HEAT_FLUX, 100.0, 100.0),
        ("kg/m2/s", units.WATER_FLUX, 1e-5, 1e-5),
        ("mm/day", units.WATER_FLUX, 8.64, 1e-4),
        ("m s-1", units.WATER_FLUX, 1e-8, 1e-5),
        ("km", units.DEPTH, 4.0, 4000.0),
    ],
)
def test_conversion(unit, quantity, value, expected):
    np.testing.assert_allclose(units.to_model(np.array([value, np.nan]), unit, quantity, "x")[0], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("unit", "quantity", "value", "words"),
    [
        (None, units.TEMPERATURE, 10.0, "has no units; expected degC"),
        ("", units.TEMPERATURE, 10.0, "has no units; expected degC"),
        ("furlong", units.DEPTH, 10.0, "has the units 'furlong'; expected m"),
        ("degC", units.TEMPERATURE, 283.0, "contains the value 283 degC"),
        ("K", units.TEMPERATURE, 10.0, "contains the value -263.15 degC"),
        ("m", units.DEPTH, 9.97e36, "fill value"),
        ("degC", units.TEMPERATURE, -999.0, "contains the value -999 degC"),
        ("N m-2", units.STRESS, 1e20, "fill value"),
        ("1", units.SALINITY, -1.0, "contains the value -1"),
        ("W m-2", units.WATER_FLUX, 1.0, "expected kg m-2 s-1"),
        ("m", units.DEPTH, np.inf, "infinite"),
    ],
)
def test_refusal(unit, quantity, value, words):
    with pytest.raises(UserError, match=words):
        units.to_model(np.array([value]), unit, quantity, "variable 'x' of y.nc")
