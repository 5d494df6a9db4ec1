"""An experiment as typed, validated data: YAML in, `Config` out, mistakes as one clear sentence."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import pydantic

from ocean_gcm.clock import TimeConfig
from ocean_gcm.closures.config import ClosureConfig
from ocean_gcm.closures.kinds import refuse_others
from ocean_gcm.closures.layers import LayersClosureConfig
from ocean_gcm.data.paths import expand
from ocean_gcm.data.variables import VARIABLES
from ocean_gcm.dynamics.finite_volume.config import DynamicsConfig
from ocean_gcm.dynamics.spectral.config import QUASI_GEOSTROPHIC
from ocean_gcm.encoding.config import DecoderConfig, EncoderConfig
from ocean_gcm.errors import UserError
from ocean_gcm.experiment import FINITE_VOLUME, Experiment, OutputConfig
from ocean_gcm.forcing.config import DatedConfig, SurfaceConfig
from ocean_gcm.grid.bathymetry import BathymetryConfig
from ocean_gcm.grid.build import GridConfig
from ocean_gcm.initial import InitialConfig, TracerConfig
from ocean_gcm.quasi_geostrophic.experiment import LayersExperiment
from ocean_gcm.section import Named
from ocean_gcm.stochastic.initial import EnsembleConfig
from ocean_gcm.validation import Source, named, suggestion, validated
from ocean_gcm.yaml_tree import file_of, read_kind

_MOST_CELLS = 10**10
_DEEPEST = 1e5  # m
_WIDEST_STENCIL = 4  # cells of halo


class Config(Experiment):
    """One experiment with the finite-volume core; the keys of most files in configs/."""

    grid: GridConfig = pydantic.Field(description="horizontal geometry and levels")
    bathymetry: BathymetryConfig = pydantic.Field(description="depth of the sea floor")
    initial: InitialConfig = pydantic.Field(description="state at the start")
    surface: SurfaceConfig = pydantic.Field(SurfaceConfig(), description="what acts at the surface")
    forcing: DatedConfig | None = pydantic.Field(
        None,
        description="dated records of what acts at the surface, in simulations and forecasts; null: the year repeats",
    )
    dynamics: DynamicsConfig = pydantic.Field(DynamicsConfig(), description="numerics of the resolved state")
    closures: Named[ClosureConfig] = pydantic.Field({}, description="what is not resolved, by a name of your choice")
    tracers: Named[TracerConfig] = pydantic.Field({}, description="passive tracers by name")
    ensemble: EnsembleConfig = pydantic.Field(
        EnsembleConfig(), description="how `model.ensemble` perturbs the members' initial states"
    )
    encoder: EncoderConfig | None = pydantic.Field(
        None, description="how analyses become states; null: as by default, without a learned correction"
    )
    decoder: DecoderConfig | None = pydantic.Field(
        None, description="how states become fields like those of an analysis; null: as by default"
    )
    weights: str | None = pydantic.Field(
        None, description="exported model (directory or gs:// address) whose parameters take the place of the above"
    )
    time: TimeConfig = pydantic.Field(description="start, length and step")
    output: OutputConfig = pydantic.Field(OutputConfig(), description="what is written")
    provenance: dict[str, str] | None = pydantic.Field(
        None, description="versions and commit, written into run directories; never read"
    )

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        self._require_output([*VARIABLES, *self.tracers])
        self._require_sane_grid()
        for name in self.tracers:
            if name in VARIABLES or name in ("temperature", "salinity", "u", "v", "w", "sea_surface_height"):
                raise UserError(f"tracers.{name} has the name of a variable of the model; choose another name")
        return self

    def _require_sane_grid(self) -> None:
        """Refuse what the arrays and stencils of any model could not hold."""
        grid, levels = self.grid, self.grid.levels
        cells = grid.nx * grid.ny * len(levels.thickness or range(levels.number))
        if cells > _MOST_CELLS:
            raise UserError(f"grid has {cells:.3g} cells (nx * ny * levels); expected at most {_MOST_CELLS:.0e}")
        depth = sum(levels.thickness or [levels.depth])
        if depth > _DEEPEST:
            raise UserError(f"grid.levels reach down to {depth:.3g} m; expected at most {_DEEPEST:.0e} m")
        for periodic, number, key in ((grid.periodic_x, grid.nx, "nx"), (grid.periodic_y, grid.ny, "ny")):
            if periodic and number < _WIDEST_STENCIL:
                raise UserError(
                    f"grid.{key} is {number}; expected at least {_WIDEST_STENCIL} cells, the width of the stencils, "
                    "in a periodic direction"
                )


CORES: dict[str, type[Experiment]] = {FINITE_VOLUME: Config, QUASI_GEOSTROPHIC: LayersExperiment}
"""Configurations by the key dynamics.core."""
CLOSURES = {FINITE_VOLUME: ClosureConfig, QUASI_GEOSTROPHIC: LayersClosureConfig}
"""Their closures."""


def load_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> Experiment:
    """Read an experiment from a YAML file; `overrides` are texts such as "grid.nx=60".

    Raises UserError, one sentence with the key, the value found and what was expected.
    """
    overrides = list(overrides)
    tree = read_kind("an experiment", path, overrides)
    return config_from_dict(tree, lambda mistake: file_of(path, mistake, overrides))


def config_from_dict(tree: Mapping[str, Any], source: Source = "the configuration") -> Experiment:
    """Validate a tree of keys and values; `source` names it in messages, or of each mistake.  Raises UserError.

    The key dynamics.core decides which sections there are.
    """
    try:
        _require_variables(tree, "")
        core = _core(tree)
        kind = CORES[core]
        for other, union in CLOSURES.items():
            if other != core:
                refuse_others(tree.get("closures"), CLOSURES[core], union, other)
    except UserError as error:
        raise named(source, str(error)) from None
    return validated(kind, tree, source)


def require_ocean(config: Experiment, what: str) -> Config:
    """The configuration, where it is one with the finite-volume core; UserError else, `what` says what needs it."""
    if not isinstance(config, Config):
        raise UserError(
            f"{what} needs the core {FINITE_VOLUME}; the configuration {config.name} has dynamics.core = "
            f"{config.dynamics.core}"
        )
    return config


def _core(tree: Mapping[str, Any]) -> str:
    """The key dynamics.core; what is no section is left to the validation."""
    dynamics = tree.get("dynamics") if isinstance(tree, Mapping) else None
    core = dynamics.get("core", FINITE_VOLUME) if isinstance(dynamics, Mapping) else FINITE_VOLUME
    if not isinstance(core, str) or core not in CORES:
        raise UserError(f"dynamics.core is {core!r}; {suggestion(str(core), CORES)}")
    return core


def _require_variables(tree: Any, key: str) -> None:
    """UserError where a text names an environment variable that is not set."""
    if isinstance(tree, Mapping):
        for name, below in tree.items():
            _require_variables(below, f"{key}.{name}" if key else str(name))
    elif isinstance(tree, list):
        for below in tree:
            _require_variables(below, key)
    elif isinstance(tree, str) and "${" in tree:
        try:
            expand(tree)
        except UserError as error:
            raise UserError(f"{key}: {error}") from None
