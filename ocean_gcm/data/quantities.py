"""What can be prepared from published data: CF names, places on a model's grid, and the units they must have."""

from __future__ import annotations

import dataclasses

from ocean_gcm.data import units
from ocean_gcm.data.variables import VARIABLES, Variable


@dataclasses.dataclass(frozen=True)
class Prepared:
    """One variable that a recipe may name.

    Attributes:
      variable: attributes and place.
      quantity: units that files may have, and the range of its values.
      at_rest: whether land counts as zero, as for velocities: so transports are kept.
    """

    variable: Variable
    quantity: units.Quantity
    at_rest: bool = False


def _surface(standard_name: str | None, long_name: str, quantity: units.Quantity) -> Prepared:
    return Prepared(Variable("T", False, standard_name, long_name, quantity.unit), quantity)


OCEAN = {
    "thetao": Prepared(VARIABLES["thetao"], units.TEMPERATURE),
    "so": Prepared(VARIABLES["so"], units.SALINITY),
    "uo": Prepared(VARIABLES["uo"], units.VELOCITY, at_rest=True),
    "vo": Prepared(VARIABLES["vo"], units.VELOCITY, at_rest=True),
    "zos": Prepared(VARIABLES["zos"], units.SEA_LEVEL),
    "tos": Prepared(VARIABLES["tos"], units.TEMPERATURE),
    "sos": Prepared(VARIABLES["sos"], units.SALINITY),
    "mlotst": Prepared(VARIABLES["mlotst"], units.DEPTH),
    "siconc": _surface("sea_ice_area_fraction", "sea ice area fraction", units.FRACTION),
}

FORCING = {
    "tas": _surface("air_temperature", "air temperature near the surface", units.AIR_TEMPERATURE),
    "tdps": _surface("dew_point_temperature", "dew point near the surface", units.AIR_TEMPERATURE),
    "huss": _surface("specific_humidity", "specific humidity near the surface", units.FRACTION),
    "uas": _surface("eastward_wind", "eastward wind near the surface", units.WIND),
    "vas": _surface("northward_wind", "northward wind near the surface", units.WIND),
    "sfcWind": _surface("wind_speed", "wind speed near the surface", units.WIND),
    "psl": _surface("air_pressure_at_mean_sea_level", "pressure at sea level", units.PRESSURE),
    "ps": _surface("surface_air_pressure", "pressure at the surface", units.PRESSURE),
    "rsds": _surface("surface_downwelling_shortwave_flux_in_air", "downwelling shortwave radiation", units.HEAT_FLUX),
    "rlds": _surface("surface_downwelling_longwave_flux_in_air", "downwelling longwave radiation", units.HEAT_FLUX),
    "rss": _surface("surface_net_downward_shortwave_flux", "net downward shortwave radiation", units.HEAT_FLUX),
    "rls": _surface("surface_net_downward_longwave_flux", "net downward longwave radiation", units.HEAT_FLUX),
    "hfls": _surface("surface_upward_latent_heat_flux", "upward latent heat flux", units.HEAT_FLUX),
    "hfss": _surface("surface_upward_sensible_heat_flux", "upward sensible heat flux", units.HEAT_FLUX),
    "hfds": _surface("surface_downward_heat_flux_in_sea_water", "downward heat flux", units.HEAT_FLUX),
    "pr": _surface("precipitation_flux", "precipitation", units.WATER_FLUX),
    "prra": _surface("rainfall_flux", "rain", units.WATER_FLUX),
    "prsn": _surface("snowfall_flux", "snow", units.WATER_FLUX),
    "friver": _surface("water_flux_into_sea_water_from_rivers", "runoff of rivers", units.WATER_FLUX),
    "wfo": _surface("water_flux_into_sea_water", "water flux into the ocean", units.WATER_FLUX),
    "tauuo": _surface("surface_downward_eastward_stress", "eastward wind stress", units.STRESS),
    "tauvo": _surface("surface_downward_northward_stress", "northward wind stress", units.STRESS),
}

PREPARED = OCEAN | FORCING
"""By CF name."""

KINDS = {
    "thetao": (
        "sea_water_potential_temperature",
        "sea_water_conservative_temperature",
        "sea_water_temperature",
    ),
    "so": ("sea_water_practical_salinity", "sea_water_absolute_salinity", "sea_water_salinity"),
}
"""Standard names that tell the kind of temperature and salinity."""
