"""What a model lacks from each record of a truth to the next: the increments that stages of `mode: tendency` learn."""

from __future__ import annotations

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np

from ocean_gcm import rollout
from ocean_gcm.data.series import CF_NAMES
from ocean_gcm.data.truth import INCREMENT, Window, open_truth
from ocean_gcm.data.zarr_store import write_whole
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean

LACKED = ("u", "v", "temperature", "salinity")
CHUNK = 90
"""Records at once."""


@functools.partial(jax.jit, static_argnames="steps")
def lacked(model: OceanModel, window: Window, steps: int) -> Ocean:
    """(records - 1, ...) change of the truth less that of the model from the same state, per second."""

    def ahead(start: Window) -> Ocean:
        state = model.state_from(start.ocean, jdt.Timedelta(start.days, start.seconds), jax.random.key(0))
        return model.unroll(state, steps=steps)[0].ocean

    first = jax.tree.map(lambda a: jnp.asarray(a[:-1]), window)
    made = rollout.each(ahead, first)
    return jax.tree.map(lambda after, own: (after[1:] - own) / (steps * model.time_step), window.ocean, made)


def write_increments(path: str, model: OceanModel, begin: str, end: str, output: Path) -> int:
    """A store with the records of a truth from `begin` to `end` (dates) and the increments of each but the last.

    Returns their number.  Raises UserError where the truth does not fit the model, and for a store that exists.
    """
    if output.exists():
        raise UserError(f"--output {output} exists; expected a new store")
    truth = open_truth(path, model)
    period = truth.split({"whole": (begin, end)})["whole"]
    steps = round(truth.interval / model.time_step)
    parts = []
    for at in range(period.begin, period.end - 1, CHUNK):
        window = truth.window(at, min(CHUNK + 1, period.end - at))
        parts.append({name: np.asarray(getattr(lacked(model, window, steps), name)) for name in LACKED})
    dataset = truth.series.dataset.isel(time=slice(period.begin, period.end - 1))
    for name in LACKED:
        values = np.concatenate([part[name] for part in parts])
        dataset[INCREMENT.format(name)] = (dataset[CF_NAMES[name]].dims, values)
    for variable in dataset.variables.values():
        variable.encoding = {}
    write_whole(dataset, output)
    return dataset.sizes["time"]
