"""The learned correction: nothing before training, what it conserves, where its parameters live."""

import dataclasses

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np
import pytest
from encoding_cases import small_model

import ocean_gcm as og
from ocean_gcm import weights
from ocean_gcm.closures import trainable
from ocean_gcm.state import Ocean

FIELDS = [f.name for f in dataclasses.fields(Ocean) if f.name != "tracers"]
CORRECTION = {"network": {"width": 6, "blocks": 1}, "conserve": True}
START = jdt.Timedelta(jnp.int32(0), jnp.int32(0))


@pytest.fixture(scope="module")
def learned():
    return small_model(encoder={"correction": CORRECTION}, decoder={"correction": {"network": {"width": 4}}})


@jax.jit
def encode(model, ocean, key):
    return model.encode(ocean, START, key)


@pytest.fixture(scope="module")
def ocean(dataset, model):
    """An ocean with a sea level, as an analysis gives it."""
    encoder = og.Encoder.for_dataset(dataset, model)
    return encoder.ocean(encoder.arrays(dataset))


def trained(model, prefix, size=0.3):
    """Random weights in the last layer."""
    numbers, rebuild = trainable.split(model, {f"{prefix}.tower.decoder.**": "identity"})
    rng = np.random.default_rng(7)
    return rebuild({name: jnp.asarray(size * rng.normal(size=x.shape), x.dtype) for name, x in numbers.items()})


def contents(model, ocean):
    grid = model.grid
    depth = np.where(grid.wet, grid.depth, 1.0)
    volume = grid.volume * (1.0 + np.asarray(ocean.sea_surface_height) / depth)
    return volume.sum(), (volume * ocean.temperature).sum(), (volume * ocean.salinity).sum()


def test_before_training_it_changes_no_bit(model, learned, ocean):
    key = jax.random.key(1)
    plain, corrected = encode(model, ocean, key), encode(learned, ocean, key)
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(corrected), strict=True):
        np.testing.assert_array_equal(a, b)
    after = jax.jit(lambda m, s: m.decode(s))(learned, plain)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(after, name), getattr(plain.ocean, name))


def test_trained_it_changes_all_fields_on_wet_points_and_keeps_the_contents(learned, ocean):
    changed = encode(trained(learned, "encoder"), ocean, jax.random.key(1)).ocean
    grid = learned.grid
    masks = {"u": grid.mask_u, "v": grid.mask_v, "sea_surface_height": grid.wet}
    for name in FIELDS:
        difference, mask = np.asarray(getattr(changed, name) - getattr(ocean, name)), masks.get(name, grid.mask)
        assert (difference[mask] != 0).mean() > 0.99 and not difference[~mask].any(), name
    for before, after in zip(contents(learned, ocean), contents(learned, changed), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-13)
    without = small_model(encoder={"correction": {**CORRECTION, "conserve": False}})
    free = encode(trained(without, "encoder"), ocean, jax.random.key(1)).ocean
    assert abs(contents(learned, free)[1] / contents(learned, ocean)[1] - 1) > 1e-6


def test_parameters_by_path_exported_and_restored(learned, tmp_path):
    paths = trainable.parameter_paths(learned)
    for prefix in ("encoder.tower.", "decoder.tower.", "closures."):
        assert any(path.startswith(prefix) for path in paths)
    changed = trained(trained(learned, "encoder"), "decoder")
    weights.export_model(changed, tmp_path / "model")
    loaded = weights.named_variables(og.load_model(tmp_path / "model"))
    for name, array in weights.named_variables(changed).items():
        np.testing.assert_array_equal(array, loaded[name], err_msg=name)


def test_random_inputs_follow_the_key(ocean):
    settings = {"network": {"width": 4, "blocks": 0}, "features": ["temperature"], "random": {"length": 3e6}}
    noisy = trained(small_model(encoder={"correction": settings}), "encoder")
    one, two = (encode(noisy, ocean, jax.random.key(n)).ocean.temperature for n in (1, 2))
    again = encode(noisy, ocean, jax.random.key(1)).ocean.temperature
    np.testing.assert_array_equal(one, again)
    assert np.abs(np.asarray(one - two)).max() > 1e-3


def test_configurations_without_the_sections_keep_their_hash(model, learned):
    assert not {"encoder", "decoder"} & set(model.config.science())
    assert learned.config.hash != model.config.hash
