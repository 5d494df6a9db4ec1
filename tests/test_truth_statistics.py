"""`ocean-gcm statistics`: what it measures, who reads it, what it refuses."""

import copy
import json
import re

import jax
import jax.numpy as jnp
import layers_model
import numpy as np
import pytest
import tiny_run
import xarray as xr

from ocean_gcm import cli
from ocean_gcm.build import build_model
from ocean_gcm.closures.layers.features import FEATURES
from ocean_gcm.config import config_from_dict
from ocean_gcm.data import output
from ocean_gcm.data.statistics import FORMAT, read_statistics
from ocean_gcm.errors import UserError
from ocean_gcm.state import Layers

RECORDS, DAY = 10, 86400
LEARNED = {"kind": "neural_tendencies", "features": ["temperature", "velocity"], "network": {"width": 8}}


@pytest.fixture(scope="module")
def model():
    return build_model(config_from_dict(tiny_run.TREE))


@pytest.fixture(scope="module")
def fields(model):
    """Noise of a size of its own at each level; salinity does not vary."""
    grid, random = model.grid, np.random.default_rng(0)
    sizes = np.array([1.0, 0.5, 0.01])[:, None, None]

    def noise(mask, scale, mean=0.0):
        values = mean + scale * sizes[: mask.shape[0]] * random.standard_normal((RECORDS, *mask.shape))
        return np.where(mask, values, 0.0)

    return {
        "u": noise(grid.mask_u, 0.1),
        "v": noise(grid.mask_v, 0.2),
        "temperature": noise(grid.mask, 2.0, 10.0),
        "salinity": np.where(grid.mask, 35.0, 0.0) * np.ones((RECORDS, 1, 1, 1)),
        "sea_surface_height": noise(grid.mask[:1], 0.1)[:, 0],
    }


@pytest.fixture(scope="module")
def files(model, fields, tmp_path_factory):
    """Directory with model.yaml, truth.zarr and, by the command, statistics.json; and what was printed."""
    directory = tmp_path_factory.mktemp("statistics")
    (directory / "model.yaml").write_text(model.config.to_yaml())
    dataset = output.dataset_from_fields(model.grid, model.config, fields, DAY * (1.0 + np.arange(RECORDS)))
    dataset.to_zarr(directory / "truth.zarr", mode="w")
    (directory / "config.yaml").write_text(model.config.to_yaml())
    return directory


def run(files, *more, output="statistics.json"):
    command = ["statistics", str(files / "model.yaml"), str(files / "truth.zarr"), "--output", str(files / output)]
    return cli.main([*command, *more])


@pytest.fixture(scope="module")
def measured(files):
    assert run(files) == 0
    return files / "statistics.json"


def test_scales_are_those_of_the_changes_of_the_truth(measured, fields, model):
    """Against the definition, over the first 8 of 10 records, weighted by area, all levels wet in all columns."""
    network = json.loads(measured.read_text())["network"]
    area = model.grid.geometry.area["T"]
    wet = model.grid.mask[0]
    values = fields["temperature"][:8]
    for name, series, lead in (("scale", values, 1.0), ("output_scale", np.diff(values, axis=0), DAY)):
        for level in range(3):
            x = series[:, level][:, wet]
            weights = np.broadcast_to(area[wet], x.shape)
            mean = np.average(x, weights=weights)
            spread = np.sqrt(np.average((x - mean) ** 2, weights=weights)) / lead
            found = network[name]["temperature"][level]
            if name == "output_scale" and level == 2:  # hardly varies: a twentieth of the largest one
                assert found == pytest.approx(0.05 * network[name]["temperature"][0], rel=1e-9) and spread < found
            else:
                assert found == pytest.approx(max(spread, 0.08 * (name == "scale")), rel=1e-5)
            if name == "scale":
                assert network["mean"]["temperature"][level] == pytest.approx(mean, rel=1e-5)
    statistics = read_statistics(measured)
    both = [statistics.variables[name].tendency_standard_deviation[0] ** 2 for name in ("u", "v")]
    assert network["output_scale"]["velocity"][0] == pytest.approx(np.sqrt(np.mean(both)) / DAY, rel=1e-9)
    assert statistics.provenance["records"] == "8"


def test_what_does_not_vary_is_left_out(files, capsys):
    assert run(files, "--lead", "P2D", output="two_days.json") == 0
    printed = capsys.readouterr().out
    assert "salinity does not vary and is left out" in printed and "temperature" in printed
    statistics = read_statistics(files / "two_days.json")
    assert "salinity" not in statistics.variables and "salinity" not in statistics.network["output_scale"]
    assert statistics.lead == 2 * DAY


def test_a_network_takes_them(measured):
    """One file for the losses and for the closure."""
    tree = copy.deepcopy(tiny_run.TREE)
    tree["closures"]["learned"] = {**LEARNED, "statistics": str(measured)}
    normalisation = build_model(config_from_dict(tree)).closures["learned"].normalisation
    network = json.loads(measured.read_text())["network"]
    np.testing.assert_allclose(normalisation.scale[...][:3], network["scale"]["temperature"], rtol=1e-12)
    np.testing.assert_allclose(normalisation.scale[...][3:6], network["scale"]["velocity"], rtol=1e-12)
    for name in ("velocity", "temperature"):
        np.testing.assert_allclose(normalisation.output_scale[name][...], network["output_scale"][name], rtol=1e-12)
    assert np.all(normalisation.output_scale["salinity"][...] == 2e-8)


def test_statistics_of_other_levels_or_formats_are_refused(measured, tmp_path):
    tree = copy.deepcopy(tiny_run.TREE)
    for change, message in (
        ({}, "3 levels down to 700 m, the grid has 3 levels down to 800 m"),
        ({"format": "ocean_gcm statistics 0"}, f"'ocean_gcm statistics 0'; expected '{FORMAT}'"),
        ({"network": {}}, "nothing for networks"),
    ):
        path = tmp_path / "statistics.json"
        path.write_text(json.dumps({**json.loads(measured.read_text()), **change}))
        tree["closures"]["learned"] = {**LEARNED, "statistics": str(path)}
        tree["grid"]["levels"] = {"thickness": [100, 300, 800]} if not change else {"thickness": [100, 300, 600]}
        tree["bathymetry"]["depth"] = 1200 if not change else 1000
        with pytest.raises(UserError, match=message):
            build_model(config_from_dict(tree))


def test_statistics_of_other_data_are_refused(measured, fields, model):
    statistics = read_statistics(measured)
    for record in (0, RECORDS - 1):
        statistics.require_data({name: array[record] for name, array in fields.items()}, model.grid, "the truth")
    warmer = {"temperature": fields["temperature"][0] + 15.0 * model.grid.mask}
    with pytest.raises(UserError, match="are those of other data: temperature of level 0 .* 9.99.* a mean of 25"):
        statistics.require_data(warmer, model.grid, "the truth")


@pytest.mark.parametrize(
    "more, message",
    [
        (("--lead", "PT7H"), "the lead is 25200 s; expected a multiple of 86400 s"),
        (("--period", "0.9", "0.1"), "has no record"),
        (("--variables", "salinity"), "salinity of .* does not vary"),
        (("--variables", "tmperature"), "has no variable 'tmperature'"),
        (("--set", "grid.nx=7"), "grid|nx|cells"),
    ],
)
def test_mistakes_are_named(files, capsys, more, message):
    assert run(files, *more, output="wrong.json") == 2
    assert re.search(message, capsys.readouterr().err) and not (files / "wrong.json").exists()


def test_increments_give_the_scale_of_fluxes(files, model, tmp_path):
    """Against the definition; a level that hardly lacks anything has a small scale, not one that fills the abyss."""
    size = np.array([1e-7, 1e-8, 1e-12])[:, None, None]
    values = size * np.random.default_rng(1).standard_normal((RECORDS, *model.grid.shape))
    with xr.open_zarr(files / "truth.zarr") as truth:
        held = truth.load().assign(temperature_increment=(("time", "lev", "lat", "lon"), values))
    held.to_zarr(tmp_path / "truth.zarr")
    (tmp_path / "config.yaml").write_text(model.config.to_yaml())
    (tmp_path / "model.yaml").write_text(model.config.to_yaml())
    assert run(tmp_path) == 0
    found = json.loads((tmp_path / "statistics.json").read_text())["network"]["output_scale"]["temperature"]
    weights = np.broadcast_to(model.grid.geometry.area["T"], values[:8, 0].shape)
    for level in (0, 1):
        x = values[:8, level]
        spread = np.sqrt(np.average((x - np.average(x, weights=weights)) ** 2, weights=weights))
        assert found[level] == pytest.approx(spread, rel=1e-6)
    assert found[2] == pytest.approx(0.005 * found[0], rel=1e-9)


# ---- layers ----
@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    """(model, potential vorticity (trajectory, time, ...), run of the command)."""
    directory = tmp_path_factory.mktemp("layers")
    model = layers_model.build(closures={}, forcing={})
    random, grid = np.random.default_rng(2), model.grid
    white = np.fft.rfft2(random.standard_normal((5, 6, *grid.shape))) / (2e-5 + np.sqrt(grid.kappa_squared))
    white *= (grid.kappa_squared > 0) & (np.sqrt(grid.kappa_squared) < 0.6 * grid.k.max())
    q = np.fft.irfft2(white, s=grid.shape[1:])
    q *= 1e-5 / q.std()
    dims = ("trajectory", "time", "layer", "y", "x")
    dataset = {"pv": (dims, q), "pv_subgrid_source": (dims, 1e-6 * q)}
    coordinates = {"time": ("time", 3600.0 * np.arange(6), {"units": "s"}), "y": grid.y, "x": grid.x}
    xr.Dataset(dataset, coordinates).to_zarr(directory / "truth.zarr")
    (directory / "model.yaml").write_text(model.config.to_yaml())

    def run(*more):
        path = directory / "statistics.json"
        arguments = [str(directory / name) for name in ("model.yaml", "truth.zarr")]
        return cli.main(["statistics", *arguments, "--output", str(path), *more]), path

    return model, q, run


def test_scales_of_layers_are_those_of_the_inputs_of_networks(layers):
    model, q, run = layers
    code, path = run("--lead", "PT2H")
    assert code == 0
    found = read_statistics(path)
    learned = q[:4]  # 0.8 of the trajectories
    assert found.lead == 7200 and set(found.variables) == {
        "potential_vorticity", "vorticity", "streamfunction", "u", "v"
    }  # fmt: skip
    of_pairs = np.stack([learned[:, :-2], learned[:, 2:]])
    of_q = found.variables["potential_vorticity"]
    np.testing.assert_allclose(of_q.standard_deviation, of_pairs.std((0, 1, 2, 4, 5)), rtol=1e-6)
    change = of_pairs[1] - of_pairs[0]
    np.testing.assert_allclose(of_q.tendency_standard_deviation, change.std((0, 1, 3, 4)), rtol=1e-6)
    scale = found.network["scale"]
    assert set(scale) == set(FEATURES)
    core, static = model.core, model.metrics()

    @jax.jit
    @jax.vmap
    def squares(q):
        columns = core.columns(static, core.prepare(static, Layers(q)), None, 3600.0)
        fields = {name: jnp.stack(feature.fields(columns)) for name, feature in FEATURES.items()}
        return {name: (f**2).mean((0, -2, -1)) for name, f in fields.items()}

    for name, each in squares(of_pairs.reshape(-1, *q.shape[2:])).items():
        np.testing.assert_allclose(scale[name], np.sqrt(each.mean(0)), rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(found.network["output_scale"]["source"], 1e-6 * of_pairs[0].std((0, 1, 3, 4)), rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--lead", "PT90M"], "--lead is 5400 s; expected a multiple of 3600 s"),
        (["--period", "0001-01-01", "0001-02-01"], "expected shares of the truth from 0 to 1"),
        (["--variables", "temperature"], "--variables contains 'temperature'; of layers"),
    ],
)
def test_what_layers_do_not_know(layers, options, words, capsys):
    assert layers[2](*options)[0] == 2
    assert words in capsys.readouterr().err
