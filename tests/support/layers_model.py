"""The smallest model of layers: its configuration and, compiled once, the model."""

import copy

import ocean_gcm as og
from ocean_gcm.config import config_from_dict

TREE = {
    "name": "layers",
    "precision": "float64",
    "grid": {"nx": 16, "length_x": 1e6},
    "initial": {"kind": "random", "standard_deviation": 1e-5, "highest": 4},
    "forcing": {"stirring": {"kind": "ring", "wavenumber": 4, "energy_rate": 1e-9, "correlation_time": 86400.0}},
    "dynamics": {
        "core": "quasi_geostrophic",
        "layers": {"thickness": [500, 2000], "deformation_radius": 60e3},
        "beta": 1.5e-11,
        "zonal_flow": [0.02, 0.0],
        "bottom_drag": 1e-7,
        "filter": {},
    },
    "closures": {"friction": {"kind": "smagorinsky"}},
    "time": {"step": "PT1H", "duration": "P4D"},
    "output": {"interval": "P1D", "restart_interval": "P2D", "snapshots": {"interval": "P2D", "variables": ["pv"]}},
}


def changed(**sections):
    """The tree with other keys in the sections of one core and time, or with other sections."""
    tree = copy.deepcopy(TREE)
    for name, section in sections.items():
        tree[name] = {**tree[name], **section} if name in ("dynamics", "time", "output", "grid") else section
    return tree


def build(**sections):
    return og.build_model(config_from_dict(changed(**sections)))
