"""Depth of the mixed layer by a density threshold (de Boyer Montegut et al. 2004, doi:10.1029/2004JC002378)."""

from __future__ import annotations

import numpy as np


def mixed_layer_depth(
    potential_density, centre_depth, mask, *, threshold: float = 0.03, reference_depth: float = 10.0
) -> np.ndarray:
    """(ny, nx) m: where potential density first exceeds that at the reference depth by `threshold`; NaN on land.

    The reference is the value at `reference_depth` (m) or, if the uppermost centre is deeper, at the uppermost level.
    Between levels the crossing is interpolated linearly; a column without a crossing is mixed to its deepest centre.

    potential_density: (nz, ny, nx) kg m-3, referenced to the surface; centre_depth: same shape or (nz,), m;
    mask: (nz, ny, nx) True where wet.
    """
    density = np.where(mask, potential_density, np.nan)
    depth = np.broadcast_to(
        centre_depth if np.ndim(centre_depth) == 3 else np.reshape(centre_depth, (-1, 1, 1)), mask.shape
    )
    reference = _at_depth(density, depth, reference_depth)
    excess = density - reference - threshold
    result = np.where(mask[0], depth[0], np.nan)
    found = ~mask[0]
    for k in range(1, len(density)):
        wet = mask[k] & ~found
        crossing = wet & (excess[k] > 0)
        step = np.where(crossing, excess[k] - excess[k - 1], 1.0)
        fraction = np.where(crossing, np.clip(-excess[k - 1] / np.where(step == 0, 1.0, step), 0.0, 1.0), 0.0)
        interpolated = depth[k - 1] + fraction * (depth[k] - depth[k - 1])
        # the mixed layer begins below the reference depth, whatever an unstable level above says
        result = np.where(crossing, np.maximum(interpolated, np.minimum(reference_depth, depth[k])), result)
        result = np.where(wet & ~crossing, depth[k], result)
        found = found | crossing
    return result


def _at_depth(field: np.ndarray, depth: np.ndarray, target: float) -> np.ndarray:
    """(ny, nx) linear in depth; the uppermost value where the uppermost centre is deeper than `target`."""
    result = field[0]
    for k in range(1, len(field)):
        above = (depth[k - 1] <= target) & np.isfinite(field[k])
        span = np.maximum(depth[k] - depth[k - 1], 1e-12)
        weight = np.clip((target - depth[k - 1]) / span, 0.0, 1.0)
        result = np.where(above, (1 - weight) * field[k - 1] + weight * field[k], result)
    return result
