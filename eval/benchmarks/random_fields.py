"""Generators of random fields on the masked sphere: what a step costs, and how wrong their correlations are.

    python -m eval.benchmarks.random_fields configs/global_4deg.yaml --length 1e6

Each generator turns white numbers into a smooth field; all are then divided by their exact standard deviation, so that
the variance is one.  The reference for the correlations is the heat kernel of the wet surface.  One JSON line per
generator: microseconds of processor time per step and field (first-order autoregressive process included) for one
and for four fields in the same step, and the largest error of any correlation between two wet cells.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np

from eval.benchmarks.machine import use_threads


def spectrum(grid):
    """(eigenvalues, eigenvectors) of the Laplacian of the wet cells, and their indices."""
    from ocean_gcm.stochastic.variance import surface_laplacian

    cells = np.flatnonzero(grid.wet)
    return *np.linalg.eigh(surface_laplacian(grid)[cells][:, cells].toarray()), cells


def spherical_harmonics(grid, length):
    """(cells, modes) real harmonics times the root of a Gaussian spectrum; correlations go through land."""
    from scipy.special import gammaln, lpmv

    radius = float(grid.geometry.dy["T"][0, 0] / np.radians(np.diff(grid.geometry.y["T"][:2, 0])[0]))
    lon, sine = np.radians(grid.geometry.x["T"]), np.sin(np.radians(grid.geometry.y["T"]))
    degrees = range(int(np.ceil(3.0 * radius / length)) + 1)
    modes = []
    for degree in degrees:
        size = np.exp(-(length**2) / 4 * degree * (degree + 1) / radius**2)
        for order in range(degree + 1):
            norm = np.exp(0.5 * (gammaln(degree - order + 1) - gammaln(degree + order + 1)))
            y = size * np.sqrt((2 * degree + 1) * (2 if order else 1)) * norm * lpmv(order, degree, sine)
            modes += [y * np.cos(order * lon)] + ([y * np.sin(order * lon)] if order else [])
    return np.stack([mode.ravel() for mode in modes], 1)


def line_inverses(grid, length, repeats):
    """Inverses of 1 + (t / repeats) A_x for every row and of 1 + (t / repeats) A_y for every column."""
    geometry, (ny, nx) = grid.geometry, grid.wet.shape
    share = length**2 / 4 / repeats
    x, y = np.tile(np.eye(nx), (ny, 1, 1)), np.tile(np.eye(ny), (nx, 1, 1))
    g = share * geometry.dy["U"] / geometry.dx["U"] * grid.mask_u[0], share * geometry.dx["V"] / geometry.dy["V"]
    area, g = geometry.area["T"], (g[0], g[1] * grid.mask_v[0])
    for i in range(nx):
        e = (i + 1) % nx
        for here, there in ((i, e), (e, i)):
            x[:, here, here] += g[0][:, i] / area[:, here]
            x[:, here, there] -= g[0][:, i] / area[:, here]
    for j in range(ny - 1):
        for here, there in ((j, j + 1), (j + 1, j)):
            y[:, here, here] += g[1][j] / area[here]
            y[:, here, there] -= g[1][j] / area[here]
    return np.linalg.inv(x), np.linalg.inv(y)


def generators(grid, arrays, length):
    """name -> (number of white numbers, function of (n, numbers) that gives (n, ny nx))."""
    import jax
    import jax.numpy as jnp

    from ocean_gcm.grid.metrics import padded
    from ocean_gcm.stochastic.diffusion import Diffusion, euler_step, sufficient_degree
    from ocean_gcm.stochastic.variance import largest_eigenvalue, surface_laplacian

    ny, nx = grid.wet.shape
    bound = largest_eigenvalue(surface_laplacian(grid))
    chebyshev = Diffusion(bound, sufficient_degree(length, bound))
    static = padded(arrays, grid.topology, 3)
    root_area = jnp.sqrt(arrays["area_t"])
    sheet = lambda w: w.reshape(-1, ny, nx)  # noqa: E731
    steps = int(np.ceil(length**2 / 4 * bound))  # no wave changes its sign

    def explicit(w):
        step = euler_step(static, (ny, nx), length**2 / 4 / steps)
        return jax.lax.scan(lambda q, _: (step(q), None), sheet(w) / root_area, None, length=steps)[0] * root_area

    def by_direction(repeats):
        x, y = (jnp.asarray(a, jnp.float32) for a in line_inverses(grid, length, repeats))

        def apply(w):
            q = sheet(w) / root_area
            for _ in range(repeats):
                q = jnp.einsum("xyj,njx->nyx", y, jnp.einsum("yxi,nyi->nyx", x, q))
            return q * root_area

        return apply

    def modes(matrix):
        table = jnp.asarray(matrix.T, jnp.float32)
        return matrix.shape[1], lambda z: z @ table

    eigenvalues, vectors, cells = spectrum(grid)
    kept = int(np.sum(np.exp(-(length**2) / 2 * eigenvalues) > 1e-3))
    leading = np.zeros((ny * nx, kept))
    leading[cells] = vectors[:, :kept] * np.exp(-(length**2) / 4 * eigenvalues[:kept])
    return {
        f"diffusion, {chebyshev.degree} Chebyshev sweeps": (ny * nx, lambda w: chebyshev(static, sheet(w), length)),
        f"diffusion, {steps} explicit steps": (ny * nx, explicit),
        "diffusion, implicit by direction, once": (ny * nx, by_direction(1)),
        "diffusion, implicit by direction, 4 times": (ny * nx, by_direction(4)),
        f"{kept} leading modes": modes(leading),
        "spherical harmonics": modes(spherical_harmonics(grid, length)),
    }, np.exp(-(length**2) / 2 * eigenvalues) * vectors @ vectors.T


def measure(grid, arrays, number, function, reference, repeats=10, steps=100):
    """Cost and error of one generator, see the top of the file."""
    import jax
    import jax.numpy as jnp

    size, wet = grid.wet.size, np.flatnonzero(grid.wet)
    flat = jax.jit(lambda w: function(w).reshape(-1, size))
    parts = [np.asarray(flat(jnp.eye(number, dtype=jnp.float32)[k : k + 512])) for k in range(0, number, 512)]
    root = np.concatenate(parts).T[wet].astype(float)
    deviation = np.sqrt((root**2).sum(1))
    correlation = (root / deviation[:, None]) @ (root / deviation[:, None]).T
    expected = reference / np.sqrt(np.outer(np.diag(reference), np.diag(reference)))
    scale = np.zeros(size)
    scale[wet] = 1.0 / deviation
    scale = jnp.asarray(scale, jnp.float32)
    result = {"largest_error": float(np.abs(correlation - expected).max())}
    for fields in (1, 4):

        def body(carry, key):
            w, total = carry
            w = 0.97 * w + 0.24 * jax.random.normal(key, w.shape)
            return (w, total + function(w).reshape(-1, size) * scale), None

        run = jax.jit(lambda c, k: jax.lax.scan(body, c, k)[0])  # noqa: B023
        start = jnp.zeros((fields, number)), jnp.zeros((fields, size))
        keys = jax.random.split(jax.random.key(0), steps)
        jax.block_until_ready(run(start, keys))
        seconds = []
        for _ in range(repeats):
            before = time.process_time()
            jax.block_until_ready(run(start, keys))
            seconds.append(time.process_time() - before)
        result[f"microseconds_per_field_of_{fields}"] = min(seconds) / steps / fields * 1e6
    return result


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config")
    parser.add_argument("--length", type=float, default=1e6, help="correlation length in m")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args(arguments)
    use_threads(1)
    import jax.numpy as jnp

    from ocean_gcm.config import load_config
    from ocean_gcm.grid.build import build_grid_from_config
    from ocean_gcm.grid.metrics import device_arrays

    config = load_config(options.config, options.set)
    grid = build_grid_from_config(config.grid, config.bathymetry)
    arrays = device_arrays(grid, jnp.float32)
    candidates, reference = generators(grid, arrays, options.length)
    for name, (number, function) in candidates.items():
        result = measure(grid, arrays, number, function, reference)
        print(json.dumps({"case": config.name, "length": options.length, "generator": name, **result}), flush=True)


if __name__ == "__main__":
    main()
