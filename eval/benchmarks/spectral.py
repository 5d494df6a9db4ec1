"""Speed of the quasi-geostrophic core beside pyqg-jax, and how far their trajectories part, as one JSON line.

    python -m eval.benchmarks.spectral [--cells 64] [--steps 1000] [--precision float32]

Both step the default two layers of pyqg from the same state with the same scheme, whole runs in one program.  Times are
of the process (all its threads), the best of several.  Without pyqg-jax only this model is timed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import time

import jax
import jax.numpy as jnp
import numpy as np

import ocean_gcm as og
from ocean_gcm.config import config_from_dict

STEP = 3600
LENGTH = 1e6


def experiment(cells: int, precision: str, duration_steps: int = 1000) -> dict:
    """The configuration of pyqg's defaults."""
    return {
        "name": "pyqg",
        "precision": precision,
        "grid": {"nx": cells, "length_x": LENGTH},
        "dynamics": {
            "core": "quasi_geostrophic",
            "layers": {"thickness": [500, 2000], "deformation_radius": 15e3},
            "beta": 1.5e-11,
            "zonal_flow": [0.025, 0.0],
            "bottom_drag": 5.787e-7,
            "filter": {},
            "dealiasing": "none",
        },
        "time": {"step": f"PT{STEP}S", "duration": f"PT{duration_steps}H"},
        "output": {"interval": "PT1H", "restart_interval": "PT1H"},
    }


def timed(run, repeats: int = 3):
    """(result, best CPU seconds, best wall seconds) of a compiled function without arguments."""
    result = jax.block_until_ready(run())
    cpu, wall = [], []
    for _ in range(repeats):
        begin, begin_wall = time.process_time(), time.perf_counter()
        jax.block_until_ready(run())
        cpu.append(time.process_time() - begin)
        wall.append(time.perf_counter() - begin_wall)
    return result, min(cpu), min(wall)


def start_of(cells: int) -> np.ndarray:
    """Random waves of up to an eighth of the cells, s-1."""
    noise = np.fft.rfft2(np.random.default_rng(0).standard_normal((2, cells, cells)))
    p, q = np.fft.fftfreq(cells, 1 / cells)[:, None], np.arange(cells // 2 + 1)
    noise[:, (p**2 + q**2 > (cells / 8) ** 2) | (p**2 + q**2 == 0)] = 0
    field = np.fft.irfft2(noise, s=(cells, cells))
    return 5e-6 * field / field.std()


def pyqg(cells: int, precision: str, q: np.ndarray, steps: int):
    """A function that runs pyqg-jax, or None where it is not installed."""
    if importlib.util.find_spec("pyqg_jax") is None:
        return None
    import pyqg_jax

    kind = pyqg_jax.state.Precision.DOUBLE if precision == "float64" else pyqg_jax.state.Precision.SINGLE
    model = pyqg_jax.qg_model.QGModel(nx=cells, L=LENGTH, precision=kind)
    stepped = pyqg_jax.steppers.SteppedModel(model, pyqg_jax.steppers.AB3Stepper(dt=float(STEP)))
    start = model.create_initial_state(jax.random.key(0))
    state = stepped.initialize_stepper_state(start.update(q=jnp.asarray(q, start.q.dtype)))
    run = jax.jit(lambda s: jax.lax.scan(lambda s, _: (stepped.step_model(s), None), s, None, length=steps)[0])
    return lambda: run(state).state.q


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=64, help="points along x and y (default 64)")
    parser.add_argument("--steps", type=int, default=1000, help="steps of a run (default 1000)")
    parser.add_argument("--precision", choices=("float32", "float64"), default="float32")
    options = parser.parse_args()
    if options.precision == "float64":
        jax.config.update("jax_enable_x64", True)
    q = start_of(options.cells)
    model = og.build_model(config_from_dict(experiment(options.cells, options.precision, options.steps)))
    state = model.initial_state(fields={"potential_vorticity": q})
    found, cpu, wall = timed(lambda: model.advance(state, steps=options.steps)[0].ocean.potential_vorticity)
    points = 2 * options.cells**2 * options.steps
    line = {
        "benchmark": "spectral",
        "cells": options.cells,
        "steps": options.steps,
        "precision": options.precision,
        "microseconds_per_step": cpu / options.steps * 1e6,
        "million_point_steps_per_cpu_second": points / cpu / 1e6,
        "wall_seconds": wall,
    }
    theirs = pyqg(options.cells, options.precision, q, options.steps)
    if theirs is not None:
        expected, their_cpu, _ = timed(theirs)
        expected = np.asarray(expected)
        line |= {
            "pyqg_jax": importlib.metadata.version("pyqg-jax"),
            "pyqg_jax_microseconds_per_step": their_cpu / options.steps * 1e6,
            "speed_ratio": their_cpu / cpu,
            "largest_difference": float(np.abs(np.asarray(found) - expected).max() / np.abs(expected).max()),
        }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
