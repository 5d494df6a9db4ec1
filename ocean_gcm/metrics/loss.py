"""A loss for trajectories: terms by name, put together from a section of a configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pydantic

from ocean_gcm.clock import Duration, duration_seconds
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid
from ocean_gcm.metrics import averages
from ocean_gcm.metrics.loss_terms import Comparison, Term, TermConfig
from ocean_gcm.section import Named, Section
from ocean_gcm.state import Ocean
from ocean_gcm.validation import suggestion

VARIABLES = ("u", "v", "temperature", "salinity", "sea_surface_height")
"""Of the finite-volume core."""
LAYERS_VARIABLES = ("potential_vorticity", "vorticity", "streamfunction", "u", "v")
"""Of the quasi-geostrophic core."""
_KNOWN = tuple(dict.fromkeys((*VARIABLES, *LAYERS_VARIABLES)))
_PLACES = {"u": "U", "v": "V"}


class LossConfig(Section):
    """A weighted sum of terms; errors are counted in scales from data (`ocean_gcm.data.statistics`)."""

    terms: Named[TermConfig] = pydantic.Field(description="terms by a name of your choice")
    variables: Named[float] = pydantic.Field(
        {name: 1.0 for name in VARIABLES},
        description="weight of each variable that counts; of layers potential_vorticity, vorticity, streamfunction, u "
        "and v; no unit",
    )
    scale: Literal["tendency", "standard_deviation", "increment"] = pydantic.Field(
        "tendency",
        description="what errors are counted in: the spread of changes over a lead, of the fields, of the increments "
        "of a truth that observations hold (over a day), or of the subgrid source of layers (over the steps)",
    )
    smallest_scale: float = pydantic.Field(
        0.05, gt=0, le=1, description="floor of a level's scale, as a share of the variable's largest"
    )
    local_scale: float = pydantic.Field(
        0.0,
        ge=0,
        le=1,
        description="power with which scales follow the local spread of the truth's changes from record to record: 0: "
        "one scale for a level, 1: one for each point, so that quiet water counts as much as jets; no unit",
    )
    vertical: Literal["thickness", "level"] = pydantic.Field(
        "thickness", description="whether cells count by volume, or each level the same"
    )
    lead_weights: tuple[float, ...] | None = pydantic.Field(
        None, description="weight of each saved time of a trajectory; null: the same, or lead_decay"
    )
    lead_decay: Duration | None = pydantic.Field(
        None, description="time over which weights fall by a factor e, ISO-8601 duration; null: none"
    )

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if not self.terms:
            raise UserError("terms is empty; expected at least one term, such as error: {kind: squared_error}")
        for name, weight in self.variables.items():
            if name not in _KNOWN:
                raise UserError(f"variables contains {name!r}; {suggestion(name, _KNOWN)}")
            if weight < 0:
                raise UserError(f"variables.{name} is {weight}; expected a weight >= 0")
        if self.lead_weights is not None:
            if self.lead_decay is not None:
                raise UserError("lead_weights and lead_decay are both given; expected at most one of them")
            if not self.lead_weights or min(self.lead_weights) < 0 or sum(self.lead_weights) == 0:
                raise UserError(f"lead_weights is {list(self.lead_weights)}; expected numbers >= 0, not all zero")
        return self


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Loss:
    """loss(prediction, truth) -> (scalar, parts); a pytree, so that it can be an argument of a compiled function.

    Attributes:
      weights: shares of the cells by variable, (nz, ny, nx), zero on land, sum 1.
      inverse_scales: by variable, (nz, 1, 1), (nz, ny, nx) or with (time,) before these, one over the unit of the
        variable.
      lead_weights: (time,), sum 1.
      mean_flow: (u, v) that eddies are deviations from, (nz, ny, nx) m s-1, or zeros.
      terms, variables: by name, in the order of the configuration, with their settings or weights.
      periodic_x: whether the grid is closed along x.
    """

    weights: dict[str, jax.Array]
    inverse_scales: dict[str, jax.Array]
    lead_weights: jax.Array
    mean_flow: tuple[jax.Array, jax.Array]
    terms: tuple[tuple[str, Term], ...] = dataclasses.field(metadata={"static": True})
    variables: tuple[tuple[str, float], ...] = dataclasses.field(metadata={"static": True})
    periodic_x: bool = dataclasses.field(metadata={"static": True})

    def seen(self, ocean: Ocean) -> Any:
        """The fields that the loss looks at, by attribute."""
        return ocean

    def __call__(self, prediction: Ocean, truth: Ocean) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The loss and its parts, whose sum it is, by "term.variable".

        Args:
          prediction: fields with the axes (member, time, nz, ny, nx), sea level without nz; or all of them with a
            leading axis of the batch, over which the loss is a mean and a bias is formed.
          truth: the same without the axis of the members.  Land may hold anything, NaN included.

        Only the variables that count are looked at; others may be None.  Raises UserError if a term needs more members
        than there are, ValueError if the axes do not match.
        """
        return self.of_seen(self.seen(prediction), self.seen(truth))

    def of_seen(self, prediction: Any, truth: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The loss and its parts of fields that are `seen` already."""
        comparison = self._comparison(prediction, truth)
        variables = dict(self.variables)
        parts = {}
        for name, term in self.terms:
            for variable, values in term.values(comparison).items():
                # (batch, time), or (time,) for a statistic of the batch
                mean = jnp.sum(values * self.lead_weights, -1).mean()
                parts[f"{name}.{variable}"] = term.weight * variables.get(variable, 1.0) * mean
        return sum(parts.values()), parts

    def with_local_scales(self, spread: Mapping[str, np.ndarray], power: float, smallest: float) -> Loss:
        """The same with scales that follow a spread from place to place.

        Args:
          spread: by variable in any unit, (nz, ny, nx), sea level (1, ny, nx); only its pattern on each level counts.
          power: of the local spread over the root mean square of its level.
          smallest: floor of that ratio.
        """
        inverse = {}
        for name, scale in self.inverse_scales.items():
            weights, local = np.asarray(self.weights[name]), np.asarray(spread[name], float)
            area = weights.sum((-2, -1), keepdims=True)
            level = np.sqrt((weights * local**2).sum((-2, -1), keepdims=True) / np.where(area > 0, area, 1.0))
            ratio = np.maximum(local / np.where(level > 0, level, np.inf), smallest)
            inverse[name] = scale * jnp.asarray(ratio**-power, scale.dtype)
        return dataclasses.replace(self, inverse_scales=inverse)

    def _comparison(self, prediction: Ocean, truth: Ocean) -> Comparison:
        needed = dict.fromkeys(name for name, _ in self.variables)
        flow = ("u", "v") if any(term.needs_flow for _, term in self.terms) else ()
        forecasts, truths = {}, {}
        for name in (*needed, *(name for name in flow if name not in needed)):
            forecasts[name], truths[name] = self._aligned(name, getattr(prediction, name), getattr(truth, name))
        members = next(iter(forecasts.values())).shape[0]
        for name, term in self.terms:
            if members < term.fewest_members:
                raise UserError(
                    f"the term {name!r} of the loss ({term.kind}) needs at least {term.fewest_members} members, the "
                    f"forecast has {members}; expected an ensemble, or a term such as absolute_error"
                )
        errors = {name: (forecasts[name] - truths[name]) * self.inverse_scales[name] for name in needed}
        return Comparison(errors, forecasts, truths, self.mean_flow, self.weights, self.periodic_x)

    def _aligned(self, name: str, forecast, truth):
        """(member, batch, time, nz, ny, nx) and (batch, time, nz, ny, nx) with zeros on land."""
        if forecast is None or truth is None:
            raise ValueError(f"{name} is missing from the {'forecast' if forecast is None else 'truth'}")
        wet = self.weights[name] > 0
        if name == "sea_surface_height":
            forecast, truth = forecast[..., None, :, :], truth[..., None, :, :]
        if forecast.ndim == 5:
            forecast, truth = forecast[None], truth[None]
        expected = (*forecast.shape[:1], *forecast.shape[2:])
        times = self.lead_weights.shape[0]
        if forecast.ndim != 6 or truth.shape != expected or expected[1:] != (times, *wet.shape):
            raise ValueError(
                f"{name} has the shapes {forecast.shape} (batch, member, time, nz, ny, nx) in the forecast and "
                f"{truth.shape} in the truth; expected {times} times on a grid of {wet.shape}"
            )
        forecast = jnp.where(wet, jnp.moveaxis(forecast, 1, 0), 0)
        return forecast, jnp.where(wet, truth, 0).astype(forecast.dtype)


def build_loss(
    config: LossConfig,
    grid: Grid,
    scales: Mapping[str, np.ndarray],
    lead_times: Sequence[float],
    *,
    dtype=jnp.float32,
    masks: Mapping[str, np.ndarray] | None = None,
    mean_flow: tuple[np.ndarray, np.ndarray] | None = None,
) -> Loss:
    """The loss for trajectories of a grid.

    Args:
      config: terms and weights.
      grid: of the model.
      scales: by variable in its unit, (nz,) or (time, nz), or for sea level a number, (1,) or (time, 1);
        `Statistics.scales` gives them.
      lead_times: of the saved states, ascending, s.
      dtype: of the arrays.
      masks: by variable, (nz, ny, nx) or (ny, nx), True (or a share) where it counts: to hold out regions.
      mean_flow: (u, v) (nz, ny, nx) m s-1 that eddies are deviations from; None: rest.

    Raises UserError if a scale is missing, has the wrong shape or is not positive where there is water, if weights do
    not fit the lead times, if blocks are larger than the grid, or if no water is left.
    """
    names = counted(config)
    require_blocks(config, grid.shape)
    flow = [name for name in ("u", "v") if any(t.needs_flow for t in config.terms.values())]
    weights = {name: _weights(name, config, grid, masks or {}) for name in dict.fromkeys([*names, *flow])}
    inverse = {name: inverse_scale(name, scales, weights[name], len(lead_times)) for name in names}
    rest = np.zeros(grid.shape)
    return Loss(
        **as_arrays(weights=weights, inverse_scales=inverse, mean_flow=tuple(mean_flow or (rest, rest)), dtype=dtype),
        lead_weights=jnp.asarray(lead_weights(config, lead_times), dtype),
        terms=tuple((name, term) for name, term in config.terms.items() if term.weight > 0),
        variables=tuple((name, config.variables[name]) for name in names),
        periodic_x=grid.topology.periodic_x,
    )


def counted(config: LossConfig) -> list[str]:
    """The variables that count."""
    return [name for name, weight in config.variables.items() if weight > 0]


def as_arrays(*, dtype, **trees: Any) -> dict[str, Any]:
    """Trees of arrays of the host by name, on the device."""
    return {name: jax.tree.map(lambda a: jnp.asarray(a, dtype), tree) for name, tree in trees.items()}


def require_blocks(config: LossConfig, shape: tuple[int, int, int]) -> None:
    """Raises UserError for blocks that are larger than the grid."""
    largest = max(shape[1:])
    for term_name, term in config.terms.items():
        blocks = getattr(term, "blocks", (1,))
        if blocks[-1] > largest:
            raise UserError(
                f"terms.{term_name}.blocks contains {blocks[-1]}; expected at most {largest}, the width of the grid"
            )


def _weights(name: str, config: LossConfig, grid: Grid, masks: Mapping[str, np.ndarray]) -> np.ndarray:
    thickness = {"u": grid.thickness_u, "v": grid.thickness_v}.get(name, grid.thickness)
    if name == "sea_surface_height":
        thickness = grid.wet[None].astype(float)
    area = grid.geometry.area[_PLACES.get(name, "T")] * np.asarray(masks.get(name, 1.0), float)
    try:
        if config.vertical == "thickness":
            return averages.volume_weights(area, thickness)
        return averages.level_weights(area, thickness)
    except ValueError:
        raise UserError(f"the variable {name!r} of the loss has no wet cell that counts") from None


def inverse_scale(name: str, scales: Mapping[str, np.ndarray], weights: np.ndarray, times: int) -> np.ndarray:
    """(nz, 1, 1) or (time, nz, 1, 1) one over the scale of a variable.  Raises UserError for scales that do not fit."""
    if name not in scales:
        raise UserError(f"the loss has no scale for the variable {name!r}; {suggestion(name, scales)}")
    scale = np.asarray(scales[name], float)
    levels = weights.shape[0]
    if scale.ndim == 0:
        scale = np.broadcast_to(scale, (levels,))
    if scale.shape not in ((levels,), (times, levels)):
        raise UserError(
            f"the scale of {name!r} has the shape {scale.shape}; expected ({levels},) levels or ({times}, {levels}) "
            "lead times and levels"
        )
    wet = np.broadcast_to(weights.sum((-2, -1)) > 0, scale.shape)
    if not (scale[wet] > 0).all() or not np.isfinite(scale[wet]).all():
        wrong = scale[wet][~((scale[wet] > 0) & np.isfinite(scale[wet]))][0]
        raise UserError(f"the scale of {name!r} is {wrong:g} at a level with water; expected a positive number")
    return np.where(wet, 1.0 / np.where(wet, scale, 1.0), 0.0)[..., None, None]


def lead_weights(config: LossConfig, lead_times: Sequence[float]) -> np.ndarray:
    """(time,) weights of the saved times, sum 1.  Raises UserError if there are not as many."""
    times = np.asarray(lead_times, float)
    weights = np.ones(times.shape)
    if config.lead_weights is not None:
        if len(config.lead_weights) != len(times):
            raise UserError(
                f"lead_weights has {len(config.lead_weights)} numbers; expected {len(times)}, one for each saved time"
            )
        weights = np.asarray(config.lead_weights)
    elif config.lead_decay is not None:
        weights = np.exp(-(times - times[0]) / duration_seconds(config.lead_decay))
    return weights / weights.sum()
