"""Learned closures in the real core, together with classical ones."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ocean_gcm.build import build_model
from ocean_gcm.closures.neural import Statistics
from ocean_gcm.closures.trainable import split
from ocean_gcm.config import config_from_dict, load_config
from ocean_gcm.errors import UserError
from ocean_gcm.input_statistics import measure_inputs
from ocean_gcm.tendencies import explicit_tendencies

LEARNED = {
    "globe": {"kind": "neural_tendencies", "horizontal_fluxes": True, "network": {"width": 8}},
    "gyre": {
        "kind": "neural_tendencies",
        "momentum": "stress",
        "network": {"architecture": "convolution", "width": 8},
    },
}
OTHERS = {
    "mixing": {"kind": "neural_vertical_mixing", "network": {"width": 8}},
    "mesoscale": {"kind": "neural_mesoscale", "network": {"width": 8}},
    "backscatter": {"kind": "neural_backscatter", "minimum": -1e2, "network": {"width": 8}},
}


def tree_of(world):
    """A tiny world: the globe in float64, the gyre in float32."""
    if world == "globe":
        tree = load_config("configs/global_4deg.yaml").model_dump(mode="json")
        tree["precision"] = "float64"
        tree["grid"].update(nx=30, ny=14, y=[-70, 70])
        tree["grid"]["levels"] = {"thickness": [50, 100, 300, 800, 1500, 2000]}
    else:
        tree = load_config("configs/double_gyre.yaml").model_dump(mode="json")
        tree["grid"].update(nx=10, ny=12, levels={"number": 5, "depth": 4000, "surface_thickness": 60})
    return tree


@functools.cache
def model_of(world, *names):
    """With the learned closure called `learned` and others of `OTHERS`."""
    tree = tree_of(world)
    for name in names:
        tree["closures"][name] = OTHERS.get(name, LEARNED[world])
    return build_model(config_from_dict(tree))


def shaken(model, seed, size):
    """The model with random numbers in the last layers."""
    numbers, rebuild = split(model, {"**.decoder.*": "identity"})
    rng = np.random.default_rng(seed)
    return rebuild({k: x + size * jnp.asarray(rng.normal(size=x.shape), x.dtype) for k, x in numbers.items()})


def content(model, state, name):
    """Of a tracer in float64, with what float32 has rounded off."""
    depth = np.where(model.grid.wet, model.grid.depth, 1.0)
    volume = model.grid.volume * (1 + np.asarray(state.ocean.sea_surface_height, float) / depth)
    values = np.asarray(getattr(state.ocean, name), float)
    return (volume * (values + np.asarray(state.stepper.rounding.get(name, 0.0), float))).sum()


# compiled as for users: other programs round otherwise; on some processors the compiler rounds the physics of the globe
# otherwise even so, once a network reads it (docs/closures.md)
@pytest.mark.slow
@pytest.mark.parametrize("world, rounding", [("globe", 1e-13), ("gyre", 0.0)])
def test_untrained_is_physics(world, rounding):
    physics, hybrid = model_of(world), model_of(world, "learned")
    ends = [model.advance(model.initial_state(), steps=12)[0].ocean for model in (physics, hybrid)]
    for a, b in zip(*map(jax.tree.leaves, ends), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=rounding * np.abs(b).max())
    assert np.abs(ends[0].u).max() > 0.01


@pytest.mark.parametrize("world", ["globe", "gyre"])
def test_untrained_asks_for_exactly_nothing(world):
    model = model_of(world, "learned")
    start = model.initial_state()
    found = explicit_tendencies(model, start.ocean, start.time, start.key)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(found))


@pytest.mark.parametrize("world, bound", [("globe", 1e-12), ("gyre", 1e-7)])
def test_heat_and_salt_change_by_the_surface_alone(world, bound):
    model = shaken(model_of(world, "learned"), 0, 1.0)
    start = model.initial_state()
    end, report = model.advance(start, steps=12)
    inputs = {"temperature": report.diagnostics.heat_input, "salinity": report.diagnostics.salt_input}
    for name, given in inputs.items():
        before, after = (content(model, state, name) for state in (start, end))
        assert abs(after - before - float(given)) < bound * abs(before)
    untrained, _ = model_of(world, "learned").advance(start, steps=12)
    changed = np.abs(np.asarray(end.ocean.temperature - untrained.ocean.temperature))
    assert np.isfinite(changed).all() and changed.max() > 1e-3


def test_stress_changes_no_momentum_in_a_step():
    """Of a flat periodic sea without rotation, where the barotropic mode is linear."""
    tree = tree_of("gyre")
    tree["precision"] = "float64"
    tree["grid"].update(periodic_x=True, periodic_y=True, f0=0.0, beta=0.0)
    tree["surface"] = {}
    tree["closures"] = {"learned": {"kind": "neural_tendencies", "momentum": "stress", "network": {"width": 8}}}
    model = build_model(config_from_dict(tree))
    start = model.initial_state()
    rng = np.random.default_rng(0)
    noise = [jnp.asarray(0.1 * rng.normal(size=model.grid.shape)) for _ in range(2)]
    start = dataclasses.replace(start, ocean=dataclasses.replace(start.ocean, u=noise[0], v=noise[1]))
    ends = [m.step(start)[0].ocean for m in (model, shaken(model, 1, 1.0))]
    for a, b in ((ends[0].u, ends[1].u), (ends[0].v, ends[1].v)):
        momentum = np.asarray(b - a) * model.grid.thickness
        assert np.abs(momentum).max() > 0
        assert abs(momentum.sum()) < 1e-12 * np.abs(momentum).sum()


@pytest.mark.slow
def test_members_are_a_vmap():
    model = shaken(model_of("gyre", "learned"), 0, 1.0)
    start = model.initial_state()
    temperature = start.ocean.temperature
    warmer = dataclasses.replace(start, ocean=dataclasses.replace(start.ocean, temperature=temperature * 1.01))
    members = jax.tree.map(lambda a, b: jnp.stack([a, b]), start, warmer)
    together = jax.vmap(lambda s: model.step(s)[0].ocean)(members)
    for k, member in enumerate((start, warmer)):
        alone = model.step(member)[0].ocean
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(together), strict=True):
            np.testing.assert_allclose(b[k], a, atol=1e-5 * (np.abs(a).max() + 1e-8))


@pytest.mark.slow
def test_all_learned_closures_at_once_have_gradients(compiled_quickly):
    """From rest and stirred, beside the classical closures; every weight counts."""
    model = shaken(model_of("gyre", "learned", *OTHERS), 0, 0.3)
    start = model.initial_state()
    rng = np.random.default_rng(0)
    grid = model.grid
    noise = [jnp.asarray(rng.normal(size=grid.shape) * m, model.dtype) for m in (grid.mask, grid.mask_u, grid.mask_v)]
    warmer = start.ocean.temperature + 0.5 * noise[0]
    # with a flow, which is what backscatter acts on
    stirred = dataclasses.replace(start.ocean, temperature=warmer, u=0.1 * noise[1], v=0.1 * noise[2])
    numbers, rebuild = split(model, [f"closures.{name}.**" for name in ("learned", *OTHERS)])

    @jax.jit
    def gradient(numbers, ocean):
        def loss(numbers):
            state = dataclasses.replace(start, ocean=ocean)
            end, _ = rebuild(numbers).step(state)
            weigh = lambda x: jnp.sum(x * jnp.cos(jnp.arange(x.shape[-1], dtype=x.dtype)))  # noqa: E731
            return weigh(end.ocean.temperature) + 1e3 * weigh(end.ocean.u) + weigh(end.ocean.salinity)

        return jax.grad(loss)(numbers)

    for ocean in (start.ocean, stirred):
        slopes = gradient(numbers, ocean)
        assert all(np.isfinite(x).all() for x in slopes.values())
    assert [name for name, x in slopes.items() if not np.any(x)] == []


def test_statistics_of_states(tmp_path):
    """Measured means and scales make inputs of mean zero and variance one, also from the file."""
    model = model_of("gyre", "learned")
    state = model.initial_state()
    names = ("temperature", "velocity", "mask")
    statistics = measure_inputs(model, [state, state], names)
    wet = model.grid.mask
    top = np.asarray(state.ocean.temperature)[0][wet[0]]
    assert statistics.mean["temperature"][0] == pytest.approx(top.mean(), rel=1e-5)
    assert "velocity" not in statistics.mean and "mask" not in statistics.scale
    path = tmp_path / "statistics.json"
    Statistics(statistics.mean, statistics.scale, {"velocity": 3e-6}).write(path)
    tree = tree_of("gyre")
    tree["closures"]["learned"] = LEARNED["gyre"] | {"statistics": str(path), "features": list(names)}
    normalisation = build_model(config_from_dict(tree)).closures["learned"].normalisation
    np.testing.assert_allclose(normalisation.mean[...][:5], statistics.mean["temperature"], rtol=1e-6)
    np.testing.assert_allclose(normalisation.output_scale["velocity"][...], 3e-6, rtol=1e-6)
    assert not any("normalisation" in name for name in split(model, ["**"])[0])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no file"),
        ("{", "JSON"),
        ("[1]", "list"),
        ('{"means": {}}', "mean"),
        ('{"mean": {"temprature": 1}}', "temperature"),
        ('{"mean": {"velocity": 1}}', "expected 0"),
        ('{"scale": {"salinity": 0}}', "positive"),
        ('{"scale": {"salinity": [1, 2, 3]}}', "3 numbers"),
    ],
)
def test_bad_statistics_are_named(tmp_path, content, words):
    path = tmp_path / "statistics.json"
    if content is not None:
        path.write_text(content)
    tree = tree_of("gyre")
    tree["closures"]["learned"] = LEARNED["gyre"] | {"statistics": str(path)}
    with pytest.raises(UserError, match=words):
        build_model(config_from_dict(tree))


def test_networks_wider_than_the_grid_are_refused():
    tree = tree_of("gyre")
    tree["grid"].update(periodic_x=True)
    tree["closures"]["learned"] = LEARNED["gyre"] | {"network": {"architecture": "convolution", "blocks": 11}}
    with pytest.raises(UserError, match="blocks is 11"):
        build_model(config_from_dict(tree))
    tree["closures"]["learned"]["network"] = {"architecture": "convolution", "neighbourhood": True}
    with pytest.raises(UserError, match="neighbourhood"):
        build_model(config_from_dict(tree))


def test_networks_see_random_fields_of_their_own():
    """Members draw their own fields, and these reach the ocean once the network is trained."""
    tree = tree_of("gyre")
    random = {"number": 2, "length": 5e5, "time": "P5D"}
    tree["closures"]["learned"] = {"kind": "neural_tendencies", "random": random, "network": {"width": 8}}
    model = shaken(build_model(config_from_dict(tree)), 2, 1.0)
    state = model.initial_state()
    assert state.closures["learned"].shape == (2, 12, 10)
    members = model.ensemble(state, members=2)
    first, second = (jax.tree.map(lambda x, i=i: x[i], members.closures["learned"]) for i in range(2))
    assert np.abs(first - second)[:, model.grid.wet].min() > 0.0
    ends = [
        model.step(dataclasses.replace(state, closures={**state.closures, "learned": memory}))[0].ocean.temperature
        for memory in (first, second)
    ]
    assert np.abs(ends[0] - ends[1]).max() > 0.0
