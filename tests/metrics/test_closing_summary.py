import json

import numpy as np
import pytest

from ocean_gcm.metrics import budget
from ocean_gcm.metrics.summary import closing_summary


def fields_of(grid, speed=0.0):
    return {
        "temperature": np.where(grid.mask, 10.0, 0.0),
        "salinity": np.where(grid.mask, 35.0, 0.0),
        "u": np.where(grid.mask_u, speed, 0.0),
        "v": np.zeros(grid.shape),
        "sea_surface_height": np.where(grid.wet, 0.2, 0.0),
    }


def test_a_global_ocean_has_its_transports(earth):
    found = closing_summary(earth, fields_of(earth, speed=0.01), time_step=3600.0)
    json.dumps(found, allow_nan=False)
    assert found["means"]["sst"] == pytest.approx(10.0)
    assert found["means"]["salinity"] == pytest.approx(35.0)
    assert found["means"]["sea_surface_height"] == pytest.approx(0.2)
    assert found["means"]["largest_courant"] > 0
    assert found["transports"]["drake_passage"] > 1.0
    assert found["transports"]["amoc_26n"] == pytest.approx(0.0)
    assert found["transports"]["amoc_max"] == pytest.approx(0.0)


def test_a_channel_has_one_transport(channel):
    found = closing_summary(channel, fields_of(channel, speed=0.1))["transports"]
    assert found["channel"] == pytest.approx(60.0)
    assert "drake_passage" not in found


def test_a_closed_basin_has_gyres(basin):
    found = closing_summary(basin, fields_of(basin))["transports"]
    assert set(found) == {"gyre_max", "gyre_min", "overturning_max", "overturning_min"}


def test_what_is_not_finite_becomes_none(basin):
    fields = fields_of(basin)
    fields["temperature"][0, 0, 0] = np.nan
    found = closing_summary(basin, fields)["means"]
    assert found["temperature"] is None
    assert found["salinity"] == pytest.approx(35.0)


def test_budgets_close_when_the_gain_is_known(basin):
    area = basin.geometry.area["T"]
    height = np.zeros(basin.wet.shape)
    start = budget.total_content(np.full(basin.shape, 35.0), height, basin.thickness, area)
    risen = budget.total_content(np.full(basin.shape, 35.0), height + 1.0, basin.thickness, area)
    gained = 35.0 * area.sum()
    assert abs(budget.relative_residual(start, risen, gained)) < 1e-14
    volume = budget.total_volume(height + 1.0, basin.thickness, area)
    assert volume == pytest.approx(1001.0 * area.sum())
