"""The largest stable step, and what a simulated day costs with it, for ways to step the advection of momentum.

    python -m eval.benchmarks.time_stepping configs/baroclinic_channel.yaml --days 5 --steps PT10M,PT15M,PT20M

Adams-Bashforth 2 and 3 are the model's own; "rk3" composes three of its steps without extrapolation into the
strong-stability-preserving scheme of Shu & Osher (1988).  One JSON line per scheme and step.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import time

import jax
import jax.numpy as jnp

from ocean_gcm.build import build_model
from ocean_gcm.config import load_config
from ocean_gcm.model import OceanModel


def with_extrapolation(model: OceanModel, extrapolation: tuple[float, ...]) -> OceanModel:
    """The same model with other weights of present and past advection."""
    blueprint = model.blueprint
    numerics = dataclasses.replace(model.core.numerics, extrapolation=extrapolation)
    return OceanModel(
        dataclasses.replace(blueprint, core=dataclasses.replace(model.core, numerics=numerics)),
        dict(model.closures.items()),
    )


def runge_kutta_step(model: OceanModel, static, state, forcing):
    """u1 = E(u), u2 = 3/4 u + 1/4 E(u1), u = 1/3 u + 2/3 E(u2) for the resolved fields; E is a step of `model`."""

    def blend(weight, stage):
        ocean = jax.tree.map(lambda a, b: (1 - weight) * a + weight * b, state.ocean, stage.ocean)
        return dataclasses.replace(stage, ocean=ocean)

    euler = lambda s: model._step(static, s, forcing)[0]  # noqa: E731
    first = euler(state)
    second = dataclasses.replace(blend(0.25, euler(first)), clock=first.clock)
    return dataclasses.replace(blend(2.0 / 3.0, euler(second)), clock=first.clock)


@functools.partial(jax.jit, static_argnums=(3, 4))
def _run(model, state, forcing, steps, runge_kutta):
    static = model.metrics()
    if runge_kutta:
        step = lambda s: runge_kutta_step(model, static, s, forcing)  # noqa: E731
    else:
        step = lambda s: model._step(static, s, forcing)[0]  # noqa: E731
    return jax.lax.scan(lambda s, _: (step(s), None), state, None, length=steps)[0]


def measure(config, scheme: str, days: float) -> dict:
    """Whether the run stays finite with speeds below 10 m/s, and seconds per simulated day."""
    model = build_model(config)
    if scheme == "rk3":
        model = with_extrapolation(model, (1.0,))
    steps = round(days * 86400 / model.time_step)
    state = model.initial_state()
    jax.block_until_ready(_run(model, state, model.forcing, steps, scheme == "rk3"))
    start = time.perf_counter()
    final = jax.block_until_ready(_run(model, state, model.forcing, steps, scheme == "rk3"))
    seconds = time.perf_counter() - start
    finite = bool(jnp.all(jnp.isfinite(final.ocean.u)))
    speed = float(jnp.max(jnp.abs(final.ocean.u))) if finite else None
    return {
        "scheme": scheme,
        "time_step_seconds": model.time_step,
        "days": days,
        "stable": finite and speed < 10.0,
        "largest_speed": speed,
        "seconds_per_simulated_day": seconds / days,
    }


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--days", type=float, default=5.0)
    parser.add_argument("--steps", default="PT10M,PT15M,PT20M,PT30M", help="ISO-8601 durations, separated by commas")
    parser.add_argument("--schemes", default="ab2,ab3,rk3")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(arguments)
    for scheme in options.schemes.split(","):
        for step in options.steps.split(","):
            stepper = "ab3" if scheme == "rk3" else scheme
            overrides = [*options.set, f"time.step={step}", f"dynamics.time_stepper={stepper}", "time.duration=P90D",
                         "output.interval=P90D", "output.restart_interval=P90D"]  # fmt: skip
            config = load_config(options.config, overrides)
            print(json.dumps({"case": config.name, **measure(config, scheme, options.days)}), flush=True)


if __name__ == "__main__":
    main()
