"""The variables that runs of layers write; all at the centres of the cells."""

from __future__ import annotations

from ocean_gcm.data.variables import Variable

VARIABLES = {
    "pv": Variable("T", True, None, "potential vorticity of the layer, without the background's", "s-1"),
    "psi": Variable("T", True, None, "streamfunction, without the background's", "m2 s-1"),
    "vorticity": Variable("T", True, None, "relative vorticity", "s-1"),
    "uo": Variable("T", True, "sea_water_x_velocity", "velocity along x, the background's included", "m s-1"),
    "vo": Variable("T", True, "sea_water_y_velocity", "velocity along y", "m s-1"),
}

DEFAULT = ("pv", "psi", "uo", "vo")
"""What is written unless others are asked for."""

# numbers per record, always written; energies and enstrophy are those of the record's field per mass, without the
# background's
SERIES = {
    "kinetic_energy": Variable("", False, None, "mean kinetic energy", "m2 s-2"),
    "available_potential_energy": Variable("", False, None, "mean available potential energy", "m2 s-2"),
    "enstrophy": Variable("", False, None, "mean potential enstrophy", "s-2"),
    "largest_speed": Variable("", False, None, "largest speed, the background's included", "m s-1"),
}
