"""An Earth-like ocean that depends on latitude (and depth) alone.

Smooth curves through a few rounded numbers that one reads off the zonal-mean figures of textbooks (Peixoto and Oort
1992, Physics of Climate; Talley, Pickard, Emery and Swift 2011, Descriptive Physical Oceanography): no data set was
used.  Temperature is potential temperature in degC, salinity practical salinity, latitude in degrees north; all
functions are numpy, float64, and broadcast.

`year_fraction` runs from 0 (1 January) to 1; None gives the annual mean.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

_LATITUDES = np.arange(-80.0, 81.0, 10.0)
_PEAK_OF_SUMMER = 0.65  # late August north of the equator; half a year apart south of it


def _curve(*values: float):
    """Monotone cubic interpolation of one value for every 10 degrees from 80S to 80N, constant beyond."""
    interpolant = PchipInterpolator(_LATITUDES, values)
    return lambda latitude: interpolant(np.clip(np.asarray(latitude, float), -80.0, 80.0))


# 80S 70S ... equator ... 70N 80N
_SST = _curve(-1.8, -1.3, 0.5, 6.0, 14.0, 20.0, 24.5, 26.8, 27.2, 27.6, 26.0, 21.5, 14.5, 8.5, 5.0, 1.0, -1.5)
_SST_SEASON = _curve(0.2, 0.8, 1.5, 2.2, 3.0, 3.0, 2.2, 1.2, 0.0, 0.8, 2.0, 3.5, 5.0, 4.2, 3.2, 2.0, 0.5)
# 50N is fresh as the Pacific, 60N to 70N salty as the Atlantic, which alone reaches there
_SSS = _curve(34.3, 34.2, 33.9, 34.0, 34.7, 35.5, 35.7, 35.3, 34.9, 34.5, 35.4, 35.4, 34.4, 33.9, 34.6, 34.8, 33.5)
# westerlies of 0.17 N m-2 around 50S and 0.09 around 45N, trades of -0.08, polar easterlies
_STRESS_LATITUDES = np.array(
    [-80, -70, -65, -60, -50, -40, -32, -25, -15, -5, 0, 5, 15, 24, 31, 40, 46, 55, 63, 70, 80]
)
_STRESS_VALUES = np.array(
    [-0.02, -0.04, 0.0, 0.08, 0.17, 0.1, 0.0, -0.05, -0.08, -0.05, -0.03]
    + [-0.035, -0.08, -0.045, 0.0, 0.07, 0.09, 0.06, 0.0, -0.03, -0.01]
)
_STRESS = PchipInterpolator(_STRESS_LATITUDES, _STRESS_VALUES)
_STRESS_SEASON = _curve(0.0, 0.0, -0.1, -0.1, -0.15, -0.2, -0.1, 0.0, 0.0, 0.0, 0.15, 0.3, 0.45, 0.45, 0.4, 0.2, 0.0)
_HEAT = _curve(0, -5, 0, 5, -5, -25, -10, 20, 50, 30, 0, -35, -40, -20, -35, -35, -5)
_MM_PER_DAY = 1.0 / 86400.0  # kg m-2 s-1
_FRESHWATER = _curve(0.3, 0.6, 1.3, 1.5, 0.3, -1.8, -2.6, -1.2, -0.3, 1.2, -2.6, -2.0, 0.3, 1.5, 1.3, 0.7, 0.4)

# Below the surface: decay from the surface values to a deep profile
_ABYSS = _curve(-0.5, -0.2, 0.2, 0.7, 1.0, 1.2, 1.3, 1.4, 1.4, 1.4, 1.4, 1.4, 1.3, 1.0, 0.4, -0.4, -0.6)
_INTERMEDIATE = _curve(0.7, 1.1, 1.8, 2.5, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 4.0, 3.0, 2.0, 0.8, 0.5)
_INTERMEDIATE_SCALE = 1000.0  # m
_THERMOCLINE = _curve(150, 150, 200, 300, 450, 500, 400, 280, 250, 280, 400, 500, 450, 350, 300, 250, 150)
_DEEP_SALINITY = _curve(
    *(34.68, 34.69, 34.7, 34.7, 34.72, 34.74, 34.75, 34.76, 34.76),
    *(34.76, 34.76, 34.76, 34.77, 34.8, 34.88, 34.92, 34.92),
)


def _cosine(year_fraction: float | None, peak: float) -> float:
    return 0.0 if year_fraction is None else float(np.cos(2.0 * np.pi * (year_fraction - peak)))


def sea_surface_temperature(latitude: np.ndarray, year_fraction: float | None = None) -> np.ndarray:
    """degC: 27 at the equator, freezing at the poles; warmest in late August (north) or February (south)."""
    season = np.sign(latitude) * _SST_SEASON(latitude) * _cosine(year_fraction, _PEAK_OF_SUMMER)
    return np.maximum(_SST(latitude) + season, -1.8)


def sea_surface_salinity(latitude: np.ndarray, year_fraction: float | None = None) -> np.ndarray:
    """Practical salinity: highest in the subtropics, fresh under the rain of the tropics and high latitudes."""
    return _SSS(latitude)


def wind_stress(latitude: np.ndarray, year_fraction: float | None = None) -> np.ndarray:
    """Zonal stress on the ocean in N m-2; the northern westerlies and trades are strongest in January."""
    clipped = np.clip(np.asarray(latitude, float), -80.0, 80.0)
    return _STRESS(clipped) * (1.0 + _STRESS_SEASON(latitude) * _cosine(year_fraction, 0.04))


def heat_flux(latitude: np.ndarray, year_fraction: float | None = None) -> np.ndarray:
    """Annual-mean net heat flux into the ocean in W m-2: gain at the equator, loss outside of the tropics."""
    return _HEAT(latitude)


def freshwater_flux(latitude: np.ndarray, year_fraction: float | None = None) -> np.ndarray:
    """Annual-mean precipitation and runoff minus evaporation in kg m-2 s-1, positive into the ocean."""
    return _FRESHWATER(latitude) * _MM_PER_DAY


def temperature(latitude: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Potential temperature in degC at a depth in m.

    A thermocline 250 m (equator) to 500 m (subtropical gyres) thick on top of a profile that decays over 1000 m towards
    the abyss (1.4 degC in the tropics, near freezing around Antarctica).
    """
    abyss, excess = _ABYSS(latitude), _INTERMEDIATE(latitude) - _ABYSS(latitude)
    deep = abyss + excess * np.exp(-np.asarray(depth) / _INTERMEDIATE_SCALE)
    upper = sea_surface_temperature(latitude) - abyss - excess
    return deep + upper * np.exp(-np.asarray(depth) / _THERMOCLINE(latitude))


def salinity(latitude: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Practical salinity at a depth in m: the surface value decays to the deep one over the thermocline's thickness."""
    deep = _DEEP_SALINITY(latitude)
    return deep + (sea_surface_salinity(latitude) - deep) * np.exp(-np.asarray(depth) / _THERMOCLINE(latitude))
