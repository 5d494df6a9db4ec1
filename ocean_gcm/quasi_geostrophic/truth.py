"""`ocean-gcm truth`: trajectories of a fine model of layers as a coarse one would see them, in one Zarr store.

The store has the dimensions (trajectory, time, layer, y, x) and the variables `pv` (s-1) and, where asked for,
`pv_subgrid_source` (s-2); `time` is in seconds since a trajectory's start.  It grows by whole trajectories.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from ocean_gcm import __version__
from ocean_gcm.build import build_model
from ocean_gcm.config import config_from_dict
from ocean_gcm.data.paths import store_of
from ocean_gcm.data.reading import open_dataset
from ocean_gcm.data.zarr_store import GrowingStore
from ocean_gcm.decomposition import each_member, member_mesh
from ocean_gcm.errors import UserError
from ocean_gcm.exclusive import exclusive
from ocean_gcm.model import OceanModel
from ocean_gcm.quasi_geostrophic.coarsening import Coarsening, OperatorConfig, refined, subgrid_source
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment
from ocean_gcm.state import State

_WORKING_BYTES = 256e6
_RECORDS_PER_CHUNK = 32
_LARGEST_BATCH = 16  # trajectories at once on each accelerator


@dataclasses.dataclass(frozen=True)
class Sampling:
    """Which states of which trajectories.

    Attributes:
      trajectories: how many.
      seed: of the first one; the others have those that follow.
      steps: time steps of the fine model that a trajectory has.
      save_every: steps between records; the first is the start.
      spin_up: steps before the start.
      source: with the subgrid forcing.
    """

    trajectories: int
    seed: int = 0
    steps: int = 500
    save_every: int = 1
    spin_up: int = 0
    source: bool = False

    def __post_init__(self):
        for name, least in (("trajectories", 1), ("seed", 0), ("steps", 1), ("save_every", 1), ("spin_up", 0)):
            if (value := getattr(self, name)) < least:
                raise UserError(f"--{name.replace('_', '-')} is {value}; expected at least {least}")
        if self.steps % self.save_every:
            raise UserError(f"--save-every is {self.save_every}; expected a divisor of --steps = {self.steps}")

    @property
    def records(self) -> int:
        return self.steps // self.save_every + 1


def write_truth(
    fine: LayersExperiment,
    coarse: LayersExperiment,
    operator: OperatorConfig,
    sampling: Sampling,
    target: str | Path,
    *,
    initial: np.ndarray | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """Run the fine model from each seed and write what the coarse model would see.

    Args:
      fine, coarse: experiments in the same box with the same layers; of the coarse one, grid and dynamics count.
      operator: from the fine grid to the coarse one.
      sampling: trajectories and records.
      target: Zarr store.  What is complete of it stays when the program is interrupted.
      initial: potential vorticity that trajectories start from, (n, nz, ny, nx) on a grid that is not finer than the
        fine one (see `last_states`), that of seed s being initial[s]; default: the experiment's, drawn with the seed.
      resume: go on with the store; overwrite: replace it.
      progress: called with the number of trajectories done, at the beginning and after each.

    Returns {"trajectories", "records", "shape"}.  Raises UserError for models that do not fit, a store that exists, is
    of another truth, is being written by another process or cannot be written, and a state that is not finite.
    """
    target = Path(target)
    model = build_model(fine)
    if initial is not None:
        _require_states(initial, sampling, model)
    run = _runner(model, Coarsening(model.grid, _coarse_grid(coarse), operator, coarse.dynamics.dealiasing), coarse)
    batch = jax.device_count() * (1 if jax.default_backend() == "cpu" else _LARGEST_BATCH)
    with exclusive(target.with_name(f".{target.name}.lock"), f"the truth {target}"):
        attributes = _attributes(fine, coarse, operator, sampling)
        store = _store(target, attributes, lambda: _dataset(fine, coarse, sampling, 0, 1), resume, overwrite)
        while store.records < sampling.trajectories:
            progress(store.records)
            number = min(batch, sampling.trajectories - store.records)
            dataset = _dataset(fine, coarse, sampling, store.records, number)
            for name, values in run(sampling, range(store.records, store.records + number), initial).items():
                dataset[name].values[...] = values
            store.append(dataset)
        progress(store.records)
    return {"trajectories": store.records, "records": sampling.records, "shape": dataset_shape(coarse)}


def _store(
    target: Path, attributes: dict, template: Callable[[], xr.Dataset], resume: bool, overwrite: bool
) -> GrowingStore:
    """The store to write, as it was left, or without trajectories and like the template."""
    if target.exists() and resume:
        return GrowingStore.open(target, attributes, "trajectory")
    if target.exists() and not overwrite:
        raise UserError(f"{target} exists; --resume goes on with it, --overwrite replaces it")
    first = template()
    encoding = _encoding(first)
    return GrowingStore.create(target, first, attributes, "float32", dimension="trajectory", encoding=encoding)


def dataset_shape(coarse: LayersExperiment) -> tuple[int, int, int]:
    """(nz, my, mx) of a record."""
    return _coarse_grid(coarse).shape


def _coarse_grid(coarse: LayersExperiment):
    return coarse.grid.build(len(coarse.dynamics.layers.thickness))


def coarse_experiment(fine: LayersExperiment, cells: int, dealiasing: str | None) -> LayersExperiment:
    """The fine experiment on `cells` points along x, as many along y as the box needs, without closures."""
    tree = fine.model_dump(mode="json")
    ny = fine.grid.ny or fine.grid.nx
    tree["grid"] |= {"nx": cells, "ny": round(cells * ny / fine.grid.nx)}
    tree |= {"closures": {}, "weights": None}
    if dealiasing is not None:
        tree["dynamics"]["dealiasing"] = dealiasing
    return config_from_dict(tree, "the coarse experiment")


def _runner(model: OceanModel, coarsening: Coarsening, coarse: LayersExperiment) -> Callable:
    """run(sampling, numbers, initial) -> arrays (numbers, records, nz, my, mx) by name, of trajectories.

    Each piece of a run is the same program.  All devices share the trajectories.
    """
    coarse_model, mesh = build_model(coarse), member_mesh()

    def see(static, coarse_static, q, source: bool):
        if not source:
            return (coarsening(q),)
        return subgrid_source(coarsening, (model.core, static), (coarse_model.core, coarse_static), q)

    def piece(models, states: State, records: int, every: int, source: bool):
        def one(fine: OceanModel, other: OceanModel, state: State):
            static, coarse_static = fine.metrics(), other.metrics()

            def record(state, _):
                seen = see(static, coarse_static, state.ocean.potential_vorticity, source)
                return fine.unroll(state, steps=every)[0], seen

            return jax.lax.scan(record, state, None, length=records)

        return each_member(one, mesh, models, (states,))

    compiled = jax.jit(piece, static_argnums=(2, 3, 4))

    def spun(model, states, steps):
        def one(model: OceanModel, state: State) -> State:
            end = model.advance(state, steps=steps)[0]
            # a trajectory's time begins with its start, and what acts from outside goes by it
            return model.state_from(end.ocean, state.time, end.key)

        return each_member(one, mesh, (model,), (states,))

    spin = jax.jit(spun, static_argnums=2)

    def run(sampling: Sampling, numbers: Sequence[int], initial: np.ndarray | None) -> dict[str, np.ndarray]:
        seeds = [sampling.seed + number for number in numbers]
        # what is left over on some devices is computed in vain
        seeds += [seeds[-1]] * (-len(seeds) % mesh.size)
        starts = [
            _start(model, seed, None if initial is None else refined(initial[seed], model.grid)) for seed in seeds
        ]
        states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
        if sampling.spin_up:
            states = spin(model, states, sampling.spin_up)
        parts: list[tuple] = []
        while (left := sampling.records - sum(part[0].shape[1] for part in parts)) > 0:
            states, seen = compiled(
                (model, coarse_model), states, _records(coarsening, sampling, len(seeds)), sampling.save_every,
                sampling.source,
            )  # fmt: skip
            parts.append(tuple(np.asarray(array)[: len(numbers), :left] for array in seen))
            _require_finite(parts[-1][0], seeds[: len(numbers)])
        whole = [np.concatenate(arrays, 1) for arrays in zip(*parts, strict=True)]
        return dict(zip(_names(sampling), whole, strict=True))

    return run


def _records(coarsening: Coarsening, sampling: Sampling, seeds: int) -> int:
    """Records of a piece: few enough to fit into the working memory, the last piece may compute some in vain."""
    size = 8 * seeds * int(np.prod(coarsening.coarse.shape))
    most = int(np.clip(_WORKING_BYTES // size, 1, sampling.records))
    pieces = -(-sampling.records // most)
    return -(-sampling.records // pieces)


def _start(model: OceanModel, seed: int, q: np.ndarray | None) -> State:
    if q is None:
        q = model.config.initial.potential_vorticity(model.grid, seed)
    return model.initial_state(jax.random.key(seed), fields={"potential_vorticity": q})


def last_states(path: str | Path) -> np.ndarray:
    """(trajectories, nz, ny, nx) potential vorticity in the last records of a truth or of a run of layers.

    Raises UserError for what cannot be read or has none.
    """
    where = store_of(path)
    dataset = open_dataset(where)
    if "pv" not in dataset or "time" not in dataset["pv"].dims or not dataset.sizes["time"]:
        raise UserError(f"{where} has no records of pv; expected a truth or a run of layers")
    last = dataset["pv"].isel(time=-1)
    return np.asarray(last if "trajectory" in last.dims else last.expand_dims("trajectory"))


def _require_states(initial: np.ndarray, sampling: Sampling, model: OceanModel) -> None:
    number, nz, ny, nx = initial.shape
    if number < sampling.seed + sampling.trajectories:
        raise UserError(
            f"--seed and --trajectories ask for the initial states {sampling.seed} to "
            f"{sampling.seed + sampling.trajectories - 1}; there are {number}, from 0"
        )
    levels, rows, columns = model.grid.shape
    if nz != levels or ny > rows or nx > columns:
        raise UserError(
            f"the initial states have {nz} layers of {ny} x {nx} cells; expected {levels} layers of at most "
            f"{rows} x {columns}, those of the fine model"
        )


def _require_finite(values: np.ndarray, seeds: list[int]) -> None:
    for seed, each in zip(seeds, values, strict=True):
        if not np.isfinite(each).all():
            raise UserError(f"the fine model becomes not finite from seed {seed}; a shorter time.step may help")


def _names(sampling: Sampling) -> tuple[str, ...]:
    return ("pv", "pv_subgrid_source") if sampling.source else ("pv",)


def _dataset(fine, coarse, sampling: Sampling, first: int, number: int) -> xr.Dataset:
    """Trajectories without values."""
    grid, step = _coarse_grid(coarse), fine.time.step_seconds * sampling.save_every
    described = {
        "pv": {"long_name": "potential vorticity of the layer, without the background's", "units": "s-1"},
        "pv_subgrid_source": {"long_name": "tendency of potential vorticity by what is not resolved", "units": "s-2"},
    }
    dims, shape = ("trajectory", "time", "layer", "y", "x"), (number, sampling.records, *grid.shape)
    return xr.Dataset(
        {name: (dims, np.zeros(shape, np.float32), described[name]) for name in _names(sampling)},
        {
            "trajectory": ("trajectory", np.arange(first, first + number), {"long_name": "number of the trajectory"}),
            "time": (
                "time",
                np.arange(sampling.records) * float(step),
                {"long_name": "time since the start of the trajectory", "units": "s"},
            ),
            "y": ("y", grid.y, {"long_name": "y of the centre of the cell", "units": "m", "axis": "Y"}),
            "x": ("x", grid.x, {"long_name": "x of the centre of the cell", "units": "m", "axis": "X"}),
        },
    )


def _encoding(template: xr.Dataset) -> dict[str, dict]:
    encoding = {"trajectory": {"dtype": "int64", "chunks": (1024,)}}
    for name, variable in template.data_vars.items():
        _, records, *rest = variable.shape
        chunks = (1, min(records, _RECORDS_PER_CHUNK), *rest)
        encoding[name] = {"dtype": "float32", "chunks": chunks, "_FillValue": np.nan}
    return encoding


def _attributes(fine, coarse, operator: OperatorConfig, sampling: Sampling) -> dict[str, Any]:
    """What the store says about where its numbers come from; a store with others is of another truth."""
    return {
        "title": f"{fine.name}, coarsened",
        "time_step": float(fine.time.step_seconds),
        "save_every": sampling.save_every,
        "spin_up_steps": sampling.spin_up,
        "first_seed": sampling.seed,
        "operator": operator.model_dump_json(),
        "config": _described(fine),
        "coarse_config": _described(coarse),
        "ocean_gcm_version": __version__,
    }


def _described(config: LayersExperiment) -> str:
    tree = config.model_dump(mode="json", exclude={"provenance", "weights"})
    return json.dumps(tree, sort_keys=True)
