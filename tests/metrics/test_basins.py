import os
from pathlib import Path

import numpy as np
import pytest

from ocean_gcm.metrics import basins

PLACES = {
    "atlantic": [(-64, 32), (-30, 0), (0, -30), (-88, 26), (-75, 15), (-40, 55), (-15, 50), (5, 55), (9, 0)],
    "pacific": [(-155, 21), (150, 30), (-80, -10), (-95, 10), (160, -30), (130, 20), (-80, 5), (-100, 14), (-150, 55)],
    "indian": [(60, 0), (90, 10), (65, 20), (38, 20), (40, -25), (110, -20), (35, -30)],
    "southern": [(0, -60), (100, -50), (-65, -60), (-150, -70)],
    "arctic": [(0, 75), (180, 75), (-150, 80), (40, 72)],
    "mediterranean": [(5, 40), (18, 35), (30, 33), (26, 38), (35, 43)],
}


@pytest.mark.parametrize("name", PLACES)
def test_well_known_places(name):
    longitude, latitude = np.array(PLACES[name], float).T
    for turn in (-360, 0, 360):
        found = [basins.NAMES[code] for code in basins.basins(longitude + turn, latitude)]
        assert found == [name] * len(found)


def test_land_has_no_basin(earth):
    code = basins.basins(earth.geometry.x["T"], earth.geometry.y["T"], earth.wet)
    assert (code[~earth.wet] == basins.LAND).all()
    assert (code[earth.wet] != basins.LAND).mean() > 0.99


def test_the_atlantic_is_open_to_the_south_only(earth):
    """Eastern faces between the Atlantic and another basin north of 34S would let its overturning leak."""
    mask = basins.atlantic_mask(earth.geometry.x["T"], earth.geometry.y["T"], earth.wet)
    leaks = earth.mask_u[0] & (mask != np.roll(mask, -1, -1))
    assert not leaks[earth.geometry.y["T"] > -32.0].any()
    north = np.roll(mask, -1, 0)
    leaks = earth.mask_v[0] & (mask != north)
    assert not leaks[earth.geometry.y["V"] > -31.0].any()


def test_agreement_with_the_basins_of_the_world_ocean_atlas():
    folder = os.environ.get("OCEAN_GCM_DATA")
    if not folder or not (Path(folder) / "basins_1deg.nc").exists():
        pytest.skip("OCEAN_GCM_DATA does not name a directory with basins_1deg.nc")
    import xarray as xr

    with xr.open_dataset(Path(folder) / "basins_1deg.nc") as dataset:
        theirs = dataset.basin.values
        longitude, latitude = np.meshgrid(dataset.lon.values, dataset.lat.values)
    ours = basins.basins(longitude, latitude, theirs > 0)
    codes = {basins.ATLANTIC: 1, basins.PACIFIC: 2, basins.INDIAN: 3, basins.MEDITERRANEAN: 4, basins.ARCTIC: 11}
    north = latitude > basins.SOUTHERN_LIMIT
    weight = np.cos(np.radians(latitude))
    for code, other in codes.items():
        their_share = north & (theirs == other)
        agreed = weight[their_share & (ours == code)].sum() / weight[their_share].sum()
        assert agreed > 0.98, (basins.NAMES[code], agreed)
