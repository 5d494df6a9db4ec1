"""Recipes for the gridded samples: each on the grid of a model where it covers the ocean, else on longitudes and
latitudes of its region."""

from __future__ import annotations

import dataclasses
from typing import Any

MODEL = {"kind": "model", "config": "configs/global_4deg_observed.yaml"}
OCEAN = {name: name for name in ("thetao", "so", "uo", "vo", "zos")}
_MID_JANUARY = {"first": "2000-01-16"}


@dataclasses.dataclass(frozen=True)
class Sample:
    """A part of a file that one recipe reads.

    Attributes:
      title: for the table.
      file: in OCEAN_GCM_DATA.
      variables, target, time, sea: of the recipe.
    """

    title: str
    file: str
    variables: dict[str, Any]
    target: dict[str, Any]
    time: dict[str, Any] = dataclasses.field(default_factory=dict)
    sea: dict[str, Any] | None = None

    def recipe(self) -> dict[str, Any]:
        """The tree of the recipe."""
        source = {"path": f"${{OCEAN_GCM_DATA}}/{self.file}", "variables": self.variables}
        return {
            "name": self.title,
            "sources": [source | ({"sea": self.sea} if self.sea else {})],
            "target": self.target,
            "time": self.time,
        }


def _cells(resolution: float, longitude, latitude) -> dict[str, Any]:
    return {"kind": "lonlat", "resolution": resolution, "longitude": longitude, "latitude": latitude}


def _named(**names: str) -> dict[str, str]:
    return names


_CORE = _named(
    tas="tair",
    huss="qair",
    sfcWind="wspd",
    rsds="swdown",
    rlds="lwdown",
    pr="precip",
    prsn="snow",
    friver="runoff",
)


GRIDDED = (
    Sample(
        "GLORYS12, north-east Atlantic", "glorys12_northeast_atlantic_20210629.nc", OCEAN, _cells(1, [-18, 8], [46, 71])
    ),
    Sample("GLORYS12, Iceland", "glorys12_iceland_2012.nc", OCEAN, _cells(1, [-22, -9], [60, 69])),
    Sample("ECCO v4 sea level", "ecco_v4_sea_level_1992.nc", {"zos": "etan"}, MODEL),
    Sample(
        "WOA18, in-situ temperature",
        "woa18_annual_5deg.nc",
        {"thetao": {"name": "temp", "standard_name": "sea_water_temperature"}, "so": "so"},
        MODEL,
        {"first": "2000-07-01"},
    ),
    Sample("Levitus 1994, 4 degrees", "global_4deg.nc", _named(thetao="theta", so="salt"), MODEL, _MID_JANUARY),
    Sample("Levitus 1994, 4 degrees, surface", "global_4deg.nc", _named(tos="sst", sos="sss"), MODEL, _MID_JANUARY),
    Sample(
        "Trenberth stress, NCEP heat flux",
        "global_4deg.nc",
        _named(tauuo="taux", tauvo="tauy", hfds="qnet"),
        MODEL,
        _MID_JANUARY,
    ),
    Sample(
        "Levitus 1994, 2.8 degrees",
        "global_2p8deg.nc",
        _named(thetao="theta_annual", so="salt_annual"),
        MODEL,
        {"first": "2000-07-01"},
    ),
    Sample("ERSST v5", "ersstv5_2deg_2010_2016.nc", {"tos": "tos"}, MODEL),
    Sample(
        "GODAS and ERSST anomalies",
        "godas_ersst_anomalies_5deg_1980_2012.nc",
        _named(zos="zos_anom", tos="tos_anom"),
        _cells(5, [-2.5, 357.5], [-57.5, 62.5]),
        sea={"variable": "ocean_fraction", "at_least": 0.5},
    ),
    Sample(
        "ERA5, north Atlantic",
        "era5_north_atlantic_1deg_2012.nc",
        {n: n for n in ("uas", "vas", "tas", "tdps", "psl", "tos", "hfls", "hfss", "rls", "rss", "rsds", "rlds", "pr")},
        _cells(2, [-50, 0], [20, 80]),
    ),
    Sample(
        "ERA-Interim",
        "era_interim_1p5deg_2017.nc",
        {name: name for name in ("uas", "vas", "tas", "ps", "pr")},
        MODEL,
    ),
    Sample(
        "CORE2 atmosphere, 6-hourly",
        "core2_t62_194801.nc",
        {name: name for name in ("uas", "vas", "tas", "huss", "psl")},
        MODEL,
    ),
    Sample("CORE2 radiation, daily", "core2_t62_194801.nc", {name: name for name in ("rsds", "rlds")}, MODEL),
    Sample(
        "CORE2 precipitation, monthly",
        "core2_t62_194801.nc",
        {name: name for name in ("prra", "prsn")},
        MODEL,
        {"first": "1948-01-16"},
    ),
    Sample(
        "CORE normal year, 2.8 degrees",
        "bulk_core_2p8deg.nc",
        _CORE,
        MODEL,
        _MID_JANUARY,
    ),
    Sample(
        "CORE normal year, 4 degrees",
        "bulk_core_4deg.nc",
        _CORE,
        MODEL,
        _MID_JANUARY,
    ),
    Sample(
        "Esbensen and Kushnir heat budget",
        "heat_budget_esbensen_kushnir_4x5deg.nc",
        {name: name for name in ("sfcWind", "tos", "tas", "huss", "psl", "rss", "rls", "hfls", "hfss", "hfds")},
        MODEL,
        _MID_JANUARY,
    ),
)
