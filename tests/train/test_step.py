"""What an update changes and what rests, with a loss that needs no model."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.errors import UserError
from train import mesh as devices
from train.config import OptimizerConfig, StageConfig
from train.step import Learner, exported, moving

STAGE = {"steps": 1, "iterations": 1, "learning_rate": 0.1}
NUMBERS = {"closures.drag.linear": jnp.float32(3.0), "closures.noise.tower.kernel": jnp.ones((2, 2))}


class Squares(Learner):
    """The loss is the sum of the squares of all numbers."""

    def loss(self, numbers, static, batch, stage):
        return sum(jnp.sum(x**2) for x in numbers.values()), {}


def updated(carry, number, **changes):
    """Carries after each of a number of updates in a stage."""
    learner = Squares(None, OptimizerConfig(average_decay=0.9), devices.build_mesh(1), trainable=["**"])
    update = learner.compiled_update(StageConfig(**STAGE, **changes))
    carries = [learner.begin(NUMBERS) if carry is None else carry]
    for _ in range(number):
        carries.append(update(carries[-1], None, None, jnp.float32(0.1))[0])
    return carries[1:]


def test_a_stage_trains_what_it_names_and_the_rest_is_as_exported():
    """Two updates of all numbers, three of the drag alone, two of all again, which go on from what rested."""
    first = updated(None, 2)
    drags = updated(first[-1], 3, trainable={"closures.drag.*": "positive"})
    for name in NUMBERS:
        assert (np.asarray(first[0].numbers[name]) != first[1].numbers[name]).all()
    drag, kernel = NUMBERS
    assert len({float(carry.numbers[drag]) for carry in (*first, *drags)}) == 5
    rest = np.asarray(exported(first[-1])[kernel])
    assert (rest != np.asarray(first[-1].numbers[kernel])).all()
    for carry in drags:
        np.testing.assert_array_equal(carry.numbers[kernel], rest)
        np.testing.assert_array_equal(carry.average[kernel], rest)
    again = updated(drags[-1], 2)
    assert (np.abs(again[-1].numbers[kernel]) < np.abs(rest)).all()


def test_the_gradient_is_that_of_what_moves():
    learner = Squares(None, OptimizerConfig(), devices.build_mesh(1), trainable=["closures.drag.*"])
    stage = StageConfig(**STAGE)
    _, report = jax.jit(lambda carry: learner.update(carry, None, None, 0.1, stage))(learner.begin(NUMBERS))
    assert float(report["gradient_norm"]) == pytest.approx(6.0)


def test_what_moves():
    names = [*NUMBERS, "emulator.network.kernel"]
    assert moving(StageConfig(**STAGE), None, names) == names
    assert moving(StageConfig(**STAGE), ["closures.*.linear"], names) == [names[0], names[2]]
    assert moving(StageConfig(**STAGE, trainable={"**.kernel": "auto"}), ["closures.*.linear"], names) == names[1:]
    with pytest.raises(UserError, match="no parameter is called 'emulator"):
        moving(StageConfig(**STAGE), ["emulator.**"], names)
