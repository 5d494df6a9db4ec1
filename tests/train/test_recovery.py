import json

import pytest

from train.config import load_train_config
from train.program import train

TRUTH = {
    "closures.lateral_viscosity.viscosity": 4.0e4,
    "closures.bottom_drag.linear": 1.0e-3,
    "closures.background.diffusivity": 3.0e-4,
    "closures.diffusion.diffusivity": 3.0e3,
}


@pytest.mark.slow
def test_four_parameters_are_recovered_within_a_percent(tmp_path):
    path = "configs/train/gyre_recovery.yaml"
    config = load_train_config(path)
    assert config.iterations <= 100
    train(config, path, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    for name, value in TRUTH.items():
        assert abs(lines[0]["parameters"][name] / value - 1) > 0.2
        assert lines[-1]["parameters"][name] == pytest.approx(value, rel=0.01)
