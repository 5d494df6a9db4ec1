import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from ocean_gcm.errors import UserError
from train.config import StageConfig, load_train_config
from train.setup import Setup
from train.step import moving

STAGE = {"steps": 1, "iterations": 1, "learning_rate": 0.1}


@pytest.mark.parametrize(
    "override, message",
    [
        ("stages.0.stepz=4", "unknown key 'stages\\[0\\].stepz'; did you mean 'steps'"),
        ("stages.3.steps=4", "no place in a list of 1"),
        ("stages.0.save_every=3", "does not divide steps = 8"),
        ("stages.0.loss.scale=tendancy", "did you mean 'tendency'"),
        ("stages=[]", "stages"),
        ("truth.path=a.zarr", "exactly one of the keys path, simulate and observe"),
        ("trainable={}", "trainable is empty"),
        ("optimizer.beta1=1.0", "optimizer.beta1"),
        ("recovery.factor=2", "recovery.factor"),
        ("truth.simulate.interval=soon", "not an ISO-8601 duration"),
    ],
)
def test_mistakes_name_the_key(training, override, message):
    _, path = training()
    with pytest.raises(UserError, match=message):
        load_train_config(path, [override])


@pytest.mark.parametrize(
    "model, message",
    [
        ({"base": "missing.yaml"}, "training.yaml: base is missing.yaml; there is no configuration"),
        ({"base": "model.yaml", "grid": {"nx": 2}}, "training.yaml: model: grid.nx is 2"),
        ({"base": "model.yaml", "forcing": {"path": "x"}}, "model.forcing.path is x; expected .* null"),
        ({"config": "model.yaml"}, "model: unknown key 'config'"),
        (3, "model is 3; expected a section"),
    ],
)
def test_models_that_there_are_not(training, model, message):
    with pytest.raises(UserError, match=message):
        training(model=model)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"trainable": {"closures.drug.*": "positive"}}, "no parameter is called 'closures.drug"),
        ({"trainable": {"closures.**": "positif"}}, "did you mean 'positive'"),
        ({"stages": [{**STAGE, "trainable": {"closures.drug.*": "auto"}}]}, "no parameter is called 'closures.drug"),
        ({"mesh": {"batch": 64}}, "expected at most"),
    ],
)
def test_what_does_not_fit_the_model(training, changes, message):
    config, path = training(**changes)
    with pytest.raises(UserError, match=message):
        Setup.build(config, path.parent)


def test_numbers_that_only_a_stage_trains(training):
    """They are numbers of the training, with the transform that comes first."""
    drag, both = {"closures.drag.linear": "positive"}, {"closures.**": "identity"}
    config, path = training(trainable=drag, stages=[STAGE, {**STAGE, "trainable": both}])
    numbers = Setup.build(config, path.parent).numbers
    assert list(config.patterns) == ["closures.drag.linear", "closures.**"]
    first, second = (moving(stage, config.trainable, numbers) for stage in config.stages)
    assert first == ["closures.drag.linear"] and sorted(second) == sorted(numbers) and len(numbers) == 2
    assert float(numbers["closures.drag.linear"]) == pytest.approx(np.log(1e-3))
    with pytest.raises(UserError, match=r"stages.0..trainable is empty"):
        training(stages=[{**STAGE, "trainable": {}}])


def test_stages_follow_each_other(training):
    stages = [{"steps": n, "iterations": n, "learning_rate": 0.1} for n in (2, 3)]
    config, _ = training(stages=stages)
    assert config.iterations == 5
    assert [config.stage_at(n) for n in range(5)] == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert config.loss_of(1) == config.loss


def test_a_training_on_another_in_its_own_directory(training, tmp_path):
    config, path = training(truth={"path": "truth.zarr"})
    more = {"base": str(path), "model": {"closures": {"drag": None}}, "trainable": {"closures.more": "auto"}}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(more))
    found = load_train_config(tmp_path / "more.yaml", ["model.time.duration=P1D"])
    assert (tmp_path / found.truth.path).resolve() == path.parent / "truth.zarr"
    assert set(config.model.closures) - set(found.model.closures) == {"drag"} and found.model.time.duration == "P1D"
    assert found.trainable == {"closures.**": "positive", "closures.more": "auto"} and found.stages == config.stages
    written = yaml.safe_load(found.to_yaml())
    assert "base" not in written["model"] and written["model"]["grid"] == config.model.grid.model_dump(mode="json")


def test_terms_of_ensembles_need_members(training):
    stage = {"steps": 1, "iterations": 1, "learning_rate": 0.1}
    loss = {"terms": {"score": {"kind": "crps"}}}
    with pytest.raises(UserError, match=r"stages\[1\].members is 1; expected at least 2 for the term 'score'"):
        training(stages=[{**stage, "members": 2}, stage], loss=loss)
    training(stages=[{**stage, "members": 2}], loss=loss)


def test_the_loss_of_a_stage_is_merged(training):
    stage = {"steps": 1, "iterations": 1, "learning_rate": 0.1}
    terms = {"mean": {"kind": "squared_error", "blocks": [2], "weight": 3.0}}
    changes = {"terms": terms, "variables": {"u": None}}
    config, _ = training(stages=[stage, {**stage, "loss": changes}])
    assert config.loss_of(0) == config.loss
    loss = config.loss_of(1)
    assert list(loss.terms) == ["error", "mean"] and loss.terms["error"] == config.loss.terms["error"]
    assert set(config.loss.variables) - set(loss.variables) == {"u"}


def test_rate_warms_up_and_falls_like_a_cosine():
    stage = StageConfig(steps=1, iterations=100, learning_rate=2.0, warmup=20, final_share=0.1)
    rates = [stage.rate(n) for n in range(100)]
    assert rates[0] == pytest.approx(2.0 / 21) and max(rates) == rates[20] == 2.0
    assert all(a < b for a, b in zip(rates[:20], rates[1:21], strict=True))
    assert all(a > b for a, b in zip(rates[20:-1], rates[21:], strict=True))
    assert rates[60] == pytest.approx(0.5 * (2.0 + 0.2)) and rates[-1] == pytest.approx(0.2, rel=0.01)


def test_science_is_what_decides_the_numbers(training):
    config, _ = training()
    assert config.science() == training(checkpoints={"every": 7}, name="other")[0].science()
    offloaded = [{**stage.model_dump(mode="json"), "offload": True} for stage in config.stages]
    assert config.science() == training(stages=offloaded)[0].science()
    assert config.science() != training(seed=1)[0].science()


def test_yaml_round_trip(training, tmp_path):
    config, _ = training()
    (tmp_path / "again.yaml").write_text(config.to_yaml())
    assert load_train_config(tmp_path / "again.yaml") == config


@pytest.mark.parametrize("path", sorted(Path("configs/train").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_configurations_build(path, tmp_path, monkeypatch):
    if "observed" in path.stem and "OCEAN_GCM_DATA" not in os.environ:
        pytest.skip("needs the data of OCEAN_GCM_DATA")
    (tmp_path / "statistics.json").write_text("{}")  # those of a truth, which there is none of here
    monkeypatch.setenv("GYRE_STATISTICS", str(tmp_path / "statistics.json"))
    (tmp_path / "offline").mkdir()
    scales = {"scale": {"potential_vorticity": 1.0, "streamfunction": 1.0}, "output_scale": {"source": 1.0}}
    (tmp_path / "offline" / "statistics.json").write_text(json.dumps(scales))
    monkeypatch.setenv("GEOSTROPHIC_OFFLINE", str(tmp_path / "offline"))
    config = load_train_config(path, ["start=null"])  # weights of another training, which there is none of here
    setup = Setup.build(config, path.parent)
    assert setup.numbers and yaml.safe_load(config.to_yaml())
