"""Stores of dated surface records on a model's grid, as `ocean-gcm data prepare` writes them."""

import cftime
import numpy as np
import xarray as xr

from ocean_gcm.data import output

UNITS = {"tauuo": "N m-2", "tauvo": "N m-2", "uas": "m s-1", "vas": "m s-1", "hfds": "W m-2", "wfo": "kg m-2 s-1"}
UNITS |= dict.fromkeys(("rss", "rls", "hfls", "hfss"), "W m-2") | {"pr": "kg m-2 s-1", "tos": "degC", "sos": "1e-3"}


def dated(grid, config, fields, hours, start="0001-01-01", calendar="noleap", **attributes) -> xr.Dataset:
    """`fields` (records, ny, nx) by CF name, so many hours after `start`; land NaN."""
    found = output.static_dataset(grid, config)
    for name, values in fields.items():
        values = np.where(grid.wet, values, np.nan)
        found[name] = (("time", "lat", "lon"), values, {"units": UNITS[name]})
    times = cftime.num2date(np.asarray(hours, float), f"hours since {start}", calendar)
    found = found.assign_coords(time=("time", times)).assign_attrs(title="small winds", **attributes)
    found["time"].encoding.update(units=f"hours since {start}", calendar=calendar, dtype="float64")
    return found
