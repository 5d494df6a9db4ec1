"""The variables that the model writes: CF names, attributes and where they live on the grid."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Variable:
    """Attributes of one variable.

    Attributes:
      place: T, U, V, W (upper faces of the cells), F, or "" for a number per record.
      levels: True for a three-dimensional field.
      standard_name, long_name, units: CF attributes; without a standard name None.
    """

    place: str
    levels: bool
    standard_name: str | None
    long_name: str
    units: str


VARIABLES = {
    "thetao": Variable("T", True, "sea_water_potential_temperature", "potential temperature", "degC"),
    "so": Variable("T", True, "sea_water_salinity", "practical salinity", "1e-3"),
    "uo": Variable("U", True, "sea_water_x_velocity", "velocity along x", "m s-1"),
    "vo": Variable("V", True, "sea_water_y_velocity", "velocity along y", "m s-1"),
    "wo": Variable("W", True, "upward_sea_water_velocity", "upward velocity", "m s-1"),
    "zos": Variable("T", False, "sea_surface_height_above_geoid", "sea surface height", "m"),
    "tos": Variable("T", False, "sea_surface_temperature", "temperature of the uppermost cell", "degC"),
    "sos": Variable("T", False, "sea_surface_salinity", "salinity of the uppermost cell", "1e-3"),
    "mlotst": Variable(
        "T", False, "ocean_mixed_layer_thickness_defined_by_sigma_t", "mixed layer depth (0.03 kg m-3)", "m"
    ),
    "msftbarot": Variable(
        "F", False, "ocean_barotropic_mass_streamfunction", "barotropic mass streamfunction", "kg s-1"
    ),
}

# numbers per record, always written: they cost nothing and make the time series of every run
SERIES = {
    "volo": Variable("", False, "sea_water_volume", "volume of the ocean", "m3"),
    "thetaoga": Variable("", False, "sea_water_potential_temperature", "volume-mean potential temperature", "degC"),
    "soga": Variable("", False, "sea_water_salinity", "volume-mean salinity", "1e-3"),
    "tosga": Variable("", False, "sea_surface_temperature", "area-mean sea surface temperature", "degC"),
    "sosga": Variable("", False, "sea_surface_salinity", "area-mean sea surface salinity", "1e-3"),
    "zosga": Variable("", False, None, "area-mean sea surface height", "m"),
    "kinetic_energy": Variable("", False, None, "volume-mean kinetic energy of the record's velocity", "m2 s-2"),
    "largest_speed": Variable("", False, None, "largest speed of the record's velocity", "m s-1"),
}
_TRANSPORTS = {
    "drake_passage": "eastward volume transport through Drake Passage",
    "channel": "eastward volume transport, mean over x",
    "amoc_26n": "Atlantic overturning of the resolved flow at 26.5N below 500 m",
    "amoc_max": "largest Atlantic overturning of the resolved flow between 20N and 65N below 500 m",
    "gyre_max": "largest barotropic streamfunction",
    "gyre_min": "smallest barotropic streamfunction",
    "overturning_max": "largest overturning streamfunction",
    "overturning_min": "smallest overturning streamfunction",
}
SERIES |= {name: Variable("", False, None, text, "1e6 m3 s-1") for name, text in _TRANSPORTS.items()}
TRANSPORTS = tuple(_TRANSPORTS)

# names of the closing table and of the series that hold the same
MEANS = {
    "sst": "tosga",
    "sss": "sosga",
    "temperature": "thetaoga",
    "salinity": "soga",
    "sea_surface_height": "zosga",
    "kinetic_energy": "kinetic_energy",
    "largest_speed": "largest_speed",
}

TRACER = Variable("T", True, None, "passive tracer", "1")

# names of the model's fields and where they live
MODEL_FIELDS = {
    "temperature": VARIABLES["thetao"],
    "salinity": VARIABLES["so"],
    "u": VARIABLES["uo"],
    "v": VARIABLES["vo"],
    "w": VARIABLES["wo"],
    "sea_surface_height": VARIABLES["zos"],
}
