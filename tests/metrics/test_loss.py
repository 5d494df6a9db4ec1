"""The loss against sums over cells, and its behaviour in training: land, ties, batches, float32."""

import functools
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
import pytest
import yaml
from island_grid import channel, island

from ocean_gcm.errors import UserError
from ocean_gcm.metrics.loss import VARIABLES, LossConfig, build_loss
from ocean_gcm.metrics.loss_terms import SpreadConfig
from ocean_gcm.state import Ocean
from ocean_gcm.validation import sentence

LEADS = (86400.0, 172800.0)
ALL_TERMS = {
    "crps": {"kind": "crps", "alpha": 0.95, "blocks": [1, 2, 4], "weight": 2.0},
    "energy": {"kind": "energy_score"},
    "square": {"kind": "squared_error", "shifted_blocks": True, "blocks": [2]},
    "absolute": {"kind": "absolute_error"},
    "bias": {"kind": "bias"},
    "spread": {"kind": "spread", "blocks": [2]},
    "spectrum": {"kind": "spectrum"},
    "motion": {"kind": "kinetic_energy"},
}


def config(terms, **keys) -> LossConfig:
    return LossConfig.model_validate({"terms": terms, **keys})


def scales(grid):
    levels = np.linspace(1.0, 0.5, grid.shape[0])
    return {"u": 0.1 * levels, "v": 0.2 * levels, "temperature": levels, "salinity": 0.1 * levels} | {
        "sea_surface_height": np.array([0.05])
    }


def wet(grid):
    return {"u": grid.mask_u, "v": grid.mask_v, "sea_surface_height": grid.wet}


def ocean(grid, lead, seed, dtype=float, land=0.0) -> Ocean:
    """Random fields with the leading axes `lead`."""
    random = np.random.default_rng(seed)

    def field(name, size):
        mask = wet(grid).get(name, grid.mask)
        return jnp.asarray(np.where(mask, size * random.normal(size=(*lead, *mask.shape)), land), dtype)

    sizes = {"u": 0.1, "v": 0.1, "temperature": 1.0, "salinity": 0.1, "sea_surface_height": 0.05}
    return Ocean(**{name: field(name, size) for name, size in sizes.items()}, tracers={})


@functools.cache
def compiled(kinds: tuple[str, ...]):
    grid = island()
    loss = build_loss(config({name: ALL_TERMS[name] for name in kinds}), grid, scales(grid), LEADS, dtype=jnp.float64)
    return loss, jax.jit(lambda loss, p, y: loss(p, y))


gradient_of = jax.jit(jax.grad(lambda prediction, loss, truth: loss(prediction, truth)[0]))


def cells(grid, name):
    """(k, j, i), weight of the wet cells of a variable, sum 1."""
    area = grid.geometry.area[{"u": "U", "v": "V"}.get(name, "T")]
    thickness = {"u": grid.thickness_u, "v": grid.thickness_v, "sea_surface_height": 1.0 * grid.wet[None]}
    volume = area * thickness.get(name, grid.thickness)
    return [(index, volume[index] / volume.sum()) for index in zip(*np.nonzero(volume), strict=True)]


def grid_share(grid, name, level):
    return sum(weight for at, weight in cells(grid, name) if at[0] == level)


def with_level(name, array):
    return np.asarray(array)[..., None, :, :] if name == "sea_surface_height" else np.asarray(array)


def test_pointwise_terms_by_definition():
    """Loops over variables, cells and times for squared and absolute error and bias of a batch."""
    grid = island()
    keys = {"lead_weights": [3.0, 1.0], "variables": {"u": 2.0, "temperature": 1.0, "sea_surface_height": 0.5}}
    terms = {"square": {"kind": "squared_error"}, "absolute": {"kind": "absolute_error", "weight": 0.1}}
    built = build_loss(config({**terms, "bias": {"kind": "bias"}}, **keys), grid, scales(grid), LEADS, dtype=float)
    prediction, truth = ocean(grid, (2, 3, 2), 0), ocean(grid, (2, 2), 1, land=np.nan)
    total, parts = jax.jit(lambda p, y: built(p, y))(prediction, truth)
    for name, share in keys["variables"].items():
        p, y = with_level(name, getattr(prediction, name)), with_level(name, getattr(truth, name))
        expected = {"square": 0.0, "absolute": 0.0, "bias": 0.0}
        for (k, j, i), weight in cells(grid, name):
            for t, lead in enumerate((0.75, 0.25)):
                errors = (p[:, :, t, k, j, i] - y[:, None, t, k, j, i]) / scales(grid)[name][k]
                expected["square"] += weight * lead * (errors**2).mean()
                expected["absolute"] += 0.1 * weight * lead * np.abs(errors).mean()
                expected["bias"] += weight * lead * errors.mean() ** 2
        for term, value in expected.items():
            assert float(parts[f"{term}.{name}"]) == pytest.approx(share * value)
    assert float(total) == pytest.approx(sum(map(float, parts.values()))) and len(parts) == 9


def test_crps_on_blocks_by_definition():
    """Two members on blocks of 1 and 3 cells: the fair CRPS of a pair is its distance to the truth from outside."""
    grid = island()
    terms = {"crps": {"kind": "crps", "blocks": [1, 3], "block_weights": [1.0, 0.5]}}
    built = build_loss(config(terms, variables={"v": 1.0}), grid, scales(grid), LEADS, dtype=float)
    prediction, truth = ocean(grid, (2, 2), 0), ocean(grid, (2,), 1)
    total, _ = jax.jit(lambda p, y: built(p, y))(prediction, truth)
    expected = 0.0
    for size, share in ((1, 1.0), (3, 0.5)):
        blocks = {}
        for (k, j, i), weight in cells(grid, "v"):
            blocks.setdefault((k, j // size, i // size), []).append(((k, j, i), weight))
        for t in range(2):
            for (k, _, _), members in blocks.items():
                area = sum(w for _, w in members)
                error = [
                    sum(w * (prediction.v[(m, t, *at)] - truth.v[(t, *at)]) for at, w in members) / area for m in (0, 1)
                ]
                score = max(0.0, min(error), -max(error)) / scales(grid)["v"][k]
                expected += share * 0.5 * area * score
    assert float(total) == pytest.approx(float(expected))


def test_all_terms_are_finite_and_zero_for_a_perfect_forecast_with_nan_on_land():
    grid = island()
    loss, value = compiled(tuple(ALL_TERMS))
    truth = ocean(grid, (2,), 0)
    same = jax.tree.map(lambda a: jnp.broadcast_to(a, (3, *a.shape)), truth)
    total, parts = value(loss, same, jax.tree.map(lambda a: jnp.where(a == 0, jnp.nan, a), truth))
    assert float(total) == pytest.approx(0.0, abs=1e-12)
    assert set(parts) == {f"{t}.{v}" for t in ALL_TERMS if t not in ("spectrum", "motion") for v in VARIABLES} | {
        "spectrum.flow",
        "motion.flow",
    }


@pytest.mark.parametrize("case", ["random", "members agree", "perfect", "at rest"])
def test_float32_gradients_are_finite_and_zero_on_land(case):
    grid = island()
    loss, _ = compiled(tuple(ALL_TERMS))
    loss = jax.tree.map(lambda a: a.astype(jnp.float32), loss)
    truth = ocean(grid, (2,), 0, jnp.float32, land=jnp.nan)
    prediction = ocean(grid, (3, 2), 1, jnp.float32)
    if case == "members agree":
        prediction = jax.tree.map(lambda a: jnp.broadcast_to(a[:1], a.shape), prediction)
    if case == "perfect":
        prediction = jax.tree.map(lambda a: jnp.broadcast_to(jnp.nan_to_num(a), (3, *a.shape)), truth)
    if case == "at rest":
        prediction, truth = (jax.tree.map(jnp.zeros_like, a) for a in (prediction, truth))
    gradient = gradient_of(prediction, loss, truth)
    for name in VARIABLES:
        array = np.asarray(getattr(gradient, name))
        assert array.dtype == np.float32 and np.isfinite(array).all(), name
        assert not array[..., ~wet(grid).get(name, grid.mask)].any(), name
        if case in ("random", "members agree"):
            assert (array[..., wet(grid).get(name, grid.mask)] != 0).mean() > 0.9, name


def test_gradient_is_that_of_finite_differences():
    grid = island()
    loss, value = compiled(tuple(name for name in ALL_TERMS if name != "spread"))  # it takes errors as given
    prediction, truth, direction = ocean(grid, (3, 2), 0), ocean(grid, (2,), 1), ocean(grid, (3, 2), 2)
    gradient = gradient_of(prediction, loss, truth)
    slope = sum(jax.tree.leaves(jax.tree.map(jnp.vdot, gradient, direction)))
    step = 1e-6
    moved = (jax.tree.map(lambda a, b, s=s: a + s * b, prediction, direction) for s in (step, -step))
    ends = [value(loss, at, truth)[0] for at in moved]
    assert float(slope) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), rel=1e-6)


@pytest.mark.parametrize(
    "measure, mismatch",
    [("log_ratio", lambda r: np.log(r) ** 2), ("likelihood", lambda r: 2 * (1 / r - 1 + np.log(r)))],
    ids=["log_ratio", "likelihood"],
)
def test_spread_compares_variance_and_error_in_blocks(measure, mismatch):
    """Two members e apart around the truth's place: loops over blocks, and no gradient through the error."""
    grid = island()
    terms = {"spread": {"kind": "spread", "blocks": [3, 9], "floor": 1e-9, "measure": measure}}
    built = build_loss(config(terms, variables={"temperature": 1.0}), grid, scales(grid), LEADS, dtype=float)
    prediction, truth = ocean(grid, (4, 2, 2), 0), ocean(grid, (4, 2), 1)
    total, _ = jax.jit(lambda p, y: built(p, y))(prediction, truth)
    p, y = np.asarray(prediction.temperature), np.asarray(truth.temperature)
    variance = 1.5 * p.var(1, ddof=1).mean(0)
    square = ((p.mean(1) - y) ** 2).mean(0)
    blocks = {}
    for (k, j, i), weight in cells(grid, "temperature"):
        for size in (3, 9):
            blocks.setdefault((size, k, j // size, i // size), []).append(((k, j, i), weight))
    expected = 0.0
    for t in range(2):
        for members in blocks.values():
            ratio = np.divide(*(sum(w * a[(t, *at)] for at, w in members) for a in (variance, square)))
            expected += 0.25 * sum(w for _, w in members) * mismatch(ratio)
    assert float(total) == pytest.approx(expected, rel=1e-6)
    gradient = gradient_of(prediction, built, truth).temperature
    np.testing.assert_allclose(gradient.sum(1), 0.0, atol=1e-12)  # the mean of members stays where it is
    assert (gradient[..., grid.mask] != 0).all()


def test_likelihood_of_spread_is_least_at_the_mean_error():
    """Of single points of single forecasts, of which each has its own squared error."""
    few = np.random.default_rng(0).standard_normal(400) ** 2
    spreads, least = np.linspace(0.2, 2.0, 181), {}
    for measure in ("log_ratio", "likelihood"):
        term = SpreadConfig(measure=measure)
        losses = term._mismatch(spreads[:, None], few, np.ones(len(few)), -1)
        least[measure] = spreads[np.argmin(losses)]
    assert least["likelihood"] == pytest.approx(few.mean(), abs=0.02)
    assert least["log_ratio"] == pytest.approx(np.exp(np.log(few).mean()), abs=0.02) and least["log_ratio"] < 0.4


def test_local_scales_make_quiet_points_count():
    grid = island()
    keys = {"variables": {"temperature": 1.0, "sea_surface_height": 1.0}, "vertical": "level"}
    built = build_loss(config({"square": {"kind": "squared_error"}}, **keys), grid, scales(grid), LEADS, dtype=float)
    quiet = np.where(np.arange(grid.shape[2]) < 3, 0.5, 2.0) * np.ones(grid.shape)
    local = built.with_local_scales({"temperature": quiet, "sea_surface_height": quiet[:1]}, 1.0, 0.01)
    for name in keys["variables"]:
        ratio = np.asarray(local.inverse_scales[name] / built.inverse_scales[name])
        np.testing.assert_allclose(ratio[..., 0] / ratio[..., -1], 4.0)
        weights = np.asarray(built.weights[name])
        np.testing.assert_allclose((weights * ratio**-2).sum((-2, -1)), weights.sum((-2, -1)))
    floored = built.with_local_scales({"temperature": quiet, "sea_surface_height": quiet[:1]}, 0.5, 0.9)
    ratio = np.asarray(floored.inverse_scales["temperature"] / built.inverse_scales["temperature"])
    assert ratio.max() == pytest.approx(0.9**-0.5)


def test_a_batch_is_the_mean_of_its_forecasts_but_for_the_bias():
    grid = island()
    loss, value = compiled(("crps", "energy", "bias"))
    prediction, truth = ocean(grid, (2, 3, 2), 0), ocean(grid, (2, 2), 1)
    _, together = value(loss, prediction, truth)
    each = [value(loss, *(jax.tree.map(lambda a, b=b: a[b], x) for x in (prediction, truth)))[1] for b in (0, 1)]
    for name, part in together.items():
        mean = float(each[0][name] + each[1][name]) / 2
        assert float(part) < mean if name.startswith("bias") else float(part) == pytest.approx(mean)


def test_errors_of_opposite_sign_have_no_bias():
    grid = island()
    loss, value = compiled(("crps", "energy", "bias"))
    truth = ocean(grid, (2, 2), 0)
    error = ocean(grid, (2,), 1)
    prediction = jax.tree.map(lambda y, e: (y + jnp.stack([e, -e]))[:, None].repeat(2, 1), truth, error)
    _, parts = value(loss, prediction, truth)
    assert all(float(part) < 1e-24 for name, part in parts.items() if name.startswith("bias"))
    assert all(float(part) > 1e-3 for name, part in parts.items() if name.startswith("crps"))


def test_energy_terms_compare_statistics_not_places():
    """A flow that is turned around in the channel has the same spectrum; one that is e times as fast is 4 away."""
    grid = channel()
    terms = {name: ALL_TERMS[name] | {"floor": 1e-9} for name in ("spectrum", "motion")}
    build = functools.partial(build_loss, config(terms, variables={"u": 1.0}), grid, scales(grid), LEADS, dtype=float)
    value = jax.jit(lambda loss, prediction, truth: loss(prediction, truth))
    truth = ocean(grid, (2,), 0)
    turned, faster = (jax.tree.map(f, truth) for f in (lambda a: jnp.roll(a, 3, -1)[None], lambda a: math.e * a[None]))
    assert float(value(build(), turned, truth)[0]) == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(list(value(build(), faster, truth)[1].values()), 4.0, rtol=1e-4)
    mean = 0.1 * np.ones(grid.shape)
    expected = 0.0
    for k in range(3):
        for t in range(2):
            energies = [
                sum(w * (size * np.asarray(getattr(truth, name))[(t, *at)] - 0.1) ** 2 / share
                    for name, share in (("u", grid_share(grid, "u", k)), ("v", grid_share(grid, "v", k)))
                    for at, w in cells(grid, name) if at[0] == k)
                for size in (math.e, 1.0)
            ]  # fmt: skip
            level = 0.5 * (grid_share(grid, "u", k) + grid_share(grid, "v", k))
            expected += 0.5 * level * np.log(np.divide(*energies)) ** 2
    found = value(build(mean_flow=(mean, mean)), faster, truth)[1]["motion.flow"]
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_masks_hold_out_regions_and_leads_decay():
    grid = island()
    terms = {"square": {"kind": "squared_error"}}
    mask = np.zeros(grid.shape[1:])
    mask[:, :3] = 1.0
    keys = {"variables": {"temperature": 1.0}, "lead_decay": "P1D", "vertical": "level"}
    loss = build_loss(config(terms, **keys), grid, scales(grid), LEADS, dtype=float, masks={"temperature": mask})
    np.testing.assert_allclose(loss.lead_weights[0] / loss.lead_weights[1], math.e)
    np.testing.assert_allclose(loss.weights["temperature"].sum((-2, -1)), 1 / grid.shape[0])
    gradient = gradient_of(ocean(grid, (1, 2), 0), loss, ocean(grid, (2,), 1)).temperature
    assert gradient[..., :3].any() and not gradient[..., 3:].any()


def test_scales_by_lead_time():
    grid = island()
    terms, variables = {"square": {"kind": "squared_error"}}, {"temperature": 1.0}
    growing = np.array([[1.0], [2.0]]) * np.ones(grid.shape[0])
    loss = build_loss(config(terms, variables=variables), grid, {"temperature": growing}, LEADS, dtype=float)
    one = ocean(grid, (1, 2), 0)
    one = jax.tree.map(lambda a: jnp.ones_like(a) * jnp.arange(1.0, 3.0).reshape(1, 2, *(1,) * (a.ndim - 2)), one)
    zero = jax.tree.map(lambda a: jnp.zeros_like(a[0]), one)
    assert float(loss(one, zero)[0]) == pytest.approx(1.0)


def test_one_member_is_refused_by_scores_of_ensembles():
    grid = island()
    loss, _ = compiled(("crps", "energy", "bias"))
    with pytest.raises(UserError, match="'crps' of the loss .crps. needs at least 2 members, the forecast has 1"):
        loss(ocean(grid, (1, 2), 0), ocean(grid, (2,), 1))
    with pytest.raises(ValueError, match="u has the shapes .* expected 2 times"):
        loss(ocean(grid, (2, 3), 0), ocean(grid, (3,), 1))


BAD = [
    ({"terms": {}}, "terms is empty"),
    ({"terms": {"a": {"kind": "cprs"}}}, "terms.a.kind is 'cprs'; did you mean 'crps'"),
    ({"variables": {"temprature": 1.0}}, "'temprature'; did you mean 'temperature'"),
    ({"variables": {"u": -1.0}}, "variables.u is -1.0"),
    ({"lead_weights": [0.0]}, "lead_weights is .0.0."),
    ({"lead_weights": [1.0], "lead_decay": "P1D"}, "both given"),
    ({"terms": {"a": {"kind": "bias", "blocks": [2, 1]}}}, "blocks is .2, 1."),
    ({"terms": {"a": {"kind": "spread", "blocks": [0]}}}, "blocks is .0."),
    (
        {"terms": {"a": {"kind": "bias", "block_weights": [1.0, 2.0]}}},
        "block_weights is .1.0, 2.0.; expected 1 numbers",
    ),
]


@pytest.mark.parametrize("keys, message", BAD)
def test_mistakes_in_the_configuration(keys, message):
    with pytest.raises(UserError, match=message):
        try:
            config(**{"terms": {"a": {"kind": "bias"}}, **keys})
        except pydantic.ValidationError as error:
            raise UserError(sentence(error, LossConfig)) from None


def test_mistakes_with_the_data():
    grid = island()
    terms, good = {"a": {"kind": "bias"}}, scales(grid)
    for changed, keys, message in [
        ({"u": np.zeros(3)}, {}, "scale of 'u' is 0 at a level with water"),
        ({"u": np.full(3, np.nan)}, {}, "scale of 'u' is nan"),
        ({"u": np.ones(2)}, {}, r"scale of 'u' has the shape \(2,\); expected \(3,\) levels"),
        ({}, {"lead_weights": [1.0]}, "lead_weights has 1 numbers; expected 2"),
        ({}, {"terms": {"a": {"kind": "bias", "blocks": [1, 64]}}}, "terms.a.blocks contains 64; expected at most 9"),
    ]:
        with pytest.raises(UserError, match=message):
            build_loss(config(**{"terms": terms, **keys}), grid, {**good, **changed}, LEADS)
    with pytest.raises(UserError, match="no scale for the variable 'salinity'"):
        build_loss(config(terms), grid, {n: a for n, a in good.items() if n != "salinity"}, LEADS)
    with pytest.raises(UserError, match="'u' of the loss has no wet cell"):
        build_loss(config(terms), grid, good, LEADS, masks={"u": np.zeros(grid.shape)})


def test_the_example_of_the_documentation_is_a_loss():
    text = (Path(__file__).parents[2] / "docs" / "scores.md").read_text(encoding="utf-8")
    example = LossConfig.model_validate(yaml.safe_load(text.split("```yaml")[1].split("```")[0]))
    loss = build_loss(example, island(), scales(island()), LEADS)
    assert [name for name, _ in loss.terms] == ["crps", "bias", "spectrum"] and example.lead_decay == "P10D"
