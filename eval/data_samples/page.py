"""The page of the samples."""

from __future__ import annotations

from pathlib import Path

import cmocean
import numpy as np
from matplotlib import pyplot as plt

from ocean_gcm.data.survey import Found

_HEAD = """# Real data through the loaders

Can every real sample be read, told what it is, checked, converted and put on a grid, by recipes alone?

```
python -m eval.data_samples        # needs OCEAN_GCM_DATA
```

Gridded samples go the way of `ocean-gcm data prepare` ([data](../data.md)): opened lazily, axes and units found, values
checked, conservative means over the boxes of the target.  Lowest, mean and highest value are those of the first record
*on the target*, the mean by area and thickness; of what is not gridded they are those of all values.  *Water* is
the part of the target's boxes at the uppermost level where the source has values, *filled* the number of wet values of
the target that come from water around.

![Four samples on their targets](data_samples.png)"""

_TAIL = """
## Verdict

All samples are read.  What they needed, and what is true of each data set of its kind:

- Longitudes from -180 and from 0, cells centred on the date line, regions across Greenwich, rows from the south and
  from the north, a last row of points at the pole: told by coordinates, not by names.
- Kelvin and degC, `1`, `1e-3` and `psu`, kg kg-1: converted, and refused where values cannot be in the unit.
- WOA18 holds in-situ temperature: with the pressure of its levels it becomes potential temperature (through
  Conservative Temperature and Absolute Salinity where the model has TEOS-10).
- Months without dates (climatologies, CORE2 precipitation) need `time.first`; daily, 6-hourly and monthly variables of
  one file are separate recipes, since the records of a store have common times.
- GODAS and ERSST anomalies are filled over land: the recipe says where the sea is.

## What is not so good

- ECCO's sea level contains the depression under sea ice (down to -2.7 m on the 4-degree grid); it must not be compared
  with a sea level without ice.
- Levitus' surface temperature reaches -2.4 degC on the grid, below freezing; layers of `thetao` are warmed to freezing,
  surface fields are left as they are.
- ERA5's two hours are at midnight: its shortwave radiation is 0 everywhere.
- Air over land is part of the means along coasts: a land-sea mask of the source (`sea` in the recipe) keeps it out.
"""


def page(found: dict[str, tuple[str, tuple[Found, ...]]]) -> str:
    """Markdown from what was found in each sample: target and variables."""
    lines = [_HEAD]
    for title, (target, variables) in found.items():
        first = variables[0]
        lines += [f"\n## {title}\n", f"{first.grid}; {first.times}.\nTarget: {target}.\n"]
        lines.append("| variable | source | units | kind | lowest | mean | highest | water | filled |")
        lines.append("|---|---|---|---|---|---|---|---|---|")
        for v in variables:
            numbers = " | ".join(_number(n) for n in (v.lowest, v.mean, v.highest))
            source = v.label.replace("variable ", "").split(" of ")[0].strip("'")
            water = "" if np.isnan(v.water) else f"{v.water:.2f}"
            lines.append(f"| {v.name} | {source} | {v.units} | {v.kind} | {numbers} | {water} | {v.filled or ''} |")
        notes = dict.fromkeys(note for v in variables for note in v.notes)
        if notes:
            lines.append("\n" + "  ".join(f"{note[0].upper()}{note[1:]}." for note in notes))
    return "\n".join(lines) + "\n" + _TAIL


def _number(value: float) -> str:
    return f"{value:.4g}"


def picture(fields, path: Path) -> None:
    """Maps of the uppermost level."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 7), layout="constrained")
    for axis, (title, field) in zip(axes.ravel(), fields.items(), strict=True):
        values = field.values
        level = field.name == "zos"
        if level:
            values = values - np.nanmean(values)
            bound = float(np.nanpercentile(np.abs(values), 99))
            limits = {"vmin": -bound, "vmax": bound, "cmap": cmocean.cm.balance}
        else:
            limits = {"cmap": cmocean.cm.thermal}
        mesh = axis.pcolormesh(field.lon, field.lat, values, **limits)
        axis.set_facecolor("0.8")
        name = "sea level without its mean (m)" if level else "temperature (degC)"
        axis.set_title(f"{title}: {name}", fontsize=10)
        figure.colorbar(mesh, ax=axis)
    figure.savefig(path, dpi=110)
    plt.close(figure)
