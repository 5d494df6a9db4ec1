"""A small ocean with a continent, noise in its mixing, and states of it by the day."""

import copy
import io

import numpy as np
import pytest
from encoding_cases import SMALL
from rich.console import Console

import ocean_gcm as og
from ocean_gcm.config import config_from_dict
from ocean_gcm.data import output

DAYS = 8
NOISY = {"kind": "perturbed", "amplitude": 0.5, "time": "P2D", "length": 2e6} | {
    "closure": {"kind": "background_mixing", "viscosity": 1e-2, "diffusivity": 1e-3}
}


@pytest.fixture(scope="session")
def model():
    tree = copy.deepcopy(SMALL)
    tree["closures"]["mixing"] = NOISY
    return og.build_model(config_from_dict(tree))


@pytest.fixture(scope="session")
def states(model):
    """Fields of a state a day by the model's names: the initial one and a little noise."""
    generator, grid = np.random.default_rng(0), model.grid
    initial = {**{"u": 0.0, "v": 0.0, "sea_surface_height": 0.0}, **model.blueprint.initial}
    masks = {"u": grid.mask_u, "v": grid.mask_v, "sea_surface_height": grid.wet}
    scale = {"u": 0.01, "v": 0.01, "temperature": 0.3, "salinity": 0.03, "sea_surface_height": 0.01}
    found = {}
    for name, size in scale.items():
        mask = masks.get(name, grid.mask)
        noise = size * generator.standard_normal((DAYS, *mask.shape))
        found[name] = np.where(mask, initial[name] + noise, 0.0)
    return found


@pytest.fixture(scope="session")
def dataset(model, states):
    """Snapshots from 3 January of year 1 on."""
    times = 86400.0 * np.arange(2, 2 + DAYS)
    return output.dataset_from_fields(model.grid, model.config, states, times)


@pytest.fixture(scope="session")
def initial(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("initial") / "states.zarr"
    dataset.to_zarr(path)
    return path


@pytest.fixture(scope="session")
def forecast(model, initial):
    """Function (output, **options) -> (data set in memory, what was printed)."""

    def run(path, **options):
        text = io.StringIO()
        console = Console(file=text, width=300)
        settings = {"start": "0001-01-04", "lead": "P2D", "members": 3, "console": console, **options}
        with og.forecast(model, settings.pop("initial", initial), path, **settings) as made:
            return made.load(), text.getvalue()

    return run
