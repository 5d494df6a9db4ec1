"""Units as files write them, and the numbers that turn them into the model's."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from ocean_gcm.errors import UserError


@dataclasses.dataclass(frozen=True)
class Quantity:
    """What a variable should be.

    Attributes:
      unit: the model's unit.
      factors: spellings (see `_plain`) and the factor to the model's unit.
      smallest, largest: values in the model's unit beyond which the unit or the sign must be mistaken.
      offsets: spellings and what is added after the factor.
    """

    unit: str
    factors: dict[str, float]
    smallest: float
    largest: float
    offsets: dict[str, float] = dataclasses.field(default_factory=dict)


_LENGTH = {"m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "km": 1000.0}
_LENGTH |= dict.fromkeys(("cm", "centimeter", "centimeters"), 0.01)
_CELSIUS = dict.fromkeys(
    (
        "c",
        "degc",
        "degreec",
        "degreesc",
        "celsius",
        "degreecelsius",
        "degreescelsius",
        "degcelsius",
        "°c",
        "k",
        "kelvin",
    ),
    1.0,
)

DEPTH = Quantity("m", _LENGTH, -12000.0, 12000.0)
LENGTH = Quantity("m", _LENGTH, -1e8, 1e8)
SEA_LEVEL = Quantity("m", _LENGTH, -30.0, 30.0)
_SPEED = {"ms-1": 1.0, "metersecond-1": 1.0, "msec-1": 1.0, "meterssecond-1": 1.0, "metersec-1": 1.0, "cms-1": 0.01}
VELOCITY = Quantity("m s-1", _SPEED, -10.0, 10.0)
WIND = Quantity("m s-1", _SPEED, -150.0, 150.0)
STRESS = Quantity(
    "N m-2", {"nm-2": 1.0, "pa": 1.0, "pascal": 1.0, "kgm-1s-2": 1.0, "dyncm-2": 0.1, "dynecm-2": 0.1}, -10.0, 10.0
)
HEAT_FLUX = Quantity("W m-2", {"wm-2": 1.0, "wattsm-2": 1.0, "wattm-2": 1.0, "kwm-2": 1000.0}, -3000.0, 3000.0)
WATER_FLUX = Quantity(
    "kg m-2 s-1",
    {"kgm-2s-1": 1.0, "mms-1": 1.0, "ms-1": 1000.0, "mmday-1": 1 / 86400.0, "mmd-1": 1 / 86400.0},
    -0.1,
    0.1,
)
FRACTION = Quantity("1", {"1": 1.0, "kgkg-1": 1.0, "gkg-1": 1e-3, "%": 0.01, "percent": 0.01}, -1e-3, 1.01)
PRESSURE = Quantity("Pa", {"pa": 1.0, "hpa": 100.0, "mbar": 100.0, "millibar": 100.0, "millibars": 100.0}, 3e4, 1.2e5)
AIR_TEMPERATURE = Quantity("K", _CELSIUS, 150.0, 350.0, dict.fromkeys(set(_CELSIUS) - {"k", "kelvin"}, 273.15))
TEMPERATURE = Quantity("degC", _CELSIUS, -8.0, 45.0, {"k": -273.15, "kelvin": -273.15})
SALINITY = Quantity(
    "g kg-1",
    {
        **dict.fromkeys(("1", "psu", "pss", "pss-78", "pss78", "gkg-1", "1e-3", "1.e-3", "0.001", "ppt"), 1.0),
        "kgkg-1": 1000.0,
    },
    0.0,
    60.0,
)


def _plain(unit: str) -> str:
    """'W/m^2', 'W m**-2' and 'W m-2' are one: lower case, no blanks, negative exponents behind the name."""
    text = unit.strip().lower().replace("**", "").replace("^", "").replace("_", "").replace("·", "")
    head, *divided = text.split("/")
    for part in divided:
        match = re.fullmatch(r"\s*([a-z]+)\s*(\d*)\s*(.*)", part)
        head += part if match is None else f"{match[1]}-{match[2] or 1}{match[3]}"
    number = re.match(r"[\d.]", text)  # as in 1e-3
    return text.replace(" ", "") if number else re.sub(r"[\s.*()]+", "", head)


def per_second(unit: str | None, label: str) -> str:
    """The unit of a sum over time after its division by seconds.  Raises UserError for one that is no such sum."""
    rates = {"jm-2": "W m-2", "m": "m s-1", "mm": "mm s-1", "kgm-2": "kg m-2 s-1", "nm-2s": "N m-2"}
    plain = _plain(str(unit or ""))
    if plain not in rates:
        raise UserError(f"{label} has the units {unit!r}; expected those of a sum over time such as J m-2 or m")
    return rates[plain]


def to_model(values: np.ndarray, unit: str | None, quantity: Quantity, label: str) -> np.ndarray:
    """`values` in the model's unit; NaN stays.  `label` names the variable in messages.

    Raises UserError if the unit is missing or unknown, or the values cannot be in that unit.
    """
    if unit is None or not str(unit).strip():
        raise UserError(f"{label} has no units; expected {quantity.unit}")
    plain = _plain(str(unit))
    if plain not in quantity.factors:
        raise UserError(f"{label} has the units {str(unit)!r}; expected {quantity.unit}")
    converted = values * quantity.factors[plain] + quantity.offsets.get(plain, 0.0)
    finite = converted[np.isfinite(converted)]
    if np.isinf(converted).any():
        raise UserError(f"{label} contains infinite values")
    for extreme in (finite.min(), finite.max()) if finite.size else ():
        if not quantity.smallest <= extreme <= quantity.largest:
            raise UserError(
                f"{label} with the units {str(unit)!r} contains the value {extreme:.6g} {quantity.unit}; "
                f"expected {quantity.smallest:g} to {quantity.largest:g} {quantity.unit}: "
                "are the units or the fill value mislabelled?"
            )
    return converted
