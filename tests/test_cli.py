"""The command line: what it prints, its exit codes, no traceback for a user's mistake."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml
from tiny_run import TREE, assert_same_run

import ocean_gcm
from ocean_gcm import cli
from ocean_gcm.data import restart
from ocean_gcm.run_directory import RunDirectory
from train.__main__ import main as train

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TREE))
    return path


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"ocean-gcm {ocean_gcm.__version__}\n"


def test_help_does_not_import_jax():
    """--help must be immediate."""
    code = (
        "import sys; from ocean_gcm import cli\n"
        "try: cli.main(['simulate', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('jax' in sys.modules or 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "--resume" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "{config}", "--set", "grid.nxx=3"], "did you mean 'nx'"),
        (["simulate", "{config}", "--duration", "3 days"], "ISO-8601"),
        (["simulate", "{config}", "--years", "-3"], "positive"),
        (["simulate", "{config}", "--years", "nan"], "positive"),
        (["simulate", "{config}", "--years", "0.00013"], "whole number"),
        (["simulate", "{config}x"], "did you mean"),
        (["simulate", "{directory}"], "without config.yaml"),
        (["info"], "needs a configuration"),
        (["info", "{config}", "--set", "time.step=PT7H"], "time.duration"),
        (["plot", "{directory}"], "config.yaml is missing"),
    ],
    ids=str,
)
def test_mistakes_are_one_line_and_exit_code_2(config, capsys, arguments, words):
    arguments = [a.format(config=config, directory=config.parent) for a in arguments]
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert words in printed.err and printed.err.count("\n") == 1 and "Traceback" not in printed.err


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_info_shows_what_a_configuration_amounts_to(path, capsys):
    if path.stem.endswith("observed") and "OCEAN_GCM_DATA" not in os.environ:
        pytest.skip("needs the data of OCEAN_GCM_DATA")
    assert cli.main(["info", str(path)]) == 0
    printed = capsys.readouterr().out
    waves = () if "core: quasi_geostrophic" in printed else ("internal wave", "surface gravity wave")
    for words in ("cells", "advection", "simulated year", "memory", *waves):
        assert words in printed


@pytest.mark.parametrize("arguments", [["coarsen", "run", "--factor", "2", "--output", "c.zarr", "--config", "{qg}"]])
def test_commands_of_one_core_say_so(capsys, arguments):
    qg = str(CONFIGS / "qg_eddy.yaml")
    assert cli.main([a.format(qg=qg) for a in arguments]) == 2
    assert "needs the core finite_volume; the configuration qg_eddy has" in capsys.readouterr().err


def test_schema_is_json(capsys):
    assert cli.main(["info", "--schema"]) == 0
    assert {"base", "grid", "surface"} <= set(json.loads(capsys.readouterr().out)["properties"])
    assert cli.main(["info", "configs/qg_jet.yaml", "--schema"]) == 0
    of_layers = json.loads(capsys.readouterr().out)["properties"]
    assert {"base", "grid", "forcing"} <= set(of_layers) and "surface" not in of_layers
    for program, arguments, keys in (
        (cli.main, ["data", "--schema"], {"base", "sources", "target"}),
        (train, ["--schema"], {"base", "model", "truth", "stages"}),
    ):
        with pytest.raises(SystemExit) as ended:
            program(arguments)
        assert ended.value.code == 0
        assert keys <= set(json.loads(capsys.readouterr().out)["properties"])


def test_dry_run_writes_nothing(config, capsys, monkeypatch):
    monkeypatch.chdir(config.parent)
    assert cli.main(["simulate", str(config), "--set", "grid.nx=7", "--dry-run"]) == 0
    assert "7 x 5 x 3" in capsys.readouterr().out
    assert [path.name for path in config.parent.iterdir()] == ["tiny.yaml"]


@pytest.fixture
def compiled_once(tmp_path):
    """Models of one configuration share what is compiled."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "compiled"))
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def test_simulate_and_plot_and_resume(config, capsys, monkeypatch, compiled_once):
    monkeypatch.chdir(config.parent)
    arguments = ["simulate", "tiny.yaml", "--duration", "P2D"]
    assert cli.main(arguments) == 0
    run = RunDirectory(config.parent / "runs" / "tiny")
    assert run.read_summary()["finite"] and list(run.figures.glob("*.png"))
    assert "simulated years per day" in capsys.readouterr().out
    assert cli.main(["plot", "runs/tiny", "--output", "pictures"]) == 0
    assert list(Path("pictures").glob("*.png"))
    assert cli.main(["simulate", "runs/tiny"]) == 0  # complete
    assert cli.main(["simulate", "tiny.yaml", "--duration", "P4D"]) == 2
    assert "--resume" in capsys.readouterr().err
    assert cli.main(["simulate", "runs/tiny", "--duration", "P4D", "--resume", "--no-figures"]) == 0
    assert run.read_summary()["steps"] == 16
    assert run.read_config().time.duration == "P4D"


@pytest.mark.slow
def test_kill_9_at_random_moments(config, tmp_path):
    """A process killed again and again ends with the same bits as one that was left alone."""
    command = [sys.executable, "-m", "ocean_gcm.cli", "simulate", str(config), "--duration", "P300D", "--no-figures"]
    environment = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled")}
    quiet = {"stdout": subprocess.DEVNULL, "env": environment}
    subprocess.run([*command, "--output", str(tmp_path / "whole")], check=True, **quiet)
    killed, random = 0, np.random.default_rng(0)
    part = tmp_path / "part"
    for _ in range(6):
        process = subprocess.Popen([*command, "--output", str(part), "--resume"], **quiet)
        begin, before = time.monotonic(), restart.available(part / "restarts")
        while (
            restart.available(part / "restarts") == before and process.poll() is None and time.monotonic() < begin + 120
        ):
            time.sleep(0.05)
        time.sleep(random.uniform(0, 2))
        finished = process.poll() is not None
        process.kill()
        process.wait()
        if finished:
            break
        killed += 1
    subprocess.run([*command, "--output", str(part), "--resume"], check=True, **quiet)
    assert killed >= 2
    assert_same_run(part, tmp_path / "whole")
