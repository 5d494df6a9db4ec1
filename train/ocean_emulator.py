"""The network that stands for the finite-volume core in gradients; see `train.emulation`."""

from __future__ import annotations

import jax
import pydantic

from ocean_gcm.closures.interface import Columns
from ocean_gcm.closures.neural.features import Block, interior_shape
from ocean_gcm.closures.neural.learned import Learned, LearnedConfig, at_faces, soft_clip
from ocean_gcm.closures.neural.normalisation import OUTPUT_SCALES
from ocean_gcm.errors import UserError
from ocean_gcm.grid.grid import Grid

TRACERS = ("temperature", "salinity")


class OceanEmulatorConfig(LearnedConfig):
    """Inputs and network of a learned closure, for what is not known of the tendencies of all fields.

    Each output has the size of its scale (`statistics`, or constants that fit the ocean) times a number that a soft
    clip keeps within `clip`.
    """

    sea_surface_scale: float = pydantic.Field(
        1e-7, gt=0, description="tendency of the sea surface height for an output of one, m s-1"
    )
    clip: float = pydantic.Field(10.0, gt=0, description="bound of the outputs in their scales, no unit")

    @pydantic.field_validator("random", "random_amplitude")
    @classmethod
    def _not_random(cls, given, info):
        if given is not None:
            raise UserError(f"emulator.{info.field_name} is given; a solver is not random: expected null")
        return given


class OceanEmulator(Learned):
    """See `OceanEmulatorConfig`.  Its trainable numbers are those of `tower`."""

    def __init__(self, config: OceanEmulatorConfig, grid: Grid, dtype):
        nz = grid.shape[0]
        blocks = {
            "velocity": Block("vector", nz),
            **{name: Block("scalar", nz) for name in TRACERS},
            "sea_surface_height": Block("scalar", 1),
        }
        super().__init__(config, grid, dtype, tuple(blocks.values()))
        self.output_names, self.clip = tuple(blocks), config.clip
        self.sea_surface_scale = config.sea_surface_scale

    def __call__(self, columns: Columns) -> dict[str, jax.Array]:
        """Tendencies on the interior by the name of the field, per second, zero on land."""
        parts, _ = self.evaluate(columns, (), None)
        outputs = {name: soft_clip(x, self.clip) for name, x in zip(self.output_names, parts, strict=True)}
        shape, static = interior_shape(columns), columns.static
        scale = {name: self.normalisation.output_scale[name][...][:, None, None] for name in OUTPUT_SCALES}
        wet = static.mask_t.interior(*shape)
        u, v = at_faces(columns, outputs["velocity"], scale["velocity"])
        surface = outputs["sea_surface_height"][0] * static.surface_mask_t.interior(*shape)
        return {
            "u": u.interior(*shape),
            "v": v.interior(*shape),
            **{name: outputs[name] * scale[name] * wet for name in TRACERS},
            "sea_surface_height": surface * self.sea_surface_scale,
        }
