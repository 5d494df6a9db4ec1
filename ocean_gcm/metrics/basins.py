"""Ocean basins of any longitude-latitude grid, from polygons of general geography (no data file).

The corners follow the continental divides from cape to cape, so that they lie on land wherever two oceans are parted
by land; on the open sea the conventional limits are used: Cape Horn and Drake Passage at 68W, Cape Agulhas at 20E,
the south-east cape of Tasmania at 147E (IHO Special Publication 23), the Southern Ocean's limit at `SOUTHERN_LIMIT`,
and the sills of the Greenland-Scotland ridge towards the Arctic.
"""

from __future__ import annotations

import numpy as np

LAND, ATLANTIC, PACIFIC, INDIAN, SOUTHERN, ARCTIC, MEDITERRANEAN = range(7)
NAMES = ("land", "atlantic", "pacific", "indian", "southern", "arctic", "mediterranean")

# the shores of southern Africa: from here southwards no meridian is closed by land on both sides of the Atlantic
SOUTHERN_LIMIT = -34.0

# (longitude, latitude) in degrees; longitudes of one polygon are continuous
_AMERICAN_DIVIDE = [
    (-68, -90), (-68, -54), (-72, -50), (-71, -40), (-69, -30), (-68, -20), (-75, -11), (-78, -3), (-76, 4), (-77, 8),
    (-78.5, 9.2), (-80.5, 8.5), (-83, 9.2), (-85, 11.5), (-86.5, 13.5), (-89, 14.7), (-92, 15.5), (-95, 16.8),
    (-98, 18.5), (-103, 22), (-106, 28), (-110, 35), (-112, 45), (-118, 55), (-130, 65),
]  # fmt: skip
_AFRICAN_DIVIDE = [(-14, 64.5), (-7, 62), (-1, 60.6), (6, 61), (9, 60.5), (24, 60), (20, 48),
                   (-2, 42.5), (-5.5, 39), (-5.5, 33), (0, 25), (12, 18),
                   (20, 5), (27, -5), (25, -20), (20, -34), (20, -90)]  # fmt: skip
_POLYGONS = {
    ATLANTIC: [*_AMERICAN_DIVIDE, (-95, 67), (-60, 67), (-40, 67), (-25, 66), (-18, 65), *_AFRICAN_DIVIDE],
    MEDITERRANEAN: [(-5.5, 33), (-5.5, 39), (-2, 42.5), (12, 47), (26, 48), (45, 48), (43, 40), (37, 34), (33.5, 30.5),
                    (20, 29), (10, 32)],
    INDIAN: [(20, -90), (20, -34), (25, -20), (27, -5), (28, 10), (30, 25), (33.5, 30.5), (45, 33), (60, 31), (80, 28),
             (96, 25), (98.5, 12), (101, 6), (103.6, 1.3), (106, -6.2), (110, -7.4), (116, -8.4), (120, -8.5),
             (125.5, -8.8), (131, -8.2), (139, -8), (142.2, -9), (142.2, -11), (144, -18), (147, -30), (146.5, -42),
             (146.5, -90)],
    PACIFIC: [(146.5, -90), (146.5, -42), (147, -30), (144, -18), (142.2, -11), (142.2, -9), (139, -8), (131, -8.2),
              (125.5, -8.8), (120, -8.5), (116, -8.4), (110, -7.4), (106, -6.2), (103.6, 1.3), (101, 6), (98.5, 12),
              (100, 25), (115, 45), (130, 60), (170, 66), (190, 66), (200, 66),
              *[(x + 360.0, y) for x, y in reversed(_AMERICAN_DIVIDE)]],
}  # fmt: skip


def contains(polygon, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """True where points lie inside the polygon (crossing number); longitudes are taken modulo 360."""
    corners = np.asarray(polygon, float)
    west = corners[:, 0].min()
    x, y = (longitude - west) % 360.0 + west, latitude
    inside = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return inside


def basins(longitude: np.ndarray, latitude: np.ndarray, wet=True) -> np.ndarray:
    """Codes (`NAMES` by index) at points of any shape; 0 where `wet` is False.

    Where no polygon applies the code is ARCTIC north of 60N; south of `SOUTHERN_LIMIT` it is SOUTHERN everywhere.
    Inland seas take the code of the nearest polygon that contains them.
    """
    longitude, latitude = np.broadcast_arrays(np.asarray(longitude, float), np.asarray(latitude, float))
    code = np.where(latitude > 60.0, ARCTIC, LAND)
    for basin, polygon in _POLYGONS.items():
        code = np.where(contains(polygon, longitude, latitude), basin, code)
    code = np.where(latitude < SOUTHERN_LIMIT, SOUTHERN, code)
    return np.where(wet, code, LAND)


def atlantic_mask(longitude: np.ndarray, latitude: np.ndarray, wet=True) -> np.ndarray:
    """True where the Atlantic overturning is taken: Atlantic, Arctic and Mediterranean north of 34S."""
    return np.isin(basins(longitude, latitude, wet), (ATLANTIC, ARCTIC, MEDITERRANEAN))


def northern_faces(mask: np.ndarray) -> np.ndarray:
    """(ny, nx) True for northern faces between two cells of the basin `mask` (ny, nx)."""
    north = np.zeros_like(mask)
    north[:-1] = mask[1:]
    return mask & north
