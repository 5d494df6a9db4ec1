"""Forecasts of the held-out period: errors by lead time, beside those of the model before training."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from ocean_gcm.clock import duration_seconds
from ocean_gcm.data.truth import Period, Truth, evenly
from ocean_gcm.errors import UserError
from ocean_gcm.model import OceanModel
from train import mesh as devices
from train.config import StageConfig, ValidationConfig
from train.figures import Rollout
from train.held_out import starts_by_month
from train.processes import compiled_by_all
from train.step import Batch, Learner, Numbers, Static

Weights = dict[str, jax.Array]
Errors = dict[str, list[float]]

REGIONS = ("rmse", "rmse_held_out")
"""Errors where the truth is learned from (everywhere, without held-out regions), and in the held-out regions."""


def rmse(weights: Weights, forecast: Any, truth: Any) -> dict[str, jax.Array]:
    """Root of the mean squared error over cells and forecasts, by variable, (time,) in its unit.

    Args:
      weights: shares of the cells by variable, (nz, ny, nx), as in `Loss`.
      forecast, truth: (batch, member, time, ...) and (batch, time, ...); of an ensemble its mean counts.
    """
    out = {}
    for name, share in weights.items():
        error = getattr(forecast, name).mean(1) - getattr(truth, name)
        squares = jnp.where(share > 0, (error[:, :, None] if error.ndim == 4 else error) ** 2, 0)
        out[name] = jnp.sqrt(jnp.mean(jnp.sum(squares * share, (-3, -2, -1)), 0))
    return out


@dataclasses.dataclass(eq=False)
class Validation:
    """Forecasts from fixed initial states.

    Attributes:
      leads: lead times, s.
      held_out: weights of the cells that are not learned from, if there are such; scores on these stand by themselves.
      rollout: the first of the forecasts that were last made, its mean over members.
    """

    learner: Learner
    static: Static | None
    batch: Batch
    stage: StageConfig
    chosen: np.ndarray
    leads: list[int]
    held_out: Weights | None = None
    reference: dict[str, dict[str, list[float]]] | None = None
    rollout: Rollout | None = None

    @classmethod
    def build(
        cls,
        config: ValidationConfig,
        truth: Truth,
        period: Period,
        model: OceanModel,
        learner: Learner,
        months: Sequence[int] = (),
    ) -> Validation:
        """Forecasts from `config.starts` states of the period, of those in `months` if there are such.

        Raises UserError if leads or period do not fit the truth.
        """
        time = model.config.time
        leads = [duration_seconds(lead, time.calendar) for lead in config.leads]
        if not leads or sorted(set(leads)) != leads or any(lead % leads[0] for lead in leads):
            raise UserError(
                f"validation.leads is {list(config.leads)}; expected ascending multiples of the first of them"
            )
        steps = [time.require_whole_steps("validation.leads", lead) for lead in config.leads]
        stage = StageConfig(steps=steps[-1], save_every=steps[0], iterations=1, learning_rate=1.0, batch=config.starts)
        stride = truth.stride(leads[0], "validation.leads[0]")
        starts = truth.starts(period, stage.records, stride)
        if months:
            _, starts = starts_by_month(starts, truth, stage.records, stride, months)
            if not len(starts):
                raise UserError(f"no forecast of the validation begins in held_out_months = {list(months)}")
        starts = evenly(starts, config.starts)
        index, number = devices.share(learner.mesh, len(starts))
        windows = truth.windows(starts[index::number], stage.records, stride)
        batch = learner.batch(jax.random.key(0), windows, len(starts))
        chosen = np.array(leads) // leads[0] - 1
        validation = cls(learner, None, batch, stage, chosen, leads)
        everywhere = NamedSharding(learner.mesh, PartitionSpec())
        validation._made = jax.jit(validation._make, out_shardings=everywhere)
        validation._persisted = jax.jit(validation._persist, out_shardings=everywhere)
        return validation

    def _make(self, numbers: Numbers, static: Static, batch: Batch, held_out: Weights | None):
        """RMSE of forecasts by `REGIONS`; surface fields of the first of them, and of the truth."""
        forecasts = self.learner.forecasts(numbers, static, batch, self.stage)
        first = jax.tree.map(lambda a: a[0].mean(0), forecasts)
        truth = jax.tree.map(lambda a: a[0], batch.truth)
        surface = self.learner.form.surface
        return self._regional(static, forecasts, batch.truth, held_out), surface(first), surface(truth)

    def _regional(self, static: Static, forecasts: Any, truth: Any, held_out: Weights | None):
        seen = self.learner.seen
        forecasts, truth = seen(static.loss, forecasts, 2), seen(static.loss, truth, 1)
        everywhere = rmse(static.loss.weights, forecasts, truth)
        return (everywhere,) if held_out is None else (everywhere, rmse(held_out, forecasts, truth))

    def _persist(self, static: Static, batch: Batch, held_out: Weights | None):
        """RMSE of a sea that stays as it is, by `REGIONS`."""

        def stays(start, truth):
            return jnp.broadcast_to(start[:, None, None], (len(start), 1, *truth.shape[1:]))

        return self._regional(static, jax.tree.map(stays, batch.ocean, batch.truth), batch.truth, held_out)

    def errors(self, numbers: Numbers) -> list[Errors]:
        """By region: RMSE by variable, one number for each lead."""
        found, *surfaces = self._made(self._everywhere(numbers), self.static, self.batch, self.held_out)
        self.rollout = Rollout(*({n: np.asarray(a)[self.chosen] for n, a in fields.items()} for fields in surfaces))
        return self._at_leads(found)

    def compare(self, numbers: Numbers, start: Numbers) -> dict[str, Any]:
        """Errors of the trained model, of the one that training began with, and of a sea that stays as it is."""
        data = self.static, self.batch, self.held_out
        if self.reference is None:
            compiled_by_all("persistence", self._persisted, *data)
            compiled_by_all("validation", self._made, self._everywhere(start), *data)
            persistence = self._at_leads(self._persisted(*data))
            self.reference = {**_named("_untrained", self.errors(start)), **_named("_persistence", persistence)}
        return {"lead_seconds": self.leads, **_named("", self.errors(numbers)), **self.reference}

    def _everywhere(self, numbers: Numbers) -> Numbers:
        return devices.everywhere(self.learner.mesh, dict(numbers))

    def _at_leads(self, regions: tuple[dict[str, jax.Array], ...]) -> list[Errors]:
        return [{n: np.asarray(a, float)[self.chosen].tolist() for n, a in errors.items()} for errors in regions]


def _named(forecast: str, regions: list[Errors]) -> dict[str, Errors]:
    """Errors by region as entries rmse, rmse_held_out, with `forecast` behind."""
    return {name + forecast: errors for name, errors in zip(REGIONS, regions, strict=False)}
