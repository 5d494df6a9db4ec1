"""Restarts: every bit comes back, and a damaged one is never taken for a good one."""

import shutil

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest

from ocean_gcm.data import restart
from ocean_gcm.data.restart import Restart
from ocean_gcm.errors import UserError
from ocean_gcm.state import Ocean, State, Stepper


def state_like(seed):
    random = np.random.default_rng(seed)

    def array(*shape, dtype=jnp.float32):
        return jnp.asarray(random.normal(size=shape), dtype)

    three = [array(2, 3, 4) for _ in range(4)]
    ocean = Ocean(*three, array(3, 4, dtype=jnp.float64), {"dye": array(2, 3, 4)})
    stepper = Stepper(((array(2, 3, 4), array(2, 3, 4)),), {})
    time = jdt.Timedelta(jnp.int32(seed), jnp.int32(7200))
    return State.create(ocean, stepper, {"mixing": {"energy": array(2, 3, 4)}, "drag": ()}, time, jax.random.key(seed))


def written(directory, step, state, **metadata):
    host = {"sum": np.arange(3.0) / 7}
    return restart.save(directory, Restart(step, restart.named_arrays(state), host, metadata))


def test_every_bit_comes_back(tmp_path):
    state = state_like(1)
    written(tmp_path, 10, state, wall=1 / 3, records=4)
    found = restart.load_latest(tmp_path)
    assert found.step == 10 and found.metadata["wall"] == 1 / 3 and found.metadata["records"] == 4
    again = restart.into(state_like(2), found.state)
    assert jax.tree.structure(again) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(state), strict=True):
        if jnp.issubdtype(b.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found.host["sum"], np.arange(3.0) / 7)


def test_arrays_are_stored_by_name(tmp_path):
    names = set(restart.named_arrays(state_like(1)))
    assert {"ocean.u", "ocean.tracers.dye", "stepper.history.0.1", "closures.mixing.energy", "clock", "noise"} <= names


def test_only_the_latest_are_kept(tmp_path):
    for step in (1, 2, 3):
        written(tmp_path, step, state_like(step))
    assert [path.name for path in restart.available(tmp_path)] == ["000000000002", "000000000003"]


def test_nothing_there_is_no_mistake(tmp_path):
    assert restart.load_latest(tmp_path / "nothing") is None


@pytest.mark.parametrize("damage", ["delete", "empty", "half", "flip"])
def test_damaged_restarts_are_passed_over(tmp_path, damage):
    for step in (1, 2):
        written(tmp_path / "good", step, state_like(step))
    latest = restart.available(tmp_path / "good")[-1]
    files = [p.relative_to(latest) for p in latest.rglob("*") if p.is_file() and p.stat().st_size]
    for number, file in enumerate(files):
        directory = tmp_path / f"{damage}{number}"
        shutil.copytree(tmp_path / "good", directory)
        victim = directory / latest.name / file
        content = bytearray(victim.read_bytes())
        if damage == "delete":
            victim.unlink()
        else:
            content[len(content) // 2] ^= 0xFF
            victim.write_bytes({"empty": b"", "half": content[: len(content) // 2], "flip": content}[damage])
        sentences = []
        assert restart.load_latest(directory, sentences.append).step == 1
        assert len(sentences) == 1 and latest.name in sentences[0]


def test_if_all_are_damaged_it_says_so(tmp_path):
    path = written(tmp_path, 1, state_like(1))
    (path / "checksums.json").unlink()
    with pytest.raises(UserError, match="none of the 1 restarts .* not complete"):
        restart.load_latest(tmp_path)


def test_leftovers_of_a_killed_save_do_no_harm(tmp_path):
    written(tmp_path, 1, state_like(1))
    (tmp_path / "000000000002.orbax-checkpoint-tmp" / "state").mkdir(parents=True)
    (tmp_path / "000000000003").mkdir()  # renamed, but not sealed
    assert restart.load_latest(tmp_path).step == 1
    written(tmp_path, 2, state_like(2))
    assert restart.load_latest(tmp_path).step == 2


def test_what_does_not_fit_is_named():
    arrays = restart.named_arrays(state_like(1))
    with pytest.raises(UserError, match="lacks 'ocean.u'"):
        restart.into(state_like(1), {name: a for name, a in arrays.items() if name != "ocean.u"})
    with pytest.raises(UserError, match="'ocean.u' of the restart has shape"):
        restart.into(state_like(1), {**arrays, "ocean.u": arrays["ocean.u"][:1]})
    with pytest.raises(UserError, match="'closures.new'"):
        restart.into(state_like(1), {**arrays, "closures.new": np.zeros(1)})


def test_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be written"):
        written(tmp_path / "file", 1, state_like(1))
