"""Trajectories of pyqg-jax, where it is installed: same equations, same numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from spectral_cores import EDDY, core, run

pyqg_jax = pytest.importorskip("pyqg_jax", reason="pyqg-jax is not installed")


def test_trajectory_of_pyqg():
    number, steps, step = 32, 100, 7200.0
    theirs = pyqg_jax.qg_model.QGModel(nx=number, precision=pyqg_jax.state.Precision.DOUBLE)
    stepped = pyqg_jax.steppers.SteppedModel(theirs, pyqg_jax.steppers.AB3Stepper(dt=step))
    start = theirs.create_initial_state(jax.random.key(0))
    q = 10.0 * np.asarray(start.q)
    state = stepped.initialize_stepper_state(start.update(q=jnp.asarray(q)))
    expected = jax.jit(
        lambda s: jax.lax.scan(lambda s, _: (stepped.step_model(s), None), s, None, length=steps)[0].state.q
    )(state)
    found = run(core(number, time_step=step, filter={}, dealiasing="none", **EDDY), q, steps)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
