r"""Speed of long internal waves from an observed stratification.

The first baroclinic gravity-wave speed in the approximation of Chelton et al. (1998,
doi:10.1175/1520-0485(1998)028<0433:GVOTFB>2.0.CO;2, equation 2.2),

    c_1 = (1/pi) int_{-H}^{0} N dz,

and of long Rossby waves, which go west with beta c_1^2 / f^2, near the equator with c_1 / 3 (first meridional mode).
"""

from __future__ import annotations

from pathlib import Path

import gsw
import numpy as np

from eval.monthly.anomalies import Series
from ocean_gcm.data.reading import read_variable

EARTH_RADIUS = 6.371e6
ROTATION = 7.2921e-5


def internal_wave_speed(temperature, salinity, depth, lat) -> np.ndarray:
    """(ny, nx) c_1 in m s-1; NaN for columns with fewer than two values.

    Args:
      temperature: (nz, ny, nx) potential, degC, NaN below the sea floor.
      salinity: (nz, ny, nx) practical.
      depth: (nz,) m.
      lat: (ny,) degrees.
    """
    rows = np.broadcast_to(lat[:, None], temperature.shape[1:])
    pressure = gsw.p_from_z(-depth[:, None, None], rows)
    absolute = gsw.SR_from_SP(salinity)
    squared, _ = gsw.Nsquared(absolute, gsw.CT_from_pt(absolute, temperature), pressure, rows)
    thickness = np.diff(depth)[:, None, None]
    known = np.isfinite(squared)
    integral = np.where(known, np.sqrt(np.maximum(np.where(known, squared, 0), 0)) * thickness, 0).sum(0)
    return np.where(known.any(0), integral / np.pi, np.nan)


def observed_wave_speed(folder: Path, series: Series) -> np.ndarray:
    """(ny, nx) c_1 on the grid of the series from the World Ocean Atlas, filled along rows where it has no water."""
    path = folder / "woa18_annual_5deg.nc"
    temperature, salinity = (read_variable(path, name, spherical=True) for name in ("thetao", "so"))
    speed = internal_wave_speed(temperature.values[0], salinity.values[0], temperature.depth, temperature.y)
    around = np.stack([_around(temperature.x, row, series.lon) for row in speed])
    return np.stack([np.interp(series.lat, temperature.y, column) for column in around.T], 1)


def _around(x: np.ndarray, row: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A row (degrees, values) interpolated around the globe; a row without values has the speed 0."""
    known = np.isfinite(row)
    return np.interp(at, x[known], row[known], period=360.0) if known.any() else np.zeros(len(at))


def rossby_wave_speed(internal: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """(ny, nx) m s-1 towards the west, from c_1 (ny, nx) and latitude (ny,) in degrees."""
    y = np.radians(lat)[:, None]
    beta, coriolis = 2 * ROTATION * np.cos(y) / EARTH_RADIUS, 2 * ROTATION * np.sin(y)
    with np.errstate(divide="ignore"):
        return np.minimum(beta * internal**2 / coriolis**2, internal / 3)
