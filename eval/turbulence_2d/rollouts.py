"""Rollouts from the starts of a truth of trajectories, and what is measured on them.

The published measure is the squared error of vorticity, a mean over all cells and all states of a rollout after its
start.  Vorticity is counted per 1000 s, the unit of the benchmark.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ocean_gcm.data.layers_truth import LayersTruth
from ocean_gcm.metrics.isotropic import enstrophy_spectrum, kinetic_energy_spectrum, ring_wavenumbers
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Layers, State

UNIT = 1e3
"""Seconds in the benchmark's unit of time."""
HORIZONS = (30, 120, 500)
"""Steps after which the published errors are given."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What rollouts of one model, or the truth itself, gave.

    Attributes:
      errors: (trajectory, step) squared error, a mean over cells, of each state after the start; zeros for the truth.
      energy, enstrophy: (rings,) spectra of the last states, means over trajectories, per ring.
      vorticity: (ny, nx) last state of the first trajectory.
    """

    errors: np.ndarray
    energy: np.ndarray
    enstrophy: np.ndarray
    vorticity: np.ndarray

    def until(self, steps: int) -> np.ndarray:
        """(trajectory,) the published measure: mean over the states of the first `steps` steps."""
        return self.errors[:, :steps].mean(1)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> Found:
        with np.load(path) as arrays:
            return cls(**arrays)


def started(model: OceanModel, q: np.ndarray) -> State:
    """The state that begins with potential vorticity `q` (1, ny, nx), s-1."""
    return model.initial_state(jax.random.key(0), fields={"potential_vorticity": q})


def roll(
    model: OceanModel,
    truth: LayersTruth,
    trajectories: Sequence[int],
    progress: Callable[[int], None] = lambda done: None,
) -> Found:
    """Rollouts of `model` from the first record of each trajectory, beside the records that follow.

    The time step of the model must be the time between records.  A rollout that becomes not finite has infinite errors.
    Raises UserError where it is not, see `LayersTruth.stride`.
    """
    stride, records = truth.stride(round(model.time_step), "time.step"), len(truth.times)
    steps = (records - 1) // stride
    errors, ends = [], []
    for number, trajectory in enumerate(trajectories):
        progress(number)
        wanted = np.asarray(truth.window(trajectory * records, steps + 1, stride).ocean.potential_vorticity)
        _, saved = model.unroll(started(model, wanted[0]), steps=steps, save_every=1)
        made = np.asarray(saved.states.ocean.potential_vorticity)
        square = np.mean((made - wanted[1:]).astype(float) ** 2, (-3, -2, -1)) * UNIT**2
        errors.append(np.where(np.isfinite(square), square, np.inf))
        ends.append(made[-1])
    progress(len(trajectories))
    return _found(model, np.stack(errors), np.stack(ends))


def of_truth(model: OceanModel, truth: LayersTruth, trajectories: Sequence[int]) -> Found:
    """The truth's own spectra and last state."""
    records = len(truth.times)
    ends = [np.asarray(truth.window((n + 1) * records - 1, 1).ocean.potential_vorticity[0]) for n in trajectories]
    return _found(model, np.zeros((len(ends), records - 1)), np.stack(ends))


def _found(model: OceanModel, errors: np.ndarray, ends: np.ndarray) -> Found:
    """`ends` (trajectory, 1, ny, nx) in s-1."""
    grid = model.grid
    finite = jnp.asarray(ends[np.isfinite(ends).all((-3, -2, -1))])
    if not len(finite):
        nothing = np.full(len(ring_wavenumbers(grid)), np.nan)
        return Found(errors, nothing, nothing, ends[0, 0] * UNIT)
    static = model.metrics()
    psi = jax.vmap(lambda q: grid.to_physical(model.core.prepare(static, Layers(q)).psi_hat))(finite)
    energy, enstrophy = kinetic_energy_spectrum(grid, psi), enstrophy_spectrum(grid, finite)
    return Found(errors, *(np.asarray(s.mean(0)[0], float) for s in (energy, enstrophy)), ends[0, 0] * UNIT)
