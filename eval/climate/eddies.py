"""What the closures of a run's model carry as eddies, from its output."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax_datetime as jdt
import numpy as np

import ocean_gcm
from eval.climate.diagnostics import Climate
from ocean_gcm.data.climatology import to_model_kinds
from ocean_gcm.errors import UserError
from ocean_gcm.run_directory import RunDirectory
from ocean_gcm.state import Ocean
from ocean_gcm.tendencies import eddy_transports

_KINDS = ("sea_water_potential_temperature", "sea_water_practical_salinity")


def eddy_velocities(climate: Climate) -> np.ndarray:
    """(record, nz, ny, nx) northward bolus velocity in m s-1 at the records of the climate, land 0.

    The model is built anew from the run's configuration, whose data files must be there, and its closures look at the
    means of the records: slopes of means are smaller than means of slopes, by little where records are short.

    Raises UserError as building a model does, and if the grid is not the run's.
    """
    config = RunDirectory(climate.run.directory).read_config()
    model = ocean_gcm.build_model(config)
    grid = climate.grid
    if model.grid.shape != grid.shape or not (model.grid.mask == grid.mask).all():
        raise UserError(f"the model of {climate.run.directory} has another grid than its output; has its data changed?")
    area = grid.thickness_v * grid.geometry.dx["V"]
    key = jax.random.key(config.seed)
    transports = jax.jit(lambda ocean: eddy_transports(model, ocean, jdt.Timedelta(0, 0), key)[1])
    found = []
    for record in climate.records:
        fields = climate.run.fields(int(record))
        temperature, salinity = to_model_kinds(
            fields["temperature"], fields["salinity"], config.dynamics.equation_of_state.kind, _KINDS
        )
        arrays = (fields["u"], fields["v"], temperature, salinity, fields["sea_surface_height"])
        ocean = Ocean(*(jnp.asarray(array, model.dtype) for array in arrays), tracers={})
        carried = np.asarray(transports(ocean), float)
        found.append(np.where(area > 0, carried / np.where(area > 0, area, 1.0), 0.0))
    return np.stack(found)
