"""The shortest configuration."""

MINIMAL = {
    "name": "small",
    "precision": "float64",
    "grid": {
        "geometry": "sphere",
        "nx": 8,
        "ny": 6,
        "x": [0, 80],
        "y": [-60, 60],
        "periodic_x": True,
        "levels": {"thickness": [100, 300, 600]},
    },
    "bathymetry": {"kind": "flat", "depth": 1000},
    "initial": {"kind": "linear"},
    "closures": {"drag": {"kind": "bottom_drag", "linear": 1e-3}},
    "time": {"step": "PT2H", "duration": "P10D"},
    "output": {"interval": "P1D"},
}
