r"""A network's source of potential vorticity.

Whatever the network is, the source keeps what its `output` says: the mean of potential vorticity (`source` without its
mean; `flux`, -div F with F = (-G_y, G_x) of a force G, which turns like a vector) or momentum too (`stress`, the curl
of the divergence of a symmetric tensor, see `ocean_gcm.closures.layers.stress`).  The constraints and the symmetries
are those of Frezat et al. (2021, doi:10.1103/PhysRevFluids.6.024607).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pydantic
from flax import nnx

from ocean_gcm.closures.interface import Effects, LayerColumns
from ocean_gcm.closures.layers import features as inputs
from ocean_gcm.closures.layers.network import ConvolutionConfig, LayersNetworkConfig
from ocean_gcm.closures.layers.stress import curl_of_divergence
from ocean_gcm.closures.neural.features import Block, Kind, require_features
from ocean_gcm.closures.neural.learned import soft_clip
from ocean_gcm.closures.neural.normalisation import Statistic
from ocean_gcm.closures.neural.symmetry import GROUPS, Symmetry, averaged
from ocean_gcm.data.paths import expand
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section
from ocean_gcm.stochastic.periodic_fields import PeriodicFields, PeriodicFieldsConfig
from ocean_gcm.validation import suggestion

OUTPUTS: dict[str, Kind] = {"source": "pseudoscalar", "flux": "vector", "stress": "tensor"}
SOURCE = "source"
"""Name of the scale of the output in a file of statistics, s-2."""

TINY = 1e-36
"""Added to mean squares, in the square of any unit: keeps roots differentiable at rest."""


class NeuralSourceConfig(Section):
    """A network's source of potential vorticity; zero before training."""

    kind: Literal["neural_source"] = "neural_source"
    features: tuple[str, ...] = pydantic.Field(
        ("potential_vorticity",),
        description="names of the inputs: potential_vorticity, vorticity, streamfunction, "
        "velocity, deformation, vortex_force, advection; no unit",
    )
    output: Literal["source", "flux", "stress"] = pydantic.Field(
        "source",
        description="source: as such; flux: the network gives a flux of potential vorticity, so that its mean stays; "
        "stress: a symmetric tensor, so that momentum stays too; no unit",
    )
    zero_mean: bool = pydantic.Field(True, description="take the mean over the box from an output source; no unit")
    network: LayersNetworkConfig = pydantic.Field(ConvolutionConfig(), description="the network; no unit")
    symmetry: Symmetry = pydantic.Field(
        "none",
        description="none, reflections (in x and y, 4 times the cost) or square (also quarter turns of a square box, 8 "
        "times): what the closure commutes with exactly; no unit",
    )
    random: PeriodicFieldsConfig | None = pydantic.Field(
        None,
        description="random fields that the network sees too, with layers: each others for each layer; null: none; no "
        "unit",
    )
    layers: Literal["together", "each"] = pydantic.Field(
        "together",
        description="together: one network sees and gives all layers; each: the same network sees and gives one layer, "
        "since advection, and so what is not resolved of it, does not mix layers; no unit",
    )
    normalisation: Literal["flow", "product", "statistics"] = pydantic.Field(
        "flow",
        description="flow: inputs over their own root mean square in each layer at the moment, the source in squares "
        "of that of potential vorticity; product: the same, the source in the product of those of vorticity and "
        "potential vorticity, as advection has it; statistics: fixed scales; no unit",
    )
    statistics: str | None = pydantic.Field(
        None,
        description="JSON file of ocean-gcm statistics, or with the keys scale (by feature) and output_scale "
        "(source, s-2), for normalisation: statistics; no unit",
    )
    size: float = pydantic.Field(0.1, gt=0, description="the source for an output of one in its scale (1)")
    clip: float = pydantic.Field(20.0, gt=0, description="bound of the network's outputs (1)")

    @pydantic.field_validator("features")
    @classmethod
    def _known(cls, names):
        require_features(names, inputs.FEATURES)
        return names

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if self.statistics is not None and self.normalisation != "statistics":
            raise UserError("statistics is given; expected normalisation: statistics with it")
        return self

    def build(self, grid: PeriodicGrid, dtype) -> NeuralSource:
        return NeuralSource(self, grid, dtype)


class NeuralSource(nnx.Module):
    """See `NeuralSourceConfig`.

    Attributes:
      network: what is trained.
      scale, output_scale: (nz,) by feature and (nz,) of the source, s-2; None where the flow itself is the scale.
      random: `PeriodicFields` or None; their memory is the closure's.
    """

    def __init__(self, config: NeuralSourceConfig, grid: PeriodicGrid, dtype):
        if config.symmetry == "square" and (grid.shape[1] != grid.shape[2] or grid.lengths[0] != grid.lengths[1]):
            raise UserError("symmetry is 'square', which only a square box has; expected 'none' or 'reflections'")
        nz = grid.shape[0]
        self.config = config
        together = config.layers == "together"
        # what acts on each layer by itself has random fields of its own
        sets = 1 if together else nz
        self.random = None if config.random is None else PeriodicFields(config.random, grid, dtype, sets)
        number = 0 if config.random is None else config.random.number
        levels = nz if together else 1
        self.input_blocks = inputs.blocks(config.features, levels, number)
        self.output_blocks = (Block(OUTPUTS[config.output], levels),)
        channels = [sum(b.channels for b in blocks) for blocks in (self.input_blocks, self.output_blocks)]
        self.network = config.network.build(*channels, grid.shape[1:], dtype)
        self.length = float(np.sqrt(np.prod(grid.spacing)))
        if config.normalisation == "statistics":
            scale, output = _read(config.statistics, config.features, nz)
            self.scale = nnx.Dict({name: Statistic(jnp.asarray(x, dtype)) for name, x in scale.items()})
            self.output_scale = Statistic(jnp.asarray(output, dtype))
        else:
            self.scale = self.output_scale = None

    def initial_memory(self, shape: tuple[int, int, int], dtype, key: jax.Array) -> Any:
        return () if self.random is None else self.random.initial(key)

    def redraw(self, memory: Any, key: jax.Array) -> Any:
        return () if self.random is None else self.random.initial(key)

    def __call__(self, columns: LayerColumns, memory: Any, key: jax.Array) -> tuple[Effects, Any]:
        values = [part for name in self.config.features for part in self._normalised(columns, name)]
        each = self.config.layers == "each"
        seen = jnp.stack(values) if each else jnp.concatenate(values)
        if self.random is not None:
            memory, fields = self.random.step(memory, key, columns.interval)
            if each:
                fields = fields.reshape(-1, seen.shape[1], *fields.shape[1:])
            seen = jnp.concatenate([seen, fields])
        if each:
            of_a_layer = jax.vmap(self._outputs, 1, 1)(seen)
            result = of_a_layer.reshape(-1, *of_a_layer.shape[2:])
        else:
            result = self._outputs(seen)
        return Effects(potential_vorticity_source=self._source(columns, soft_clip(result, self.config.clip))), memory

    def _outputs(self, channels: jax.Array) -> jax.Array:
        """(channels, ny, nx) of (channels, ny, nx)."""
        group = GROUPS[self.config.symmetry]
        network = averaged(lambda x, _: self.network(x), group, self.input_blocks, self.output_blocks)
        values = jnp.moveaxis(channels, 0, -1)
        return jnp.moveaxis(network(values, values[..., 0]), -1, 0)

    def _normalised(self, columns: LayerColumns, name: str) -> list[jax.Array]:
        fields = inputs.FEATURES[name].fields(columns)
        if self.scale is not None:
            scale = self.scale[name][...][:, None, None]
        else:
            scale = root_mean_square(*fields)
        return [field / scale for field in fields]

    def _source(self, columns: LayerColumns, result: jax.Array) -> jax.Array:
        """(nz, ny, nx) in s-2 of the network's outputs (channels, ny, nx)."""
        if self.output_scale is not None:
            unit = self.output_scale[...][:, None, None]
        else:
            unit = root_mean_square(columns.potential_vorticity)
            product = self.config.normalisation == "product"
            unit = unit * (root_mean_square(columns.vorticity) if product else unit)
        unit = self.config.size * unit
        if self.config.output == "source":
            source = unit * result
            return source - source.mean((-2, -1), keepdims=True) if self.config.zero_mean else source
        first, second = jnp.split(result, 2)
        if self.config.output == "stress":
            unit = unit * self.length**2
            return curl_of_divergence(columns, unit * first, unit * second)
        unit = unit * self.length
        force_x, force_y = columns.grid.to_spectral(jnp.stack([unit * first, unit * second])) * columns.resolved
        return columns.grid.to_physical(1j * (columns.k * force_y - columns.l * force_x))


def root_mean_square(*fields: jax.Array) -> jax.Array:
    """(nz, 1, 1) of the components (nz, ny, nx) of a field."""
    return jnp.sqrt(sum((field**2).mean((-2, -1), keepdims=True) for field in fields) / len(fields) + TINY)


def _read(path: str | None, names: tuple[str, ...], nz: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Scales by feature and of the source, (nz,) each; ones without a file, for a model whose variables follow."""
    if path is None:
        return {name: np.ones(nz) for name in names}, np.ones(nz)
    file = Path(expand(path))
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"the statistics {file} cannot be read as JSON: {error}") from None
    tree = tree.get("network", tree) if isinstance(tree, Mapping) else {}
    found = {}
    for part, wanted in (("scale", names), ("output_scale", (SOURCE,))):
        given = tree.get(part) if isinstance(tree.get(part), Mapping) else {}
        for name in wanted:
            if name not in given:
                raise UserError(f"the statistics {file} have no {part}.{name}; {suggestion(name, given)}")
            numbers = np.asarray(given[name], float)
            if numbers.shape not in ((), (nz,)) or not (numbers > 0).all() or not np.isfinite(numbers).all():
                raise UserError(
                    f"the statistics {file} have {part}.{name} = {given[name]}; expected one positive number, or {nz}"
                )
            found[part, name] = np.broadcast_to(numbers, (nz,))
    return {name: found["scale", name] for name in names}, found["output_scale", SOURCE]
