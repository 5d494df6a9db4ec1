"""Learned mixing coefficients, between stated bounds; before training they are stated constants."""

from __future__ import annotations

import math
from typing import Any, Literal

import jax
import jax.numpy as jnp
import pydantic
from flax import nnx

from ocean_gcm.closures.classical.gent_mcwilliams_redi import (
    ROSSBY_RADIUS_RANGE,
    GentMcWilliamsRedi,
    GentMcWilliamsRediConfig,
    SurfaceTaperConfig,
)
from ocean_gcm.closures.classical.grid_scale import spacing_squared
from ocean_gcm.closures.interface import Columns, Effects
from ocean_gcm.closures.neural.features import Block
from ocean_gcm.closures.neural.learned import Learned, LearnedConfig, RandomInputs, surrounded
from ocean_gcm.grid.field import Field
from ocean_gcm.grid.grid import Grid
from ocean_gcm.section import Section


class BoundsConfig(Section):
    """A positive number x = minimum (maximum / minimum)^sigmoid(network), `start` before training."""

    minimum: float = pydantic.Field(gt=0, description="lower bound, in the unit of the number: m2 s-1 or m2 s-2")
    maximum: float = pydantic.Field(gt=0, description="upper bound, in the unit of the number: m2 s-1 or m2 s-2")
    start: float = pydantic.Field(gt=0, description="value before training, same unit: m2 s-1 or m2 s-2")

    @pydantic.model_validator(mode="after")
    def _ordered(self):
        if not self.minimum < self.start < self.maximum:
            raise ValueError(
                f"minimum = {self.minimum:g}, start = {self.start:g}, maximum = {self.maximum:g}; expected "
                "minimum < start < maximum"
            )
        return self

    @property
    def bias(self) -> float:
        """What the network gives at the start."""
        return _logit(math.log(self.start / self.minimum) / math.log(self.maximum / self.minimum))

    def value(self, raw: jax.Array) -> jax.Array:
        return self.minimum * jnp.exp(math.log(self.maximum / self.minimum) * jax.nn.sigmoid(raw))


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def _set_bias(tower, blocks: list[Block], values: list[float]) -> None:
    """Give the outputs of each block their value at the start."""
    bias = [jnp.full((b.channels,), v, tower.decoder.bias[...].dtype) for b, v in zip(blocks, values, strict=True)]
    tower.decoder.bias = nnx.Param(jnp.concatenate(bias))


_COLUMN = ("stratification", "shear_squared", "stress", "heat_flux", "freshwater_flux", "temperature_restoring")


class NeuralVerticalMixingConfig(LearnedConfig):
    """Viscosity and diffusivity of every face between two levels, in the spirit of Sane et al. (2023)."""

    kind: Literal["neural_vertical_mixing"] = "neural_vertical_mixing"
    features: tuple[str, ...] = pydantic.Field(
        (*_COLUMN, "coriolis", "column_depth", "thickness", "mask"), description="names of the inputs; no unit"
    )
    viscosity: BoundsConfig | None = pydantic.Field(
        BoundsConfig(minimum=1e-5, maximum=1.0, start=1e-3), description="bounds and start in m2 s-1; null: none"
    )
    diffusivity: BoundsConfig | None = pydantic.Field(
        BoundsConfig(minimum=1e-6, maximum=10.0, start=3e-5), description="bounds and start in m2 s-1; null: none"
    )

    @pydantic.model_validator(mode="after")
    def _something(self):
        if self.viscosity is None and self.diffusivity is None:
            raise ValueError("neural_vertical_mixing needs viscosity, diffusivity or both, found neither")
        return self

    def build(self, grid: Grid, dtype, random: RandomInputs | None = None) -> NeuralVerticalMixing:
        return NeuralVerticalMixing(self, grid, dtype, random)


class NeuralVerticalMixing(Learned):
    """See `NeuralVerticalMixingConfig`."""

    def __init__(self, config: NeuralVerticalMixingConfig, grid: Grid, dtype, random: RandomInputs | None = None):
        self.bounds = tuple((k, b) for k in ("viscosity", "diffusivity") if (b := getattr(config, k)) is not None)
        blocks = [Block("scalar", grid.shape[0] - 1) for _ in self.bounds]
        super().__init__(config, grid, dtype, blocks, random)
        _set_bias(self.tower, blocks, [b.bias for _, b in self.bounds])

    def __call__(self, columns: Columns, memory: Any, key) -> tuple[Effects, Any]:
        parts, memory = self.evaluate(columns, memory, key)
        effects = {}
        for (name, bounds), raw in zip(self.bounds, parts, strict=True):
            value = bounds.value(raw)
            value = jnp.concatenate([jnp.zeros_like(value[:1]), value])
            effects[f"vertical_{name}"] = surrounded(columns, value, "w", 1) * columns.static.mask_w
        return Effects(**effects), memory


class NeuralMesoscaleConfig(LearnedConfig):
    """Eddy kinetic energy E of each column from a network, and with it the diffusivity kappa = c l sqrt(2 E).

    Partee et al. (2022).  The eddies' transport and their mixing along neutral surfaces are those of
    `gent_mcwilliams_redi`, slopes and tapers included.
    """

    kind: Literal["neural_mesoscale"] = "neural_mesoscale"
    features: tuple[str, ...] = pydantic.Field(
        ("slope", "stratification", "strain", "sea_surface_gradient", "coriolis", "column_depth", "mask"),
        description="names of the inputs; no unit",
    )
    energy: BoundsConfig = pydantic.Field(
        BoundsConfig(minimum=1e-5, maximum=1.0, start=1e-3), description="bounds and start of E in m2 s-2"
    )
    length: float | None = pydantic.Field(
        None, gt=0, description="mixing length l in m; null: baroclinic_speed / |f| between 15 and 100 km"
    )
    baroclinic_speed: float = pydantic.Field(2.0, gt=0, description="speed of the first baroclinic wave in m s-1")
    efficiency: float = pydantic.Field(0.5, gt=0, description="mixing efficiency c at the start, no unit")
    redi_ratio: float | None = pydantic.Field(
        1.0,
        ge=0,
        description="diffusivity along neutral surfaces in parts of that of the transport, no unit; null: none",
    )
    vertical_structure: bool = pydantic.Field(
        False, description="the network also gives a factor between 0 and 2 for every face, 1 at the start; no unit"
    )
    slope_max: float = pydantic.Field(0.01, gt=0, le=0.5, description="slope at which the taper is one half, no unit")
    slope_width: float = pydantic.Field(0.002, gt=0, le=0.1, description="width of the taper in slope, no unit")
    steep_slopes: Literal["horizontal_diffusion", "none"] = pydantic.Field(
        "horizontal_diffusion", description="what isoneutral diffusion turns into where it is tapered; no unit"
    )
    surface_taper: SurfaceTaperConfig | None = pydantic.Field(
        None, description="taper near the surface, speed in m s-1; null: none"
    )

    def build(self, grid: Grid, dtype, random: RandomInputs | None = None) -> NeuralMesoscale:
        return NeuralMesoscale(self, grid, dtype, random)


class NeuralMesoscale(Learned):
    """See `NeuralMesoscaleConfig`.

    Attributes:
      eddies: the classical scheme for a diffusivity of one; its coefficients are c and c times the ratio.
    """

    def __init__(self, config: NeuralMesoscaleConfig, grid: Grid, dtype, random: RandomInputs | None = None):
        blocks = [Block("scalar", 1)] + [Block("scalar", grid.shape[0] - 1)] * config.vertical_structure
        super().__init__(config, grid, dtype, blocks, random)
        _set_bias(self.tower, blocks, [config.energy.bias, 0.0][: len(blocks)])
        self.energy, self.length, self.baroclinic_speed = config.energy, config.length, config.baroclinic_speed
        ratio = config.redi_ratio
        scheme = GentMcWilliamsRediConfig(
            diffusivity=config.efficiency,
            isoneutral_diffusivity=None if ratio is None else ratio * config.efficiency,
            slope_max=config.slope_max,
            slope_width=config.slope_width,
            steep_slopes=config.steep_slopes,
            surface_taper=config.surface_taper,
        )
        self.eddies: GentMcWilliamsRedi = scheme.build(grid, dtype)

    def mixing_length(self, columns: Columns) -> Field:
        """l at T/s in m."""
        if self.length is not None:
            return columns.static.surface_mask_t * self.length
        near, far = ROSSBY_RADIUS_RANGE
        # |f| is bounded first: no division by zero at the equator
        return columns.static.coriolis_t.map(
            lambda f: jnp.clip(self.baroclinic_speed / jnp.maximum(jnp.abs(f), 1e-8), near, far)
        )

    def __call__(self, columns: Columns, memory: Any, key) -> tuple[Effects, Any]:
        (raw, *structure), memory = self.evaluate(columns, memory, key)
        speed = jnp.sqrt(2.0 * self.energy.value(raw[0]))
        mixing = surrounded(columns, speed, "s", 2) * self.mixing_length(columns)  # m2 s-1
        profile = surrounded(columns, _profile(structure[0]), "w", 2) if structure else None
        return _scaled(self.eddies.effects(columns), mixing, profile), memory


def _profile(raw: jax.Array) -> jax.Array:
    """Factor in (0, 2) at the upper faces, of which the uppermost does not count, (nz, y, x)."""
    factor = 2.0 * jax.nn.sigmoid(raw)
    return jnp.concatenate([jnp.ones_like(factor[:1]), factor])


def _at_centres(factor: Field) -> Field:
    """Mean of the upper and the lower face; the lowest cell takes its upper face, the uppermost its lower one."""

    def mean(a):
        a = jnp.concatenate([a[1:2], a[1:]])
        return 0.5 * (a + jnp.concatenate([a[1:], a[-1:]]))

    return factor.map(mean).at(level="c")


def _scaled(effects: Effects, mixing: Field, profile: Field | None) -> Effects:
    """Transport and rotated diffusion times the diffusivity at their places."""
    at_faces = mixing if profile is None else profile * mixing
    at_centres = mixing if profile is None else _at_centres(profile) * mixing
    streamfunction, rotated = effects.eddy_streamfunction, effects.isoneutral_diffusion
    kappa_u, kappa_v = at_faces.mean_x(), at_faces.mean_y()
    if streamfunction is not None:
        streamfunction = streamfunction[0] * kappa_u, streamfunction[1] * kappa_v
    if rotated is not None:
        k_u, k_v, ks_u, ks_v, ks_squared = rotated
        along = at_centres.mean_x(), at_centres.mean_y()
        rotated = k_u * along[0], k_v * along[1], ks_u * kappa_u, ks_v * kappa_v, ks_squared * at_faces
    return Effects(eddy_streamfunction=streamfunction, isoneutral_diffusion=rotated)


class NeuralBackscatterConfig(LearnedConfig):
    """Harmonic viscosity between a negative and a positive bound, with a biharmonic one that keeps it stable.

    viscosity = minimum + (maximum - minimum) sigmoid(network); the companion is `companion` |minimum| Delta^2, m4 s-1.
    Waves whose squared wavenumber is above 1 / (companion Delta^2) lose energy whatever the network says (Jansen and
    Held 2014): below companion = 1/8 that is none on the grid.
    """

    kind: Literal["neural_backscatter"] = "neural_backscatter"
    features: tuple[str, ...] = pydantic.Field(
        ("velocity", "vorticity", "strain", "sea_surface_height", "coriolis", "column_depth", "mask"),
        description="names of the inputs; no unit",
    )
    minimum: float = pydantic.Field(-1.0e3, lt=0, description="strongest backscatter, viscosity in m2 s-1")
    maximum: float = pydantic.Field(1.0e3, gt=0, description="strongest friction, viscosity in m2 s-1")
    start: float = pydantic.Field(0.0, description="viscosity before training in m2 s-1")
    companion: float = pydantic.Field(0.5, ge=0.125, description="strength of the biharmonic companion, no unit")

    @pydantic.model_validator(mode="after")
    def _ordered(self):
        if not self.minimum < self.start < self.maximum:
            raise ValueError(
                f"start = {self.start:g} m2 s-1; expected a value between {self.minimum:g} and {self.maximum:g}"
            )
        return self

    def build(self, grid: Grid, dtype, random: RandomInputs | None = None) -> NeuralBackscatter:
        return NeuralBackscatter(self, grid, dtype, random)


class NeuralBackscatter(Learned):
    """See `NeuralBackscatterConfig`."""

    def __init__(self, config: NeuralBackscatterConfig, grid: Grid, dtype, random: RandomInputs | None = None):
        blocks = [Block("scalar", grid.shape[0])]
        super().__init__(config, grid, dtype, blocks, random)
        self.minimum, self.range = config.minimum, config.maximum - config.minimum
        _set_bias(self.tower, blocks, [_logit((config.start - config.minimum) / self.range)])
        self.companion = nnx.Param(jnp.asarray(config.companion, dtype))

    def __call__(self, columns: Columns, memory: Any, key) -> tuple[Effects, Any]:
        (raw,), memory = self.evaluate(columns, memory, key)
        static = columns.static
        viscosity = surrounded(columns, self.minimum + self.range * jax.nn.sigmoid(raw), "c", 2) * static.mask_t
        strongest = self.companion[...] * -self.minimum
        biharmonic = tuple(spacing_squared(static, place) * strongest for place in "TF")
        corners = viscosity.mean_x().mean_y() * static.mask_f
        return Effects(harmonic_viscosity=(viscosity, corners), biharmonic_viscosity=biharmonic), memory
