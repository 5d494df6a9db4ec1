"""Errors of forecasts from states of a truth that no training saw, one row for each start, lead and variable."""

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np

from ocean_gcm.data.truth import Truth, Window
from ocean_gcm.metrics.averages import masked_mean, volume_weights
from ocean_gcm.metrics.crps import fair_crps
from ocean_gcm.metrics.ensemble import ensemble_variance
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Ocean, State
from ocean_gcm.stochastic.initial import member_of

DAY = 86400
SCORES = ("mean_squared_error", "mean_absolute_error", "fair_crps", "variance")
VARIABLES = ("sea_surface_height", "temperature", "velocity")
"""Sea level in m, temperature of all levels in degC, both components of the velocity of all levels in m s-1."""


@dataclasses.dataclass(frozen=True)
class Forecasts:
    """Which forecasts are made.

    Attributes:
      starts: records of the truth.
      leads: days, multiples of `interval`.
      interval: days between the saved states.
      members: of each forecast; 1: none is perturbed.
      chunk: forecasts that run at once.
    """

    starts: np.ndarray
    leads: tuple[int, ...] = (5, 10, 20, 30, 45, 60)
    interval: int = 5
    members: int = 1
    chunk: int = 8

    @property
    def records(self) -> int:
        return self.leads[-1] // self.interval + 1

    @property
    def chosen(self) -> np.ndarray:
        """Places of the leads among the saved states after the start."""
        return np.array(self.leads) // self.interval - 1


def weights_of(model: OceanModel) -> dict[str, jax.Array]:
    """Shares of the cells by the model's variables, zero on land."""
    grid, geometry = model.grid, model.grid.geometry
    thickness = {"u": grid.thickness_u, "v": grid.thickness_v, "temperature": grid.thickness}
    places = {"u": "U", "v": "V", "temperature": "T"}
    weights = {name: volume_weights(geometry.area[places[name]], h) for name, h in thickness.items()}
    weights["sea_surface_height"] = volume_weights(geometry.area["T"], grid.wet[None])[0]
    return {name: jnp.asarray(w, model.dtype) for name, w in weights.items()}


@jax.jit
def _scores(members: jax.Array, truth: jax.Array, weights: jax.Array) -> list[jax.Array]:
    """`SCORES` of fields (member, ...) and (...); what needs two members is NaN with one."""
    axes = tuple(range(-weights.ndim, 0))
    error = members.mean(0) - truth
    mean = lambda x: masked_mean(x, weights, axes)  # noqa: E731
    several = members.shape[0] > 1
    nothing = jnp.full(error.shape[: error.ndim - weights.ndim], jnp.nan)
    return [
        mean(error**2),
        mean(jnp.abs(error)),
        mean(fair_crps(members, truth)) if several else nothing,
        mean(ensemble_variance(members)) if several else nothing,
    ]


def by_variable(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The two components of the velocity become one variable, their mean."""
    found = dict(found)
    u, v = found.pop("u"), found.pop("v")
    return {**found, "velocity": 0.5 * (u + v)}


def score(oceans: Ocean, truth: Ocean, weights: dict[str, jax.Array]) -> dict[str, np.ndarray]:
    """By variable (start, lead, score); `oceans` (start, member, lead, ...), `truth` (start, lead, ...)."""
    found = {}
    for name, w in weights.items():
        members = jnp.moveaxis(jnp.asarray(getattr(oceans, name)), 1, 0)
        found[name] = np.stack([np.asarray(x) for x in _scores(members, jnp.asarray(getattr(truth, name)), w)], -1)
    return by_variable(found)


@functools.partial(jax.jit, static_argnames="members")
def begun(model: OceanModel, start: Window, keys: jax.Array, members: int) -> State:
    """Initial states (start * member) of the states of a truth; several members differ, each by its own key."""

    def member(ocean, days, seconds, key):
        return member_of(model, ocean, jdt.Timedelta(days, seconds), key, model.forcing, perturbed=members > 1)

    each = jax.vmap(lambda key: jax.vmap(lambda m: jax.random.fold_in(key, m))(jnp.arange(members)))(keys)
    several = jax.tree.map(lambda a: jnp.repeat(jnp.asarray(a), members, 0), (start.ocean, start.days, start.seconds))
    return jax.vmap(member)(*several, each.reshape(-1))


@jax.jit
def decoded(model: OceanModel, states: State) -> Ocean:
    """Fields of states (member, time) as the truth would have them."""
    return jax.vmap(jax.vmap(model.decode))(states)


def forecast(model: OceanModel, truth: Truth, plan: Forecasts, seed: int = 0):
    """Generator of (starts, forecasts, truth): fields (start, member, lead, ...) and (start, lead, ...)."""
    stride = truth.stride(plan.interval * DAY, "interval")
    steps, chosen = round(plan.interval * DAY / model.time_step), plan.chosen
    for begin in range(0, len(plan.starts), plan.chunk):
        starts = plan.starts[begin : begin + plan.chunk]
        window = truth.windows(starts, plan.records, stride)
        first = window.at(0)
        keys = jax.vmap(lambda n: jax.random.fold_in(jax.random.key(seed), n))(jnp.asarray(starts))
        states = begun(model, first, keys, plan.members)
        shape = (len(starts), plan.members)
        _, saved = model.unroll_ensemble(states, steps=steps * (plan.records - 1), save_every=steps)
        found = decoded(model, saved.states)
        oceans = jax.tree.map(lambda a, shape=shape: np.asarray(a).reshape(*shape, *a.shape[1:])[:, :, chosen], found)
        yield starts, oceans, jax.tree.map(lambda a: a[:, 1 + chosen], window.ocean)


def scores_of_model(model: OceanModel, truth: Truth, plan: Forecasts) -> dict[str, np.ndarray]:
    """By variable (start, lead, score)."""
    weights = weights_of(model)
    parts = [score(oceans, after, weights) for _, oceans, after in forecast(model, truth, plan)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def scores_of_constants(model: OceanModel, truth: Truth, plan: Forecasts, mean: Ocean | None) -> dict[str, np.ndarray]:
    """The same of a forecast that does not change: the start (`mean` None: persistence) or a mean state."""
    stride, weights = truth.stride(plan.interval * DAY, "interval"), weights_of(model)
    window = truth.windows(plan.starts, plan.records, stride)
    after = jax.tree.map(lambda a: a[:, 1 + plan.chosen], window.ocean)
    constant = window.at(0).ocean if mean is None else jax.tree.map(lambda a: a[None], mean)
    oceans = jax.tree.map(lambda a, b: np.broadcast_to(a[:, None], b.shape)[:, None], constant, after)
    return score(oceans, after, weights)


def mean_state(truth: Truth, begin: int, end: int) -> Ocean:
    """Mean over records of a truth."""
    total, every = None, 5
    records = range(begin, end, every)
    for record in records:
        ocean = jax.tree.map(lambda a: np.asarray(a[0], float), truth.window(record, 1).ocean)
        total = ocean if total is None else jax.tree.map(np.add, total, ocean)
    return jax.tree.map(lambda a: (a / len(records)).astype(truth.dtype), total)
