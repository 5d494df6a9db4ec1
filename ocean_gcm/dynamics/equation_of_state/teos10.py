"""TEOS-10 seawater density as the 55-term Boussinesq polynomial.

Roquet, Madec, McDougall and Barker (2015), Accurate polynomial expressions for the density and specific volume of
seawater using the TEOS-10 standard, Ocean Modelling 90, 29-43: density is r0(z) + r'(CT, SA, z), with
s = sqrt((SA + 32 g/kg) / (40 * 35.16504 / 35 g/kg)), t = CT / 40 degC and z = depth / 10 km (the depth in m stands for
the pressure in dbar).

The published polynomial in s has coefficients of order 1000 that cancel, which costs float32 most of its digits.  Here
it is expanded exactly around a reference (CT0, SA0) typical of the deep ocean: the purely depth-dependent part drops
out as the constant term, and rounding errors become relative to the anomaly.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math

import jax
import jax.numpy as jnp

SALINITY_SCALE = 40.0 * 35.16504 / 35.0  # g kg-1
SALINITY_OFFSET = 32.0  # g kg-1, keeps the square root away from zero
TEMPERATURE_SCALE = 40.0  # K
DEPTH_SCALE = 1.0e4  # m

# r0(z) = sum R0[k] z**(k + 1), kg m-3
REFERENCE_PROFILE = (
    4.6494977072e01,
    -5.2099962525e00,
    2.2601900708e-01,
    6.4326772569e-02,
    1.5616995503e-02,
    -1.7243708991e-03,
)

# r' = sum ANOMALY[k][j][i] s**i t**j z**k, kg m-3
ANOMALY = (
    (
        (
            8.0189615746e02,
            8.6672408165e02,
            -1.7864682637e03,
            2.0375295546e03,
            -1.2849161071e03,
            4.3227585684e02,
            -6.0579916612e01,
        ),
        (
            2.6010145068e01,
            -6.5281885265e01,
            8.1770425108e01,
            -5.6888046321e01,
            1.7681814114e01,
            -1.9193502195e00,
        ),
        (-3.7074170417e01, 6.1548258127e01, -6.0362551501e01, 2.9130021253e01, -5.4723692739e00),
        (2.1661789529e01, -3.3449108469e01, 1.9717078466e01, -3.1742946532e00),
        (-8.3627885467e00, 1.1311538584e01, -5.3563304045e00),
        (5.4048723791e-01, 4.8169980163e-01),
        (-1.9083568888e-01,),
    ),
    (
        (1.9681925209e01, -4.2549998214e01, 5.0774768218e01, -3.0938076334e01, 6.6051753097e00),
        (-1.3336301113e01, -4.4870114575e00, 5.0042598061e00, -6.5399043664e-01),
        (6.7080479603e00, 3.5063081279e00, -1.8795372996e00),
        (-2.4649669534e00, -5.5077101279e-01),
        (5.5927935970e-01,),
    ),
    (
        (2.0660924175e00, -4.9527603989e00, 2.5019633244e00),
        (2.0564311499e00, -2.1311365518e-01),
        (-1.2419983026e00,),
    ),
    (
        (-2.3342758797e-02, -1.8507636718e-02),
        (3.7969820455e-01,),
    ),
)

Polynomial = dict[tuple[int, int, int], float]  # coefficient of s**i t**j z**k by (i, j, k)


def _expanded_around(s0: float, t0: float) -> Polynomial:
    """r' as a polynomial in (s - s0, t - t0, z)."""
    shifted: Polynomial = {}
    for k, rows in enumerate(ANOMALY):
        for j, row in enumerate(rows):
            for i, value in enumerate(row):
                for p in range(i + 1):
                    for q in range(j + 1):
                        part = value * math.comb(i, p) * s0 ** (i - p) * math.comb(j, q) * t0 ** (j - q)
                        shifted[p, q, k] = shifted.get((p, q, k), 0.0) + part
    return shifted


def _evaluate(polynomial: Polynomial, s: jax.Array, t: jax.Array, z: jax.Array) -> jax.Array:
    """Nested Horner, depth innermost: where z varies by level only, its part costs nothing per cell."""
    result = None
    for j in range(max(q for _, q, _ in polynomial), -1, -1):
        row = None
        for i in range(max(p for p, q, _ in polynomial if q == j), -1, -1):
            in_depth = [polynomial.get((i, j, k), 0.0) for k in range(4)]
            while len(in_depth) > 1 and in_depth[-1] == 0.0:
                in_depth.pop()
            coefficient = in_depth[-1]
            for value in in_depth[-2::-1]:
                coefficient = coefficient * z + value
            row = coefficient if row is None else row * s + coefficient
        result = row if result is None else result * t + row
    return result


@dataclasses.dataclass(frozen=True)
class TEOS10:
    """Density from Conservative Temperature (degC) and Absolute Salinity (g kg-1).

    Attributes:
      reference_temperature, reference_salinity: where the density anomaly is zero at all depths.
    """

    reference_temperature: float = 2.0
    reference_salinity: float = 34.9

    def density_anomaly(self, temperature: jax.Array, salinity: jax.Array, depth: jax.Array | float) -> jax.Array:
        """Density minus that of the reference temperature and salinity at the same depth, kg m-3.

        Arguments broadcast against each other; depth in m, positive down.  What is left out depends on depth alone and
        so has no influence on the flow of a Boussinesq ocean.
        """
        anomaly, _, _ = self._polynomials
        return _evaluate(anomaly, *self._reduced(temperature, salinity, depth)[:3])

    def density(self, temperature: jax.Array, salinity: jax.Array, depth: jax.Array | float) -> jax.Array:
        """In-situ density in kg m-3."""
        z = jnp.asarray(depth, jnp.result_type(temperature, salinity)) / DEPTH_SCALE
        reference = 0.0
        for own, profile in reversed(
            list(itertools.zip_longest(self._reference_column, (0.0, *REFERENCE_PROFILE), fillvalue=0.0))
        ):
            reference = reference * z + (own + profile)
        return reference + self.density_anomaly(temperature, salinity, depth)

    def expansion(
        self, temperature: jax.Array, salinity: jax.Array, depth: jax.Array | float
    ) -> tuple[jax.Array, jax.Array]:
        """(d rho/dCT in kg m-3 K-1, d rho/dSA in kg m-3 (g kg-1)-1); arguments as for `density_anomaly`."""
        s, t, z, root = self._reduced(temperature, salinity, depth)
        _, by_t, by_s = self._polynomials
        # ds/dSA = 1 / (2 scale s)
        return _evaluate(by_t, s, t, z) / TEMPERATURE_SCALE, _evaluate(by_s, s, t, z) / (2 * SALINITY_SCALE * root)

    def _reduced(self, temperature, salinity, depth):
        """(s - s0, t - t0, z, s)."""
        z = jnp.asarray(depth, jnp.result_type(temperature, salinity)) / DEPTH_SCALE
        root = jnp.sqrt((salinity + SALINITY_OFFSET) / SALINITY_SCALE)
        # the difference of two square roots, written without cancellation
        s = (salinity - self.reference_salinity) / (SALINITY_SCALE * (root + self._root0))
        t = (temperature - self.reference_temperature) / TEMPERATURE_SCALE
        return s, t, z, root

    @property
    def _root0(self) -> float:
        return math.sqrt((self.reference_salinity + SALINITY_OFFSET) / SALINITY_SCALE)

    @functools.cached_property
    def _reference_column(self) -> tuple[float, ...]:
        """r'(CT0, SA0, z) as a polynomial in z."""
        shifted = _expanded_around(self._root0, self.reference_temperature / TEMPERATURE_SCALE)
        return tuple(shifted[0, 0, k] for k in range(4))

    @functools.cached_property
    def _polynomials(self) -> tuple[Polynomial, Polynomial, Polynomial]:
        """The anomaly and its derivatives by t and s, around the reference."""
        anomaly = _expanded_around(self._root0, self.reference_temperature / TEMPERATURE_SCALE)
        anomaly = {key: value for key, value in anomaly.items() if key[:2] != (0, 0)}
        by_t = {(i, j - 1, k): j * value for (i, j, k), value in anomaly.items() if j}
        by_s = {(i - 1, j, k): i * value for (i, j, k), value in anomaly.items() if i}
        return anomaly, by_t, by_s
