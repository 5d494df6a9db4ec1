"""Wavenumber spectra of what a satellite or a ship measures along its track."""

from __future__ import annotations

import numpy as np

EARTH_RADIUS_KM = 6371.0


def distance_km(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """(n - 1,) great-circle distances in km between neighbouring points (haversine), degrees."""
    x, y = np.radians(lon), np.radians(lat)
    half = np.sin(np.diff(y) / 2) ** 2 + np.cos(y[1:]) * np.cos(y[:-1]) * np.sin(np.diff(x) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def segments(
    values: np.ndarray, gaps: np.ndarray, length: int, *, largest_gap: float, overlap: float = 0.5
) -> np.ndarray:
    """(segment, length) pieces of a track without missing values.

    Args:
      values: (n,) along the track, NaN where missing (land, ice).
      gaps: (n - 1,) distances between neighbours.
      length: points of a segment.
      largest_gap: distance above which the track is broken.
      overlap: share of a segment that the next one has in common with it.
    """
    breaks = np.flatnonzero(np.isnan(values[1:]) | np.isnan(values[:-1]) | (gaps > largest_gap)) + 1
    step = max(1, round(length * (1 - overlap)))
    found = [
        piece[begin : begin + length]
        for piece in np.split(values, breaks)
        for begin in range(0, len(piece) - length + 1, step)
        if np.isfinite(piece).all()
    ]
    return np.stack(found) if found else np.empty((0, length))


def power_spectral_density(pieces: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """(wavenumber, density), both (length // 2,): cycles per unit of `spacing`, and variance per that (Welch 1967).

    pieces: (segment, length) of one spacing.  Each loses its mean and linear trend and is multiplied with a Hann window
    of mean square 1; the density is the mean over segments, and its integral over wavenumbers the variance.
    """
    number, length = pieces.shape
    if number == 0:
        raise ValueError("there is no segment; expected at least one")
    position = np.arange(length) - (length - 1) / 2
    anomaly = pieces - pieces.mean(1, keepdims=True)
    anomaly = anomaly - (anomaly @ position / (position @ position))[:, None] * position
    window = np.sqrt(2 / 3) * (1 - np.cos(2 * np.pi * (np.arange(length) + 0.5) / length))
    amplitude = np.fft.rfft(anomaly * window, axis=1)[:, 1 : length // 2 + 1]
    twice = np.full(length // 2, 2.0)
    if length % 2 == 0:
        twice[-1] = 1.0
    density = (twice * np.abs(amplitude) ** 2).mean(0) * spacing / length
    return np.arange(1, length // 2 + 1) / (length * spacing), density


def effective_resolution(wavenumber: np.ndarray, error: np.ndarray, truth: np.ndarray, ratio: float = 0.5) -> float:
    """Shortest wavelength down to which the spectrum of the error stays below `ratio` times that of the truth.

    The noise-to-signal criterion of Ballarotta et al. (2019, doi:10.5194/os-15-1091-2019), interpolated between
    wavenumbers; infinity if the error is larger at the longest wave, the shortest wavelength if it never is.
    """
    noise = error / truth
    above = np.flatnonzero(noise > ratio)
    if len(above) == 0:
        return float(1 / wavenumber[-1])
    n = int(above[0])
    if n == 0:
        return float("inf")
    share = (ratio - noise[n - 1]) / (noise[n] - noise[n - 1])
    return float(1 / (wavenumber[n - 1] + share * (wavenumber[n] - wavenumber[n - 1])))
