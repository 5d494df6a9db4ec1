"""The only time loop: scans with rematerialisation, for training, forecasts and simulations alike."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from ocean_gcm.state import State

Step = Callable[[State], tuple[State, Any]]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Trajectory:
    """States at saved times (leading axis time) and what the steps since the previous one reported in sum."""

    states: State
    diagnostics: Any


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Report:
    """Of an interval of a long run: time-mean ocean (over the states after each step), summed inputs."""

    mean: Any
    diagnostics: Any


ONE_LEVEL = 32
STATE_BYTES = 2**28
"""Steps up to which a reverse pass keeps every state: a second level saves memory for one more forward pass."""


_KEPT, _KEPT_TOO = "rollout state", "kept by rollouts"


def kept(array: jax.Array) -> jax.Array:
    """The array, which a reverse pass through a rollout keeps for every step instead of computing it again."""
    return checkpoint_name(array, _KEPT_TOO)


def remember(body: Callable, offload: bool) -> Callable:
    """`body` (carry, ...) of a scan, of which a reverse pass keeps the carry and what is `kept`; the rest runs again.

    offload: keep it in the memory of the host; it is copied while the device works.
    """
    # inside of a scan nothing can be merged across the checkpoint, so it need not be prevented
    if not offload:
        policy = jax.checkpoint_policies.save_only_these_names(_KEPT_TOO)
        return jax.checkpoint(body, prevent_cse=False, policy=policy)
    policy = jax.checkpoint_policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[_KEPT_TOO],
        names_which_can_be_offloaded=[_KEPT],
        offload_src="device",
        offload_dst="pinned_host",
    )

    def named(carry, *more):
        return body(jax.tree.map(lambda x: checkpoint_name(x, _KEPT), carry), *more)

    return jax.checkpoint(named, prevent_cse=False, policy=policy)


def one_level(carry: Any) -> int:
    """Number of steps whose states a reverse pass keeps, all of them."""
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(carry))
    return max(ONE_LEVEL, STATE_BYTES // max(size, 1))


def repeat(step: Step, carry: Any, number: int, offload: bool = False) -> Any:
    """`step` applied `number` times; a reverse pass keeps all states where they are few, or about 2 sqrt(number).

    It runs each step once more than forward for up to 32 steps, or as many as `STATE_BYTES` hold, and twice more
    beyond.  `step` maps the carry to the next carry.  With `offload` the outermost of the kept states lie in the memory
    of the host.
    """

    def scan(body, carry, length, offload=False):
        body = remember(body, offload)
        return lax.scan(lambda c, _: (body(c), None), carry, None, length=length)[0]

    if number == 1:
        return jax.checkpoint(step)(carry)
    if number <= one_level(carry):
        return scan(step, carry, number, offload)
    chunk = math.isqrt(number)
    whole, rest = divmod(number, chunk)
    carry = scan(lambda c: scan(step, c, chunk), carry, whole, offload)
    return scan(step, carry, rest, offload) if rest else carry


def trajectory(
    step: Step, state: State, steps: int, save_every: int, nothing: Any, offload: bool = False
) -> tuple[State, Trajectory]:
    """`steps` steps, of which every `save_every`-th state is kept; `offload` as in `repeat`.

    `nothing` is what no step reports, to which what steps report is added.
    Raises ValueError if there are no steps, or `save_every` does not divide them.
    """
    if steps < 1:
        raise ValueError(f"steps = {steps}; expected at least 1")
    if save_every < 1 or steps % save_every:
        raise ValueError(f"save_every = {save_every} does not divide steps = {steps}")

    def advance(carry):
        state, total = carry
        state, diagnostics = step(state)
        return state, total + diagnostics

    again = steps > save_every > 1 and steps > one_level(state)

    def interval(state, _):
        # of two levels of checkpoints the outer one is offloaded
        state, total = repeat(advance, (state, nothing), save_every, offload and not again)
        return state, Trajectory(state, total)

    if steps == save_every:
        state, saved = interval(state, None)
        return state, jax.tree.map(lambda x: x[None], saved)
    if again:
        interval = remember(interval, offload)
    return lax.scan(interval, state, None, length=steps // save_every)


def interval_mean(step: Step, state: State, steps: jax.Array, nothing: Any) -> tuple[State, Report]:
    """A loop of a traced number of steps with running means (forward only, one compilation for all lengths).

    `nothing` is what no step reports.
    """
    dtype = jax.tree.leaves(nothing)[0].dtype

    def body(index, carry):
        state, mean, total = carry
        state, diagnostics = step(state)
        weight = 1.0 / (index + 1).astype(dtype)
        mean = jax.tree.map(lambda m, x: m + weight * (x - m), mean, state.ocean)
        return state, mean, total + diagnostics

    start = (state, jax.tree.map(jnp.zeros_like, state.ocean), nothing)
    state, mean, total = lax.fori_loop(0, steps, body, start)
    return state, Report(mean, total)


def each(run: Callable[[State], Any], states: State, *, axes: int = 1) -> Any:
    """`run` of each of the states along the leading `axes`: one after another on CPU, at once on other devices.

    A vectorised program keeps accelerators busy; on a CPU it leaves the caches (docs/decisions.md, Members on a CPU).
    """
    lead = jax.tree.leaves(states)[0].shape[:axes]
    number = math.prod(lead)
    flat = jax.tree.map(lambda a: a.reshape(-1, *a.shape[axes:]), states)
    if number == 1:
        one = run(jax.tree.map(lambda a: a[0], flat))
        result = jax.tree.map(lambda a: a[None], one)
    else:
        result = lax.map(run, flat) if jax.default_backend() == "cpu" else jax.vmap(run)(flat)
    return jax.tree.map(lambda a: a.reshape(*lead, *a.shape[1:]), result)
