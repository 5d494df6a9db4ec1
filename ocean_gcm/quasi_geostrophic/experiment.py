"""An experiment with the quasi-geostrophic core as typed, validated data."""

from __future__ import annotations

import typing

import pydantic

from ocean_gcm.clock import TimeConfig
from ocean_gcm.closures.layers import LayersClosureConfig
from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.grid import PeriodicGridConfig
from ocean_gcm.errors import UserError
from ocean_gcm.experiment import Experiment, OutputConfig, SnapshotConfig
from ocean_gcm.quasi_geostrophic.ensemble import LayersEnsembleConfig
from ocean_gcm.quasi_geostrophic.forcing import ForcingConfig
from ocean_gcm.quasi_geostrophic.initial import LayersInitialConfig, RestConfig
from ocean_gcm.quasi_geostrophic.variables import DEFAULT, VARIABLES
from ocean_gcm.section import Named


class LayersSnapshotConfig(SnapshotConfig):
    """Further output of the state at moments, to snapshots.zarr."""

    variables: tuple[str, ...] = pydantic.Field(DEFAULT, description="names of the variables to write")


class LayersOutputConfig(OutputConfig):
    """What a simulation writes to its run directory."""

    kind: typing.Literal["mean", "snapshot"] = pydantic.Field(
        "snapshot", description="records are means over the interval or the state at its end"
    )
    variables: tuple[str, ...] = pydantic.Field(DEFAULT, description="names of the variables to write")
    snapshots: LayersSnapshotConfig | None = pydantic.Field(None, description="further output; null: none")


class LayersExperiment(Experiment):
    """One experiment with dynamics.core = quasi_geostrophic."""

    grid: PeriodicGridConfig = pydantic.Field(description="cells of the doubly periodic box")
    initial: LayersInitialConfig = pydantic.Field(RestConfig(), description="state at the start")
    forcing: Named[ForcingConfig] = pydantic.Field(
        {}, description="sources of potential vorticity from outside, by a name of your choice"
    )
    dynamics: QuasiGeostrophicConfig = pydantic.Field(description="equations and numerics of the resolved state")
    closures: Named[LayersClosureConfig] = pydantic.Field(
        {}, description="what is not resolved, by a name of your choice"
    )
    ensemble: LayersEnsembleConfig = pydantic.Field(
        LayersEnsembleConfig(), description="how `model.ensemble` perturbs the members' initial states"
    )
    weights: str | None = pydantic.Field(
        None, description="exported model (directory or gs:// address) whose parameters take the place of the above"
    )
    time: TimeConfig = pydantic.Field(description="start, length and step")
    output: LayersOutputConfig = pydantic.Field(LayersOutputConfig(), description="what is written")
    provenance: dict[str, str] | None = pydantic.Field(
        None, description="versions and commit, written into run directories; never read"
    )

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        self._require_output(VARIABLES)
        for name in self.forcing:
            if name in self.closures:
                raise UserError(f"forcing.{name} has the name of a closure; choose another name")
        for name, forcing in self.forcing.items():
            if forcing.layer >= len(self.dynamics.layers.thickness):
                raise UserError(
                    f"forcing.{name}.layer is {forcing.layer}; expected less than "
                    f"{len(self.dynamics.layers.thickness)}, the number of layers"
                )
        return self
