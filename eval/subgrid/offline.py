"""What closures add to given states, beside what the coarse model lacks there."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np

from ocean_gcm.data.layers_truth import LayersTruth
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.tendencies import sources_in


def sources(model: OceanModel, truth: LayersTruth, records: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(q, source of the closures, diagnosed source), each (records, nz, ny, nx), in records of a truth with sources."""
    windows = truth.with_increments("offline").windows(records, 1)
    time = jdt.Timedelta(jnp.asarray(windows.days[:, 0]), jnp.asarray(windows.seconds[:, 0]))
    keys = jax.random.split(jax.random.key(0), len(records))
    state = jax.tree.map(lambda a: jnp.asarray(a[:, 0]), windows.ocean)
    found = np.asarray(sources_in(model, state, time, keys))
    lacks = np.asarray(windows.increments["potential_vorticity"][:, 0])
    # a diagnosed source on another model's waves has parts that this grid does not resolve
    resolved = np.asarray(model.metrics().resolved)
    lacks = np.fft.irfft2(np.fft.rfft2(lacks) * resolved, s=lacks.shape[-2:])
    return np.asarray(state.potential_vorticity), found, lacks


def scores(model: OceanModel, truth: LayersTruth, number: int, first: int = 0) -> list[tuple]:
    """Rows (variable, lead, metric, value) of each layer, over all points of `number` states of the truth.

    The states are those of trajectories from `first` on.  Raises UserError where there are none.
    """
    if first >= truth.trajectories:
        raise UserError(f"--held-out is {first}; {truth.label} has the trajectories 0 to {truth.trajectories - 1}")
    records = np.unique(np.linspace(first * len(truth.times), len(truth) - 1, number).round().astype(int))
    q, found, lacks = sources(model, truth, records)
    rows = []
    for layer in range(found.shape[1]):
        a, b, state = (np.asarray(field[:, layer], float) for field in (found, lacks, q))
        name = f"source{layer + 1}"
        spread = a.std() * b.std()
        rows += [
            (
                name,
                "",
                "correlation",
                float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else np.nan,
            ),
            (name, "", "r2", float(1.0 - ((a - b) ** 2).mean() / ((b - b.mean()) ** 2).mean())),
            (name, "", "amplitude_ratio", float(a.std() / b.std())),
            # the share of the enstrophy that the truth's source takes
            (name, "", "enstrophy_ratio", float((a * state).mean() / (b * state).mean())),
        ]
    return rows
