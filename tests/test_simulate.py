"""Long runs: what is written, and that nothing is lost whatever happens to the process."""

import dataclasses
import errno
import json
import math
import os
import shutil
import signal

import jax.numpy as jnp
import numpy as np
import pytest
import zarr
from dated_stores import dated
from rich.console import Console
from tiny_run import TREE, assert_same_run, read

from ocean_gcm import build_model
from ocean_gcm.config import config_from_dict, load_config
from ocean_gcm.data import restart
from ocean_gcm.errors import UserError
from ocean_gcm.simulate import simulate

STEPS_PER_DAY = 4


def configuration(duration="P10D", **output):
    tree = {**TREE, "time": {**TREE["time"], "duration": duration}, "output": {**TREE["output"], **output}}
    return config_from_dict(tree)


class Model:
    """The real model, compiled once for all tests, with something that happens at a moment of the run."""

    def __init__(self, real, at_step=math.inf, event=None):
        self.real, self.at_step, self.event = real, at_step, event

    def __getattr__(self, name):
        return getattr(self.real, name)

    def advance(self, state, forcing, steps):
        step = (int(state.time.days) * 86400 + int(state.time.seconds)) // 21600
        state, report = self.real.advance(state, forcing, steps=steps)
        if step <= self.at_step < step + steps:
            state = self.event(state) or state
        return state, report


@pytest.fixture(scope="module")
def real():
    return build_model(configuration())


def silent():
    return Console(file=open(os.devnull, "w"), record=True, width=200)


@pytest.fixture
def run(real, tmp_path):
    """run(name, config, ...) simulates into tmp_path/name and returns the outcome and what was printed."""

    def go(name="run", config=None, at_step=math.inf, event=None, **options):
        console, model = silent(), Model(real, at_step, event)
        options = {"figures": False, "console": console, **options}
        outcome = simulate(config or configuration(), tmp_path / name, build=lambda _: model, **options)
        return outcome, console.export_text()

    return go


@pytest.fixture(scope="module")
def reference_run(real, tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "reference"
    simulate(configuration(), directory, build=lambda _: real, console=silent(), figures=False)
    return directory


@pytest.fixture
def reference(reference_run, tmp_path):
    """A copy of the run that nothing happened to, in tmp_path/reference."""
    return shutil.copytree(reference_run, tmp_path / "reference")


def test_run_directory_holds_what_is_promised(run, tmp_path):
    outcome, text = run()
    config = load_config(tmp_path / "run" / "config.yaml")
    assert config.hash == configuration().hash and "jax" in config.provenance
    dataset = read(tmp_path / "run")
    assert dataset.sizes == {**dataset.sizes, "time": 5, "lev": 3, "lat": 5, "lon": 6}
    assert {"thetao", "uo", "zos", "thetaoga", "kinetic_energy", "channel", "areacello"} <= set(dataset)
    assert [str(t) for t in dataset.time_bnds.values[-1]] == ["0001-01-09 00:00:00", "0001-01-11 00:00:00"]
    assert read(tmp_path / "run", "snapshots.zarr").sizes["time"] == 3
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary == outcome.summary
    wanted = "simulated_years wall_seconds simulated_years_per_day compile_seconds peak_memory_bytes finite"
    assert set(wanted.split()) | {"budgets", "means", "transports"} <= set(summary)
    assert summary["simulated_years"] == pytest.approx(10 / 365) and summary["finite"] is True
    for quantity in ("volume", "heat", "salt"):
        assert summary["budgets"][quantity]["relative_residual"] < 1e-12
    assert "mean sea surface temperature" in text and "salt: residual" in text


def test_means_are_means_of_the_states(run, real, tmp_path):
    """The first record equals the mean of the states that the model itself steps through."""
    run(config=configuration("P2D"))
    _, trajectory = real.unroll(real.initial_state(), steps=8, save_every=1)
    expected = np.asarray(trajectory.states.ocean.u).mean(0)
    np.testing.assert_allclose(np.nan_to_num(read(tmp_path / "run").uo.values[0]), expected, rtol=1e-5, atol=1e-9)


def test_run_in_two_parts_is_the_run_in_one(run, reference, tmp_path):
    """Also where the first part ends within an interval of the output and between restarts."""
    run("parts", configuration("P5D"))
    assert read(tmp_path / "parts").sizes["time"] == 3  # the last of one day only
    run("parts", resume=True)
    assert_same_run(tmp_path / "parts", reference)


class Killed(Exception):
    """Stands for kill -9: nothing after it runs."""


@pytest.mark.parametrize("moment", [3, 140, 233, 345])
def test_killed_while_writing_and_resumed(run, reference, tmp_path, monkeypatch, moment):
    count = iter(range(1000))

    def dying(name):
        original = getattr(zarr.Array, name)

        def method(self, *arguments):
            if next(count) == moment:
                raise Killed
            return original(self, *arguments)

        monkeypatch.setattr(zarr.Array, name, method)

    for name in ("resize", "__setitem__"):
        dying(name)
    with pytest.raises(Killed):
        run("killed")
    monkeypatch.undo()
    run("killed", resume=True)
    assert_same_run(tmp_path / "killed", reference)


@pytest.mark.parametrize("half", [False, True])
def test_killed_between_output_and_restart(run, reference, tmp_path, monkeypatch, half):
    """The store is ahead of the restart, which may be half written."""
    saved = []

    def dying(directory, written, keep):
        saved.append(written.step)
        if len(saved) == 2:
            if half:
                (directory / f"{written.step:012d}" / "state").mkdir(parents=True)
            raise Killed
        return original(directory, written, keep)

    original = restart.save
    monkeypatch.setattr(restart, "save", dying)
    with pytest.raises(Killed):
        run("killed")
    assert saved == [3 * STEPS_PER_DAY, 6 * STEPS_PER_DAY]
    monkeypatch.undo()
    _, text = run("killed", resume=True)
    assert "000000000012" in text
    assert ("not complete" in text) == half
    assert_same_run(tmp_path / "killed", reference)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_the_run_goes_on(run, reference, tmp_path, number):
    outcome, text = run("stopped", at_step=13, event=lambda state: os.kill(os.getpid(), number))
    assert outcome.interrupted and outcome.summary is None and "--resume" in text
    assert not (tmp_path / "stopped" / "summary.json").exists()
    assert restart.load_latest(tmp_path / "stopped" / "restarts").step == 16
    run("stopped", resume=True)
    assert_same_run(tmp_path / "stopped", reference)


def test_not_finite_state_stops_with_place_and_time(run, real, tmp_path):
    def poison(state):
        salinity = state.ocean.salinity.at[1, 2, 3].set(jnp.nan)
        return dataclasses.replace(state, ocean=dataclasses.replace(state.ocean, salinity=salinity))

    with pytest.raises(UserError) as caught:
        run("bad", at_step=17, event=poison)
    text = str(caught.value)
    for words in ("salinity", "level 1 (250 m)", "longitude 35", "latitude 0", "0001-01-05 12:00", "000000000012"):
        assert words in text, text
    summary = json.loads((tmp_path / "bad" / "summary.json").read_text())
    assert summary["finite"] is False and summary["steps"] == 16
    with pytest.raises(UserError, match="--resume goes on"):
        run("bad")


def test_full_disk_loses_nothing(run, reference, tmp_path, monkeypatch):
    original = zarr.Array.__setitem__

    def full(self, *arguments):
        if self.path == "thetao" and self.shape[0] == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(self, *arguments)

    monkeypatch.setattr(zarr.Array, "__setitem__", full)
    with pytest.raises(UserError, match="No space left on device; nothing before the restart .* --resume"):
        run("full")
    monkeypatch.undo()
    run("full", resume=True)
    assert_same_run(tmp_path / "full", reference)


def test_a_finished_run_is_not_run_again(run, reference, tmp_path):
    before = (tmp_path / "reference" / "summary.json").stat().st_mtime_ns
    outcome, text = run("reference")
    assert "complete" in text and outcome.summary["steps"] == 40
    assert (tmp_path / "reference" / "summary.json").stat().st_mtime_ns == before


def test_another_run_is_not_touched(run, reference, tmp_path):
    longer = configuration("P12D")
    with pytest.raises(UserError, match="this configuration already; --resume .* --overwrite"):
        run("reference", longer)
    other = configuration(interval="P1D")
    with pytest.raises(UserError, match="another configuration already"):
        run("reference", other)
    with pytest.raises(UserError, match=r"output.interval: P2D -> P1D"):
        run("reference", other, resume=True)
    assert read(reference).sizes["time"] == 5
    run("reference", other, overwrite=True)
    assert read(reference).sizes["time"] == 10


def test_overwriting_leaves_foreign_files(run, reference):
    (reference / "notes.txt").write_text("mine")
    run("reference", overwrite=True)
    assert (reference / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_training_is_not_touched(run, tmp_path, overwrite):
    (tmp_path / "trained" / "figures").mkdir(parents=True)
    (tmp_path / "trained" / "training.yaml").write_text("name: mine\n")
    with pytest.raises(UserError, match="trained holds a training; expected another --output"):
        run("trained", overwrite=overwrite)
    assert sorted(path.name for path in (tmp_path / "trained").iterdir()) == ["figures", "training.yaml"]


def test_store_of_another_configuration_is_refused(run, reference, tmp_path):
    run("mixed", configuration("P5D"))
    group = zarr.open_group(tmp_path / "mixed" / "output.zarr", mode="r+", use_consolidated=False)
    group.attrs["configuration_hash"] = "0" * 16
    with pytest.raises(UserError, match="belongs to another configuration"):
        run("mixed", resume=True)


def test_missing_store_is_named(run, tmp_path):
    run("lost", configuration("P5D"))
    (tmp_path / "lost" / "output.zarr" / "zarr.json").unlink()
    with pytest.raises(UserError, match="missing or is no Zarr store"):
        run("lost", resume=True)


def test_unwritable_places_are_named(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        run("file")
    with pytest.raises(UserError, match="cannot be written"):
        run("file/below")


def test_two_simulations_do_not_share_a_directory(run, tmp_path):
    def second(state):
        with pytest.raises(UserError, match="is writing to the run directory"):
            run("shared", resume=True)

    run("shared", at_step=13, event=second)


def test_resume_without_a_run_begins_it(run, tmp_path):
    outcome, _ = run("new", resume=True)
    assert outcome.summary["steps"] == 40


def test_a_run_under_dated_records_in_two_parts_is_the_run_in_one(run, real, tmp_path):
    grid, hours = real.grid, np.arange(0, 24 * 11, 10)
    east = 0.1 * np.sin(hours / 30)[:, None, None] * np.ones(grid.wet.shape)
    dated(grid, real.config, {"tauuo": east, "tauvo": 0.3 * east}, hours).to_zarr(tmp_path / "winds.zarr")

    def config(duration):
        tree = configuration(duration).model_dump(mode="json")
        return config_from_dict({**tree, "forcing": {"path": str(tmp_path / "winds.zarr")}})

    _, said = run("whole", config("P4D"))
    assert "wind_stress of small winds (window)" in said
    run("parts", config("P2D"))
    run("parts", config("P4D"), resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    with pytest.raises(UserError, match="expected some from 0001-01-01 00:00:00 to 0001-01-21"):
        run("longer", config("P20D"))
