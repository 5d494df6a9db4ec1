"""Surface fields given by formulas (numpy, float64)."""

from __future__ import annotations

import numpy as np


def acc_stress(latitude: np.ndarray, amplitude: float = 0.1) -> np.ndarray:
    """Zonal stress of the idealised ACC set-up (Veros `acc`): westerlies south of 20S and north of 10N, N m-2."""
    south = amplitude * np.sin(np.pi * (latitude + 44.0) / 25.0)
    north = amplitude * (1.0 - np.cos(2.0 * np.pi * (latitude - 10.0) / 36.0))
    return np.where(latitude < -20.0, south, np.where(latitude > 10.0, north, 0.0))


def acc_temperature(latitude: np.ndarray, warmest: float = 15.0) -> np.ndarray:
    """Target surface temperature of the idealised ACC set-up: falling polewards of 20 degrees, degC."""
    south = warmest * (latitude + 45.0) / 25.0
    north = warmest * (1.0 - (latitude - 20.0) / 25.0)
    return np.where(latitude < -20.0, south, np.where(latitude > 20.0, north, warmest))


def gyre_stress(across: np.ndarray, amplitude: float, gyres: int) -> np.ndarray:
    """-amplitude cos(gyres pi across) with `across` from 0 (south) to 1 (north), N m-2."""
    return -amplitude * np.cos(gyres * np.pi * across)


def channel_stress(across: np.ndarray, amplitude: float) -> np.ndarray:
    """amplitude sin(pi across): one jet between the walls, N m-2."""
    return amplitude * np.sin(np.pi * across)
