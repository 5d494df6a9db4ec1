"""The part of a configuration that says what acts at the surface."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from ocean_gcm.clock import Duration, duration_seconds
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section

Missing = Literal["error", "nearest"]
_MISSING = "wet points without a value in the file: refuse them, or take the nearest value"


class NoField(Section):
    """Nothing acts."""

    kind: Literal["none"] = "none"


class ZonalField(Section):
    """Embedded zonal-mean climatology of the Earth, a function of latitude and month; needs a sphere."""

    kind: Literal["zonal"] = "zonal"
    seasonal: bool = pydantic.Field(True, description="months where the climatology has seasons, or the annual mean")


class GyreStress(Section):
    """Zonal stress -amplitude cos(gyres pi (y - south)/(north - south)): easterlies in the south."""

    kind: Literal["gyre"] = "gyre"
    amplitude: float = pydantic.Field(0.1, description="largest stress in N m-2")
    gyres: Literal[1, 2] = pydantic.Field(2, description="number of gyres: 1 or 2 (a count)")


class AccStress(Section):
    """Zonal stress of the idealised Antarctic Circumpolar Current; needs a sphere."""

    kind: Literal["acc"] = "acc"
    amplitude: float = pydantic.Field(0.1, description="largest stress of the southern westerlies in N m-2")


class ChannelStress(Section):
    """Zonal stress amplitude sin(pi (y - south)/(north - south))."""

    kind: Literal["channel"] = "channel"
    amplitude: float = pydantic.Field(0.1, description="largest stress in N m-2")


class FileStress(Section):
    """Stress from a file, at any points; positive eastward and northward."""

    kind: Literal["file"] = "file"
    path: str = pydantic.Field(description="NetCDF file or Zarr store (a path; $NAME is replaced)")
    x: str = pydantic.Field(description="name of the eastward stress, in the file in N m-2 or convertible")
    y: str = pydantic.Field(description="name of the northward stress, in the file in N m-2 or convertible")
    missing: Missing = pydantic.Field("error", description=_MISSING)


class UniformFlux(Section):
    """The same flux everywhere."""

    kind: Literal["uniform"] = "uniform"
    value: float = pydantic.Field(description="flux into the ocean in W m-2 (heat) or kg m-2 s-1 (freshwater)")


class FileFlux(Section):
    """Heat or freshwater flux from a file."""

    kind: Literal["file"] = "file"
    path: str = pydantic.Field(description="NetCDF file or Zarr store (a path; $NAME is replaced)")
    variable: str = pydantic.Field(description="name of the flux, in the file in W m-2 or kg m-2 s-1 or convertible")
    positive: Literal["down", "up"] | None = pydantic.Field(
        None, description="direction in which the file's values are positive; null: by its standard name"
    )
    balance: bool = pydantic.Field(False, description="whether the mean over the ocean and the year is subtracted")
    missing: Missing = pydantic.Field("error", description=_MISSING)


class UniformTarget(Section):
    """The same target everywhere."""

    kind: Literal["uniform"] = "uniform"
    value: float = pydantic.Field(description="target in degC or g kg-1, in the model's kind")


class LinearTarget(Section):
    """Target linear in y between the southern and northern edge of the domain."""

    kind: Literal["linear"] = "linear"
    south: float = pydantic.Field(description="target at the southern edge in degC or g kg-1, in the model's kind")
    north: float = pydantic.Field(description="target at the northern edge in degC or g kg-1, in the model's kind")


class AccTarget(Section):
    """Surface temperature of the idealised Antarctic Circumpolar Current; needs a sphere."""

    kind: Literal["acc"] = "acc"
    warmest: float = pydantic.Field(15.0, description="temperature between 20S and 20N in degC")


class FileTarget(Section):
    """Surface temperature or salinity of a file (potential and practical unless its standard name says otherwise)."""

    kind: Literal["file"] = "file"
    path: str = pydantic.Field(description="NetCDF file or Zarr store (a path; $NAME is replaced)")
    variable: str = pydantic.Field(description="name of the variable, in the file in degC or K, or as salinity")
    missing: Missing = pydantic.Field("error", description=_MISSING)


def _tagged(*sections):
    union = sections[0]
    for section in sections[1:]:
        union = union | section
    return Annotated[union, pydantic.Field(discriminator="kind")]


Stress = _tagged(NoField, ZonalField, GyreStress, AccStress, ChannelStress, FileStress)
Flux = _tagged(NoField, ZonalField, UniformFlux, FileFlux)
TemperatureTarget = _tagged(ZonalField, UniformTarget, LinearTarget, AccTarget, FileTarget)
SalinityTarget = _tagged(ZonalField, UniformTarget, LinearTarget, FileTarget)


class _Restoring(Section):
    time: Duration = pydantic.Field("P30D", description="time scale of the restoring, ISO-8601 duration")
    depth: float = pydantic.Field(50.0, gt=0, description="thickness of the water that is restored in m")

    def piston_velocity(self, calendar: str) -> float:
        """depth / time, m s-1."""
        return self.depth / duration_seconds(self.time, calendar)


class TemperatureRestoring(_Restoring):
    """Restoring of the surface temperature: flux = depth / time * (target - value)."""

    target: TemperatureTarget = pydantic.Field(description="target temperature in degC")


class SalinityRestoring(_Restoring):
    """Restoring of the surface salinity: flux = depth / time * (target - value)."""

    target: SalinityTarget = pydantic.Field(description="target salinity in g kg-1")


ForcingKind = Literal["wind_stress", "heat_flux", "freshwater", "sst", "sss"]


class DatedConfig(Section):
    """Records with dates, on the model's grid, that simulations and forecasts have in place of the repeating year."""

    path: str = pydantic.Field(description="store that `ocean-gcm data prepare` wrote (a path; $NAME is replaced)")
    mode: Literal["window", "persisted"] = pydantic.Field(
        "window", description="records of the time that is run over, or anomalies at the start on top of the year"
    )
    fields: tuple[ForcingKind, ...] | None = pydantic.Field(
        None, min_length=1, description="what is taken; null: all that acts in the model and that the store gives"
    )
    memory: Duration | None = pydantic.Field(
        None, description="persisted: time in which an anomaly falls to 1/e, ISO-8601 duration; null: it stays"
    )
    average: Duration | None = pydantic.Field(
        None, description="persisted: time before the start that anomalies are means over; null: the last record"
    )

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        for key in ("memory", "average"):
            if self.mode == "window" and getattr(self, key) is not None:
                raise UserError(f"{key} = {getattr(self, key)} needs mode = persisted, found window")
        return self


class SurfaceConfig(Section):
    """What acts at the surface."""

    wind_stress: Stress = pydantic.Field(NoField(), description="stress on the ocean in N m-2")
    heat_flux: Flux = pydantic.Field(NoField(), description="heat flux into the ocean in W m-2")
    freshwater: Flux = pydantic.Field(NoField(), description="freshwater flux into the ocean in kg m-2 s-1")
    freshwater_as: Literal["volume", "virtual_salt"] = pydantic.Field(
        "volume", description="whether freshwater (kg m-2 s-1) adds volume or takes salt away from the uppermost cell"
    )
    sst_restoring: TemperatureRestoring | None = pydantic.Field(
        None, description="restoring of the surface temperature (degC) or null"
    )
    sss_restoring: SalinityRestoring | None = pydantic.Field(
        None, description="restoring of the surface salinity (g kg-1) or null"
    )
    freezing_limit: bool = pydantic.Field(
        False, description="whether cooling stops at the freezing point (degC) of the surface water"
    )
