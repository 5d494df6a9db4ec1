"""A hybrid ocean general circulation model: a differentiable dynamical core with classical and learned physics.

import ocean_gcm as og

model = og.build_model(og.load_config("configs/double_gyre.yaml"))
state, trajectory = model.unroll(model.initial_state(), steps=240, save_every=24)
"""

from ocean_gcm.errors import UserError

__version__ = "0.1.0"
__all__ = [
    "Decoder",
    "Encoder",
    "OceanModel",
    "UserError",
    "build_model",
    "calibrate_forecasts",
    "forecast",
    "load_config",
    "load_model",
]

_LAZY = {
    "Decoder": "ocean_gcm.encoding.decoder",
    "Encoder": "ocean_gcm.encoding.encoder",
    "OceanModel": "ocean_gcm.model",
    "build_model": "ocean_gcm.build",
    "calibrate_forecasts": "ocean_gcm.forecasts.calibrate",
    "forecast": "ocean_gcm.forecasts.run",
    "load_config": "ocean_gcm.config",
    "load_model": "ocean_gcm.weights",
}


def __getattr__(name):
    # jax takes a second to import: only for those who use it
    import importlib

    if name not in _LAZY:
        raise AttributeError(f"module 'ocean_gcm' has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)
