"""One update of the parameters: a pure function of numbers, optimiser, data and keys, compiled once per stage."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import optax
from jax.sharding import NamedSharding, PartitionSpec

from ocean_gcm.clock import SECONDS_PER_DAY
from ocean_gcm.closures.trainable import matching
from ocean_gcm.data.truth import Window
from ocean_gcm.decomposition import unroll
from ocean_gcm.metrics.loss import Loss
from ocean_gcm.model import OceanModel
from ocean_gcm.state import Layers, Ocean, State
from train import mesh as devices
from train.config import OptimizerConfig, StageConfig
from train.emulation import PREFIX, Emulation, of_emulator, shares
from train.form import OCEAN, Form

Numbers = dict[str, jax.Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Static:
    """Arrays that all updates share; arguments, so that they are not compiled into the program.

    Attributes:
      grid_arrays, forcing: of the model.
      loss: see `ocean_gcm.metrics.loss`.
    """

    grid_arrays: dict[str, jax.Array]
    forcing: Any
    loss: Loss


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Batch:
    """Forecasts to make, with the leading axis batch.

    Attributes:
      ocean: fields at the starts.
      clock: (batch, 2) days and seconds of the starts since that of the configuration.
      keys: (batch, words) bits of a random key each.
      truth: (batch, time, ...) fields at the saved times; in a stage of tendencies the increments, per second.
    """

    ocean: Ocean | Layers
    clock: jax.Array
    keys: jax.Array
    truth: Ocean | Layers


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Carry:
    """What one update hands to the next; saving it saves the training.

    Attributes:
      numbers: what is trained, by path, unbounded (see `ocean_gcm.closures.trainable`).
      optimizer: moments of the gradient.
      average: running mean of the numbers, or {} if none is asked for.
      updates, skipped, in_a_row: counters of updates done, skipped, and skipped since the last one done.
    """

    numbers: Numbers
    optimizer: Any
    average: Numbers
    updates: jax.Array
    skipped: jax.Array
    in_a_row: jax.Array


@dataclasses.dataclass(frozen=True, eq=False)
class Learner:
    """What is fixed in a training: how numbers become a model, and how gradients become updates.

    Attributes:
      rebuild: numbers -> model.
      config: of the optimiser.
      mesh: devices.
      form: what is the core's own.
      emulation: what stands for the core in gradients, or None.
      trainable: patterns of what stages without patterns of their own train; None: all numbers.
    """

    rebuild: Callable[[Mapping[str, jax.Array]], OceanModel]
    config: OptimizerConfig
    mesh: jax.sharding.Mesh
    form: Form = OCEAN
    emulation: Emulation | None = None
    trainable: Iterable[str] | None = None

    @property
    def transformation(self) -> optax.GradientTransformation:
        """AdamW without its rate.  An emulator, which has a loss of its own, is clipped by itself."""
        c = self.config
        clip = optax.identity() if c.clip is None else optax.clip_by_global_norm(c.clip)
        if self.emulation is not None:
            clip = optax.chain(*(optax.masked(clip, functools.partial(of_emulator, own)) for own in (False, True)))
        decay = optax.add_decayed_weights(c.weight_decay, mask=lambda tree: jax.tree.map(lambda x: x.ndim > 1, tree))
        return optax.chain(clip, optax.scale_by_adam(c.beta1, c.beta2), decay)

    def begin(self, numbers: Numbers) -> Carry:
        """What training starts with."""
        zero = jnp.int32(0)
        average = {} if self.config.average_decay is None else dict(numbers)
        carry = Carry(dict(numbers), self.transformation.init(numbers), average, zero, zero, zero)
        return devices.everywhere(self.mesh, carry)

    def model(self, numbers: Numbers, static: Static) -> OceanModel:
        model = self.rebuild(numbers)
        model.grid_arrays = static.grid_arrays
        return model

    def forecasts(self, numbers: Numbers, static: Static, batch: Batch, stage: StageConfig) -> Ocean | Layers:
        """Fields at the saved times, (batch, member, time, ...)."""
        model = self.model(numbers, static)
        if stage.mode == "emulated":
            model = self.emulation.through(model, numbers)
        states = self.starts(model, static.forcing, batch, stage)
        save_every = stage.save_every or stage.steps
        _, saved = unroll(
            model,
            states,
            static.forcing,
            mesh=self.mesh,
            steps=stage.steps,
            save_every=save_every,
            offload=stage.offload,
        )
        if model.decoder is None:
            return saved.states.ocean
        decode = jax.checkpoint(jax.vmap(jax.vmap(lambda state: model.decode(state, static.forcing))))
        # one time after another: what the network keeps for the gradient is much more than what it gives
        in_turn = jax.lax.map(decode, jax.tree.map(lambda a: jnp.moveaxis(a, 2, 0), saved.states))
        return jax.tree.map(lambda a: jnp.moveaxis(a, 0, 2), in_turn)

    def starts(self, model: OceanModel, forcing: Any, batch: Batch, stage: StageConfig) -> State:
        """States that the forecasts begin with, (batch, member, ...)."""

        def members(model, forcing, ocean, clock, words):
            key = jax.random.wrap_key_data(words)
            time = jdt.Timedelta(clock[0], clock[1])
            if stage.members > 1 and stage.perturb == "initial":
                start = model.encode(ocean, time, key, forcing)
                return model.ensemble(start, key, members=stage.members)
            keys = jax.vmap(lambda member: jax.random.fold_in(key, member))(jnp.arange(stage.members))
            return jax.vmap(lambda k: model.encode(ocean, time, k, forcing))(keys)

        lead = devices.lead_axes(self.mesh, len(batch.clock))
        states = devices.apart(
            self.mesh,
            jax.vmap(members, (None, None, 0, 0, 0)),
            (model, forcing, batch.ocean, batch.clock, batch.keys),
            ((), (), lead, lead, lead),
            lead,
        )
        return devices.constrained(self.mesh, states, model.grid.shape[1:], len(batch.clock), stage.members)

    def changes(self, numbers: Numbers, static: Static, batch: Batch, stage: StageConfig) -> tuple[Any, Any]:
        """What closures' tendencies change within a stage's steps, (batch, member, 1 time, ...), and should change."""
        model, each = self.model(numbers, static), functools.partial(devices.each, self.mesh)

        def run(model, forcing, starts, members):
            return each(lambda start: self.form.changes(model, forcing, stage, start, members, each), starts)

        of_batch, of_members = devices.lead_axes(self.mesh, len(batch.clock), stage.members)
        made = devices.apart(
            self.mesh,
            run,
            (model, static.forcing, (batch.ocean, batch.clock, batch.keys), jnp.arange(stage.members)),
            ((), (), (of_batch,), (of_members,)),
            (of_batch, of_members),
        )
        seconds = stage.steps * model.time_step
        wanted = jax.tree.map(lambda x: x * seconds, batch.truth)
        return jax.tree.map(lambda x: (x * seconds)[:, :, None], made), wanted

    def loss(self, numbers: Numbers, static: Static, batch: Batch, stage: StageConfig):
        """(loss, parts) of a batch."""
        if stage.mode == "emulator":
            # states that are as balanced as those of the model's steps; a truth need not be
            forecasts = self.forecasts(jax.lax.stop_gradient(numbers), static, batch, stage)
            return self.missed(numbers, static, batch, forecasts, stage)
        if stage.mode == "tendency":
            forecasts, truth = self.changes(numbers, static, batch, stage)
        else:
            forecasts, truth = self.forecasts(numbers, static, batch, stage), batch.truth
        loss, parts = static.loss.of_seen(self.seen(static.loss, forecasts, 2), self.seen(static.loss, truth, 1))
        if stage.mode == "emulated":
            missed, more = self.missed(numbers, static, batch, forecasts, stage)
            loss, parts = loss + missed, parts | more
        return loss, parts

    def seen(self, loss: Loss, fields: Any, axes: int) -> Any:
        """What the loss looks at, of fields with the leading axes (batch,) or (batch, member): 1 or 2 `axes`."""
        lead = self._lead(fields, axes)
        return devices.apart(self.mesh, lambda loss, fields: loss.seen(fields), (loss, fields), ((), lead), lead)

    def missed(
        self, numbers: Numbers, static: Static, batch: Batch, forecasts: Any, stage: StageConfig
    ) -> tuple[jax.Array, dict[str, Any]]:
        """(loss, parts) of the emulator in the states of forecasts (batch, member, time, ...) of a stage."""
        lead, shape = self._lead(forecasts, 2), jax.tree.leaves(forecasts)[0].shape[:3]
        leads = np.round(stage.leads(self.model(numbers, static).time_step))
        later = np.divmod(leads.astype(np.int32), SECONDS_PER_DAY)
        clock = tuple(jnp.broadcast_to(x[:, None, None] + y, shape) for x, y in zip(batch.clock.T, later, strict=True))

        def run(numbers, static, fields, clock):
            missed = self.emulation.missed(self.model(numbers, static), numbers, static.forcing)
            return devices.each(
                self.mesh, lambda state: missed(state[0], jdt.Timedelta(*state[1])), (fields, clock), axes=3
            )

        found = devices.apart(self.mesh, run, (numbers, static, forecasts, clock), ((), (), lead, lead), lead)
        missed, parts = shares(jax.tree.map(lambda squares: squares.mean((0, 1, 2)), found))
        return missed, {"emulator": missed, **{f"emulator.{name}": part for name, part in parts.items()}}

    def _lead(self, fields: Any, axes: int) -> tuple[str | None, ...]:
        return devices.lead_axes(self.mesh, *jax.tree.leaves(fields)[0].shape[:axes])

    def update(
        self, carry: Carry, static: Static, batch: Batch, rate: jax.Array, stage: StageConfig
    ) -> tuple[Carry, dict[str, Any]]:
        """One update at the learning rate `rate`; it changes nothing but counters where it is not finite.

        What the stage does not train has no gradient, and the value that would be exported.
        """
        names = moving(stage, self.trainable, carry.numbers)
        resting = {name: value for name, value in exported(carry).items() if name not in names}
        numbers = carry.numbers | resting

        def loss_of(moved):
            return self.loss(numbers | moved, static, batch, stage)

        (loss, parts), slope = jax.value_and_grad(loss_of, has_aux=True)({name: numbers[name] for name in names})
        gradient = {name: slope[name] if name in slope else jnp.zeros_like(x) for name, x in numbers.items()}
        norm = optax.tree.norm(slope)
        finite = jnp.isfinite(loss) & jnp.isfinite(norm)
        change, optimizer = self.transformation.update(gradient, carry.optimizer, numbers)
        # moments of what rests would go on moving it
        new = jax.tree.map(lambda x, d: x - (rate * d).astype(x.dtype), numbers, change) | resting
        average = carry.average
        if self.config.average_decay is not None:
            # young averages forget their beginning sooner
            decay = jnp.minimum(self.config.average_decay, (1.0 + carry.updates) / (10.0 + carry.updates))
            average = jax.tree.map(lambda a, x: (decay * a + (1 - decay) * x).astype(a.dtype), average, new) | resting

        def chosen(updated, old):
            return jax.tree.map(lambda a, b: jnp.where(finite, a, b), updated, old)

        one = finite.astype(jnp.int32)
        result = Carry(
            numbers=chosen(new, numbers),
            optimizer=chosen(optimizer, carry.optimizer),
            average=chosen(average, carry.average),
            updates=carry.updates + one,
            skipped=carry.skipped + (1 - one),
            in_a_row=(carry.in_a_row + 1) * (1 - one),
        )
        report = {"loss": loss, "parts": parts, "gradient_norm": norm, "finite": finite}
        return result, report

    def compiled_update(self, stage: StageConfig) -> Callable:
        """`update` of a stage as a compiled function (carry, static, batch, rate)."""

        def update(carry, static, batch, rate):
            return self.update(carry, static, batch, rate, stage)

        # what all devices have must stay so, whatever the compiler finds cheaper
        return jax.jit(update, out_shardings=NamedSharding(self.mesh, PartitionSpec()))

    def batch(self, key: jax.Array, window: Window, size: int | None = None) -> Batch:
        """Windows of the host (batch, records, ...) on the devices; `key` decides all noise of the batch.

        Of several processes each gives its `train.mesh.share` of the `size` windows.
        """
        size = len(window.days) if size is None else size
        index, number = devices.share(self.mesh, size)
        words = np.asarray(jax.random.key_data(jax.random.split(key, size)))[index::number]
        start, truth = window.at(0), jax.tree.map(lambda a: a[:, 1:], window.ocean)
        if window.increments:
            truth = self.form.lacks(window.increments)
        clock = np.stack([start.days, start.seconds], -1)
        own = Batch(start.ocean, clock, words, truth)
        return devices.spread(self.mesh, own, jax.tree.leaves(window.ocean)[0].shape[-2:], size)

    def static(self, model: OceanModel, loss: Loss) -> Static:
        """Arrays that all updates share, on the devices."""
        static = Static(model.grid_arrays, model.forcing, loss)
        return devices.everywhere(self.mesh, static, model.grid.shape[1:])


def moving(stage: StageConfig, trainable: Iterable[str] | None, numbers: Iterable[str]) -> list[str]:
    """Paths of the numbers that a stage trains; `trainable` as of a `Learner`.  Raises UserError, see `matching`.

    Those of an emulator follow from the mode of the stage, not from patterns.
    """
    patterns = trainable if stage.trainable is None else stage.trainable
    if patterns is None:
        return list(numbers)
    own = [name for name in numbers if not name.startswith(PREFIX)]
    chosen = {name for pattern in patterns for name in matching(pattern, own)}
    return [name for name in numbers if name in chosen or name.startswith(PREFIX)]


def exported(carry: Carry) -> Numbers:
    """The numbers that a training gives away: the average if there is one."""
    return carry.average or carry.numbers
