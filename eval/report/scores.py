"""Tables of scores for machines: a CSV file and the same as NetCDF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ocean_gcm.errors import UserError

KEYS = ("model", "seed", "variable", "region", "depth", "lead", "metric")
"""What names a score; depth is a text such as "50 m" or "all", lead is in days (or "" where there is none)."""
VALUES = ("value", "low", "high")
"""The score and the ends of its interval of confidence, NaN where there is none."""


def write_scores(
    folder: Path, table: pd.DataFrame, name: str = "scores", attributes: dict[str, str] | None = None
) -> None:
    """Write NAME.csv and NAME.nc.

    table: columns `KEYS` (seed, region, depth and lead may be missing: 0, "all", "all" and ""), "value", and if there
    are intervals "low" and "high"; more columns go to the CSV only.  In the NetCDF file each metric is a variable along
    the other keys, NaN where the table has no row, with METRIC_low and METRIC_high beside it.

    Raises UserError if the folder cannot be written.
    """
    defaults = {"seed": 0, "region": "all", "depth": "all", "lead": "", "low": np.nan, "high": np.nan}
    table = table.assign(**{key: value for key, value in defaults.items() if key not in table})
    others = [column for column in table.columns if column not in (*KEYS, *VALUES)]
    table = table[["model", "seed", "variable", "lead", "metric", "value", "low", "high", "region", "depth", *others]]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
        dataset = as_dataset(table).assign_attrs(attributes or {})
        dataset.to_netcdf(folder / f"{name}.nc", encoding={v: {"zlib": True} for v in dataset.data_vars})
    except OSError as error:
        raise UserError(f"the scores in {folder} could not be written: {error.strerror or error}") from error


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write another table as CSV, unless it is empty.  Raises UserError if it cannot be written."""
    if table.empty:
        return
    try:
        table.to_csv(path, index=False, float_format="%.6g")
    except OSError as error:
        raise UserError(f"the table {path} could not be written: {error.strerror or error}") from error


def as_dataset(table: pd.DataFrame):
    """Metrics as variables along the other keys; a key with one value only becomes an attribute."""
    keys = [key for key in KEYS if key != "metric"]
    varying = [key for key in keys if table[key].nunique() > 1] or ["variable"]
    parts = {}
    for metric, rows in table.groupby("metric", sort=False):
        indexed = rows.set_index(varying)[list(VALUES)]
        if indexed.index.has_duplicates:
            raise ValueError(f"the table has two rows of {metric} at {indexed.index[indexed.index.duplicated()][0]}")
        array = indexed.to_xarray()
        parts[str(metric)] = array["value"]
        for end in ("low", "high"):
            if rows[end].notna().any():
                parts[f"{metric}_{end}"] = array[end]
    import xarray as xr

    dataset = xr.Dataset(parts).assign_attrs({k: str(table[k].iloc[0]) for k in keys if k not in varying})
    if "lead" in dataset.coords and dataset["lead"].dtype.kind in "fi":
        dataset["lead"].attrs.update(long_name="lead", unit="days")
    return dataset
