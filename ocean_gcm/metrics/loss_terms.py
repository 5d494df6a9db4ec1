"""The terms of a loss: each with its configuration and its formula.

A term looks at a `Comparison` and gives, by variable, one number per lead time (and forecast of the batch, unless it is
a statistic of the whole batch).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import jax
import jax.numpy as jnp
import pydantic
from jax import lax

from ocean_gcm.errors import UserError
from ocean_gcm.metrics import crps, deterministic, spectra
from ocean_gcm.metrics.averages import masked_mean
from ocean_gcm.metrics.block_means import block_means, multiscale_mean
from ocean_gcm.metrics.ensemble import ensemble_variance
from ocean_gcm.metrics.subgradients import absolute
from ocean_gcm.section import Section

Values = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A forecast beside the truth, land at zero, a surface field with one level.

    Attributes:
      errors: forecast minus truth over the scale, by variable, (member, batch, time, nz, ny, nx), no unit.
      prediction: the forecast in its units, (member, batch, time, nz, ny, nx).
      truth: likewise, (batch, time, nz, ny, nx).
      mean_flow: (u, v) that eddies are deviations from, (nz, ny, nx) m s-1.
      weights: shares of the cells by variable, (nz, ny, nx), zero on land, sum 1.
      periodic_x: whether the grid is closed along x.
    """

    errors: Mapping[str, jax.Array]
    prediction: Mapping[str, jax.Array]
    truth: Mapping[str, jax.Array]
    mean_flow: tuple[jax.Array, jax.Array]
    weights: Mapping[str, jax.Array]
    periodic_x: bool


class Term(Section):
    """What all terms have."""

    fewest_members: ClassVar[int] = 1
    needs_flow: ClassVar[bool] = False
    weight: float = pydantic.Field(1.0, ge=0, description="factor of the term in the loss, no unit")


class PointwiseTerm(Term):
    """A score of each point, averaged over the cells by volume; the same for means over blocks of cells."""

    blocks: tuple[int, ...] = pydantic.Field(
        (1,), description="ascending sizes of blocks in cells; 1 is the grid itself"
    )
    block_weights: tuple[float, ...] | None = pydantic.Field(None, description="a weight for each; null: 1 each")
    shifted_blocks: bool = pydantic.Field(False, description="also blocks that are shifted by half their size")

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        blocks = self.blocks
        if not blocks or min(blocks) < 1 or sorted(set(blocks)) != list(blocks):
            raise UserError(f"blocks is {list(blocks)}; expected ascending sizes of 1 and more, such as [1, 2, 4, 8]")
        shares = self.block_weights
        if shares is not None and (len(shares) != len(blocks) or min(shares) < 0):
            raise UserError(f"block_weights is {list(shares)}; expected {len(blocks)} numbers >= 0, one for each block")
        return self

    def score(self, error: jax.Array) -> jax.Array:
        """(member, batch, time, nz, ny, nx) -> scores without the axis of the members (and that of the batch)."""
        raise NotImplementedError

    def values(self, comparison: Comparison) -> Values:
        shares = self.block_weights or (1.0,) * len(self.blocks)
        return {
            name: multiscale_mean(
                self.score,
                error,
                comparison.weights[name],
                self.blocks,
                shares,
                periodic_x=comparison.periodic_x,
                shifted=self.shifted_blocks,
            )
            for name, error in comparison.errors.items()
        }


class CrpsConfig(PointwiseTerm):
    """Almost fair CRPS (Lang et al. 2024): alpha 1 is the fair score, 0 the one of the empirical distribution."""

    fewest_members: ClassVar[int] = 2
    kind: Literal["crps"] = "crps"
    alpha: float = pydantic.Field(1.0, ge=0, le=1, description="share of the fair score, no unit")

    def score(self, error):
        return crps.almost_fair_crps(error, 0.0, self.alpha)


class SquaredErrorConfig(PointwiseTerm):
    """Squared error, mean over members."""

    kind: Literal["squared_error"] = "squared_error"

    def score(self, error):
        return (error**2).mean(0)


class AbsoluteErrorConfig(PointwiseTerm):
    """Absolute error, mean over members: the CRPS of single forecasts."""

    kind: Literal["absolute_error"] = "absolute_error"

    def score(self, error):
        return absolute(error).mean(0)


class BiasConfig(PointwiseTerm):
    """Square of the mean error over members and batch at each point: what all forecasts get wrong alike."""

    kind: Literal["bias"] = "bias"

    def score(self, error):
        return deterministic.squared_bias(error, (0, 1))


class EnergyScoreConfig(Term):
    """Energy score of each variable: the whole field is one vector, so that patterns count."""

    fewest_members: ClassVar[int] = 2
    kind: Literal["energy_score"] = "energy_score"
    alpha: float = pydantic.Field(1.0, ge=0, le=1, description="share of the fair score, no unit")

    def values(self, comparison: Comparison) -> Values:
        return {
            name: crps.energy_score(error, 0.0, comparison.weights[name], (-3, -2, -1), self.alpha)
            for name, error in comparison.errors.items()
        }


class SpreadConfig(Term):
    """Mismatch of the members' variance and the squared error of their mean, over the batch and blocks of cells.

    With s = <variance> (M + 1)/M and e = <squared error>, whose ratio should be one in every block and level (Fortin et
    al. 2014, doi:10.1175/JHM-D-14-0008.1),

        log_ratio: ln(s / e)^2,     likelihood: 2 (e / s - 1 - ln(e / s)),

    nearly the same near one.  What few forecasts say of e is uncertain: the first is least where s is the geometric
    mean of such e, which is too small, the second where it is their mean (Patton 2011,
    doi:10.1016/j.jeconom.2010.03.034).  Errors are taken as given: a gradient through them would make forecasts worse
    where the spread is small.
    """

    fewest_members: ClassVar[int] = 2
    kind: Literal["spread"] = "spread"
    blocks: tuple[int, ...] = pydantic.Field(
        (4,), min_length=1, description="ascending sizes of blocks in cells, of which each counts the same"
    )
    measure: Literal["log_ratio", "likelihood"] = pydantic.Field(
        "log_ratio",
        description="log_ratio: too much counts as too little; likelihood: no bias where forecasts are few; no unit",
    )
    floor: float = pydantic.Field(
        1e-3, gt=0, description="variance, as a share of the squared error, that is as good as none"
    )

    @pydantic.model_validator(mode="after")
    def _ascending(self):
        if min(self.blocks) < 1 or sorted(set(self.blocks)) != list(self.blocks):
            raise UserError(f"blocks is {list(self.blocks)}; expected ascending sizes of 1 and more, such as [4, 32]")
        return self

    def values(self, comparison: Comparison) -> Values:
        found = {}
        for name, error in comparison.errors.items():
            members = error.shape[0]
            spread = ensemble_variance(error).mean(0) * ((members + 1) / members)
            skill = lax.stop_gradient(error.mean(0) ** 2).mean(0)
            both = jnp.stack([spread, skill])
            means = block_means(both, comparison.weights[name], self.blocks, periodic_x=comparison.periodic_x)
            mismatches = [
                self._mismatch(mean[0], mean[1], weight, (-3, -2, -1)) for ((mean, weight),) in means.values()
            ]
            found[name] = sum(mismatches) / len(mismatches)
        return found

    def _mismatch(self, spread: jax.Array, skill: jax.Array, weight: jax.Array, axis: tuple[int, ...]) -> jax.Array:
        floor = self.floor * skill
        if self.measure == "log_ratio":
            return spectra.log_ratio_mismatch(spread, skill, floor, weight, axis)
        floor = floor + spectra.REST
        ratio = (skill + floor) / (spread + floor)
        return masked_mean(2.0 * (ratio - 1.0 - jnp.log(ratio)), weight, axis)


class SpectrumConfig(Term):
    """Mismatch of kinetic energy by level and wavenumber along x, of the means over members and batch."""

    needs_flow: ClassVar[bool] = True
    kind: Literal["spectrum"] = "spectrum"
    floor: float = pydantic.Field(
        1e-6, gt=0, description="energy, as a share of that of the level, below which a wavenumber does not count"
    )

    def values(self, comparison: Comparison) -> Values:
        shares = comparison.weights["u"], comparison.weights["v"]

        def energy(fields, axes):
            flow = fields["u"], fields["v"]
            return spectra.kinetic_energy_spectrum(*flow, *shares, periodic_x=comparison.periodic_x).mean(axes)

        truth = energy(comparison.truth, 0)
        floor = self.floor * lax.stop_gradient(truth.sum(-1, keepdims=True))
        forecast = energy(comparison.prediction, (0, 1))
        return {"flow": spectra.log_ratio_mismatch(forecast, truth, floor, _levels(shares)[:, None], (-2, -1))}


class KineticEnergyConfig(Term):
    """Mismatch of kinetic energy by level, of the means over members and batch; of eddies if a mean flow is given."""

    needs_flow: ClassVar[bool] = True
    kind: Literal["kinetic_energy"] = "kinetic_energy"
    floor: float = pydantic.Field(1e-3, gt=0, description="energy, as a share of the truth's, that is as good as none")

    def values(self, comparison: Comparison) -> Values:
        shares = comparison.weights["u"], comparison.weights["v"]

        def energy(fields, axes):
            eddies = (fields[name] - mean for name, mean in zip(("u", "v"), comparison.mean_flow, strict=True))
            return spectra.kinetic_energy_by_level(*eddies, *shares).mean(axes)

        truth, forecast = energy(comparison.truth, 0), energy(comparison.prediction, (0, 1))
        floor = self.floor * lax.stop_gradient(truth)
        return {"flow": spectra.log_ratio_mismatch(forecast, truth, floor, _levels(shares), -1)}


def _levels(shares) -> jax.Array:
    """(nz,) share of each level in the flow's weights."""
    return 0.5 * sum(share.sum((-2, -1)) for share in shares)


TermConfig = Annotated[
    CrpsConfig
    | SquaredErrorConfig
    | AbsoluteErrorConfig
    | BiasConfig
    | EnergyScoreConfig
    | SpreadConfig
    | SpectrumConfig
    | KineticEnergyConfig,
    pydantic.Field(discriminator="kind"),
]
