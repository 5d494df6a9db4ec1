r"""How near the statistics of a coarse model of layers are to those of a fine one (Ross et al. 2023).

Distances between two models are, for each layer, the Wasserstein distances between the distributions of potential
vorticity q, velocity u and v, u^2 + v^2 and squared relative vorticity, and the root mean square differences of the
spectra of kinetic energy and enstrophy; and those of the spectral terms of energy of all layers.  With two layers
they are 18.
The similarity of a model to a target, given a model without closures,

    1 - d(model, target) / d(without, target),

is 1 where the model cannot be told from the target, and negative where the closure makes it worse.

Source: Ross et al. (2023), doi:10.1029/2022MS003258.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import wasserstein_distance

from ocean_gcm.dynamics.spectral import inversion
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.metrics import isotropic
from ocean_gcm.metrics.layers_budget import energy_budget
from ocean_gcm.state import Layers

_TERMS = {
    "kinetic_transfer": "closures_kinetic",
    "potential_transfer": "closures_potential",
    "generation": None,
    "friction": None,
}


@dataclasses.dataclass(frozen=True)
class Statistics:
    """What is compared of a model.

    Attributes:
      samples: values by name and layer, such as "q1" (n,).
      spectra: means over time by name, (rings,); kinetic energy and enstrophy by layer.
    """

    samples: Mapping[str, np.ndarray]
    spectra: Mapping[str, np.ndarray]


def layers_statistics(
    core: QuasiGeostrophy, q: np.ndarray, source: np.ndarray | None = None, last: int = 10, stride: int = 1
) -> Statistics:
    """Of potential vorticity (time, nz, ny, nx) and the sources of closures in these states (or None).

    Distributions are those of the `last` records, at every `stride`-th point of each side; spectra means over all.
    """
    q = jnp.asarray(q)
    static = core.static(core.arrays(q.dtype))
    samples: dict[str, np.ndarray] = {}
    for name, values in _quantities(core, static, q[-last:]).items():
        for layer in range(q.shape[1]):
            samples[f"{name}{layer + 1}"] = np.asarray(values[:, layer, ::stride, ::stride]).ravel()
    source = None if source is None else jnp.asarray(source)
    found = _spectra(core, static, (q, source))
    spectra: dict[str, np.ndarray] = {}
    for name, values in found.items():
        mean = np.asarray(values).mean(0)
        if mean.ndim == 1:
            spectra[name] = mean
        else:
            spectra.update({f"{name}{layer + 1}": each for layer, each in enumerate(mean)})
    return Statistics(samples, spectra)


@functools.partial(jax.jit, static_argnums=0)
def _quantities(core: QuasiGeostrophy, static, q: jax.Array) -> dict[str, jax.Array]:
    def one(q: jax.Array) -> dict[str, jax.Array]:
        prepared = core.prepare(static, Layers(q))
        u, v = prepared.u + static.flow, prepared.v
        vorticity = core.grid.to_physical(-(static.k**2 + static.l**2) * prepared.psi_hat)
        return {"q": q, "u": u, "v": v, "kinetic_energy": u**2 + v**2, "enstrophy": vorticity**2}

    return jax.lax.map(one, q)


@functools.partial(jax.jit, static_argnums=0)
def _spectra(core: QuasiGeostrophy, static, fields: tuple[jax.Array, jax.Array | None]) -> dict[str, jax.Array]:
    return jax.lax.map(lambda each: _spectra_of_one(core, static, *each), fields)


def _spectra_of_one(core: QuasiGeostrophy, static, q: jax.Array, source: jax.Array | None) -> dict[str, jax.Array]:
    psi_hat = inversion.apply_layers(static.inversion, core.grid.to_spectral(q))
    psi = core.grid.to_physical(psi_hat)
    terms = energy_budget(core, q, source)
    found = {
        "kinetic_energy_spectrum": isotropic.kinetic_energy_spectrum(core.grid, psi),
        "enstrophy_spectrum": isotropic.enstrophy_spectrum(core.grid, q),
    }
    for name, closures in _TERMS.items():
        if name in terms:
            found[name] = terms[name] + (terms[closures] if closures in terms else 0.0)
    return found


def distances(first: Statistics, second: Statistics, rings: int) -> dict[str, float]:
    """By name: Wasserstein distances of samples, root mean square differences of the first `rings` rings of spectra."""
    found = {name: float(wasserstein_distance(first.samples[name], second.samples[name])) for name in first.samples}
    for name, spectrum in first.spectra.items():
        found[name] = spectrum_distance(spectrum, second.spectra[name], rings)
    return found


def spectrum_distance(first: np.ndarray, second: np.ndarray, rings: int) -> float:
    """Root mean square difference of the first `rings` rings."""
    return float(np.sqrt(np.mean((first[:rings] - second[:rings]) ** 2)))


def similarities(model: Statistics, target: Statistics, without: Statistics, rings: int) -> dict[str, float]:
    """Similarity by name of what is compared; what both models have as the target (distance zero) is left out.

    rings: how many rings of spectra count, those below two thirds of the highest wavenumber in the paper.
    """
    near, far = distances(model, target, rings), distances(without, target, rings)
    return {name: 1.0 - near[name] / far[name] for name in near if far[name] > 0.0}
