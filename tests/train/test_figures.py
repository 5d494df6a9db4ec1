"""The figure of a validation shows the errors that it is given."""

import numpy as np
import synthetic_runs
from PIL import Image

from ocean_gcm.config import config_from_dict
from ocean_gcm.grid.build import build_grid_from_config
from train.figures import LINES, SHOWN, Rollout, draw_validation


def test_errors_show(tmp_path):
    config = config_from_dict(synthetic_runs.GYRE)
    grid = build_grid_from_config(config.grid, config.bathymetry)
    truth = {name: np.random.default_rng(0).normal(size=(4, *grid.shape[1:])) for name in SHOWN}
    leads = 86400.0 * np.arange(1, 5)
    scores = {key: {"temperature": [0.1, 0.2, 0.3, 0.4], "u": [1.0, 2.0, np.nan, 4.0]} for key in LINES}

    def picture(forecast):
        path = draw_validation(tmp_path / "validation.png", grid, leads, scores, Rollout(forecast, truth), "title")
        return np.asarray(Image.open(path).convert("RGB"), int)

    perfect = picture(truth)
    # the second lead is not among those of the maps, the last one is
    for lead, shows in ((1, False), (3, True)):
        wrong = {name: array + 3.0 * (np.arange(4) == lead)[:, None, None] for name, array in truth.items()}
        assert (np.abs(picture(wrong) - perfect).max() > 0) == shows
