"""Stress of the wind on the ocean where data give the wind alone (numpy)."""

from __future__ import annotations

import numpy as np

AIR_DENSITY = 1.22
"""kg m-3, near the surface of the sea (Large and Yeager 2004)."""
_LEAST_SPEED = 0.5  # m s-1: the coefficient grows without bound in calm air
_STRONGEST = 33.0  # m s-1, from where on it is constant


def drag_coefficient(speed: np.ndarray) -> np.ndarray:
    """Neutral drag coefficient of the wind at 10 m (m s-1), 1.

    Large and Yeager 2009, Climate Dynamics 33, doi:10.1007/s00382-008-0441-3, equation 11: about 1.0e-3 at 5 m s-1,
    1.6e-3 at 20, constant above 33.
    """
    u = np.clip(speed, _LEAST_SPEED, _STRONGEST)
    return 2.7e-3 / u + 1.42e-4 + 7.64e-5 * u - 3.14807e-13 * u**6


def wind_stress(east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stress on the ocean (N m-2) of a wind at 10 m (m s-1), as over resting water in neutral air.

    The wind is taken as it is: the mean of a wind over a time or a cell gives less than the mean stress.
    """
    speed = np.hypot(east, north)
    factor = AIR_DENSITY * drag_coefficient(speed) * speed
    return factor * east, factor * north
