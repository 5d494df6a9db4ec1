r"""Layers and how they are coupled.

The stretching matrix S of N layers of thickness H_i with reduced gravities g'_i at the interfaces (Vallis 2017, 5.3):

    (S psi)_i = f0^2/H_i [ (psi_{i-1} - psi_i)/g'_{i-1} - (psi_i - psi_{i+1})/g'_i ],

without the terms of interfaces that do not exist: a rigid lid above, the sea floor below.
"""

from __future__ import annotations

import numpy as np
import pydantic

from ocean_gcm.errors import UserError
from ocean_gcm.section import Section


class LayersConfig(Section):
    """Thickness of the layers from the surface down, and one of three ways to say what separates them."""

    thickness: tuple[pydantic.PositiveFloat, ...] = pydantic.Field(
        (1000.0,), min_length=1, max_length=100, description="thickness of each layer in m, from the surface down"
    )
    reduced_gravity: tuple[pydantic.PositiveFloat, ...] | None = pydantic.Field(
        None, description="g' of each interface in m s-2, from the uppermost down"
    )
    buoyancy_frequency: tuple[pydantic.PositiveFloat, ...] | None = pydantic.Field(
        None, description="N at each interface in s-1: g' is N^2 times the distance of the layers' centres"
    )
    deformation_radius: float | None = pydantic.Field(
        None,
        gt=0,
        description="of two layers (f0^2 (1/H1 + 1/H2)/g')^(-1/2), of one layer that of its free surface, in m",
    )

    @pydantic.model_validator(mode="after")
    def _one_way(self):
        number = len(self.thickness)
        given = [
            key
            for key in ("reduced_gravity", "buoyancy_frequency", "deformation_radius")
            if getattr(self, key) is not None
        ]
        if len(given) > 1 or (number > 1 and not given):
            found = " and ".join(given) or "none"
            raise UserError(
                f"dynamics.layers of {number} layers has {found}; expected one of reduced_gravity, "
                "buoyancy_frequency and deformation_radius"
            )
        if self.deformation_radius is not None and number > 2:
            raise UserError(
                f"dynamics.layers.deformation_radius with {number} layers; expected reduced_gravity or "
                "buoyancy_frequency of each interface"
            )
        for key in ("reduced_gravity", "buoyancy_frequency"):
            values = getattr(self, key)
            if values is not None and len(values) != number - 1:
                raise UserError(
                    f"dynamics.layers.{key} has {len(values)} values; expected {number - 1}, one of each interface"
                )
        return self


def stretching_matrix(layers: LayersConfig, f0: float) -> np.ndarray:
    """(N, N) matrix S in m-2; zero for one layer under a rigid lid.  Raises UserError without rotation."""
    thickness = np.asarray(layers.thickness)
    number = len(thickness)
    if number == 1:
        radius = layers.deformation_radius
        return np.zeros((1, 1)) if radius is None else np.array([[-1.0 / radius**2]])
    if layers.deformation_radius is not None:
        # f0^2/g' from 1/L_d^2 = f0^2/g' (1/H1 + 1/H2)
        coupling = np.array([1.0 / (layers.deformation_radius**2 * np.sum(1.0 / thickness))])
    else:
        if f0 == 0:
            raise UserError("dynamics.f0 is 0; expected a Coriolis parameter, without which layers do not couple")
        if layers.buoyancy_frequency is not None:
            distance = 0.5 * (thickness[1:] + thickness[:-1])
            gravity = np.asarray(layers.buoyancy_frequency) ** 2 * distance
        else:
            gravity = np.asarray(layers.reduced_gravity)
        coupling = f0**2 / gravity
    matrix = np.zeros((number, number))
    for above, c in enumerate(coupling):
        below = above + 1
        for i, j in ((above, below), (below, above)):
            matrix[i, j] += c / thickness[i]
            matrix[i, i] -= c / thickness[i]
    return matrix


def deformation_radii(matrix: np.ndarray) -> np.ndarray:
    """(N,) of the vertical modes in m, longest first; infinite for the barotropic one under a rigid lid."""
    eigenvalues = np.sort(-np.linalg.eigvals(matrix).real)
    scale = max(eigenvalues[-1], 0.0)
    return np.array([np.inf if e <= 1e-12 * scale or e <= 0 else e**-0.5 for e in eigenvalues])


def pv_gradient(matrix: np.ndarray, flow: np.ndarray, beta: float) -> np.ndarray:
    """(N,) meridional gradient of the background's potential vorticity, Q_y = beta - S U, in m-1 s-1."""
    return beta - matrix @ flow
