r"""A hybrid forecast of sea level and sea surface temperature: wave physics, a learned closure, stochastic.

One month, in units of the variables' scales, sea level being Rossby waves r and a Kelvin wave k (`waves`):

    r, k <- waves carry k and the free share of r      speeds, share, coasts learned within bounds, by ocean and row
    r    <- d_h r + closure_h + noise
    T    <- d_T T + gamma zos + closure_T + noise      d, gamma learned by cell
    closure = out [G_0 + G_c cos(season) + G_s sin(season)] in (zos, T)          G learned, starts at zero

The state is what can be forecast.  An encoder makes it from the anomalies of the last months, with gains by cell for
the month of the start, there and in the cells to the east and west, the month before and the mean of twelve, and with
a perturbation for what it cannot know.  What is seen is the state, plus a remnant of the start that fades within
weeks, plus noise without memory (weather, eddies below the grid).  Before training the waves have the speed of the
observed stratification, the closure is zero, and gains come from a regression of each cell on what the encoder sees.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from eval.monthly import regression, wave_speed, waves
from eval.monthly.anomalies import LEADS, MEMORY, Sample
from eval.monthly.linear_inverse import joint_patterns
from ocean_gcm.metrics import basins

MONTH = 365.25 * 86400 / 12
_SUBSTEPS = 3
"""Times a month at which waves meet the coasts."""
_PSEUDO_OBSERVATIONS = 60.0
_ROSSBY_BOUNDS, _KELVIN_BOUNDS = (0.4, 2.5), (0.6, 1.4)
"""Bounds of speeds over those of linear theory; altimetry has Rossby waves up to twice as fast (Chelton and Schlax
1996, doi:10.1126/science.272.5259.234)."""


@dataclasses.dataclass(frozen=True)
class HybridConfig:
    """What the hybrid is made of.

    Attributes:
      waves: whether sea level is carried by waves.
      closure: whether there is a learned closure.
      seen: patterns of the tropics that the closure sees.
      answered: patterns of the globe that it answers with.
      coherent: patterns of the noise that cells share.
    """

    waves: bool = True
    closure: bool = True
    seen: int = 6
    answered: int = 20
    coherent: int = 30


@dataclasses.dataclass(frozen=True)
class Hybrid:
    """Constants of the model; what is learned are `parameters`, a dict of arrays made by `initial_parameters`.

    Attributes:
      config: what it is made of.
      core: geometry of the waves.
      rossby_speed: (ny, nx), kelvin_speed: m s-1, of linear theory.
      ocean: (ny, nx) index in waves.OCEANS of the factor of a cell's speed.
      scales: (variable,) m and K, the units of the state.
      seen: (variable, ny, nx, pattern) from the state to amplitudes of unit variance; zero on land, as those below.
      answered: (pattern, variable, ny, nx) with the standard deviations of the patterns' amplitudes.
      coherent: (pattern, variable, ny, nx) shares of the noise that cells have in common.
    """

    config: HybridConfig
    core: waves.WaveCore
    rossby_speed: np.ndarray
    kelvin_speed: float
    ocean: np.ndarray
    scales: np.ndarray
    seen: np.ndarray
    answered: np.ndarray
    coherent: np.ndarray

    def speeds(self, parameters) -> tuple[jax.Array, jax.Array]:
        """Speeds (ny, nx) of Rossby waves and of the Kelvin wave, m s-1."""
        factor = _between(_ROSSBY_BOUNDS, parameters["rossby"])[self.ocean, np.arange(len(self.ocean))[:, None]]
        return self.rossby_speed * factor, self.kelvin_speed * _between(_KELVIN_BOUNDS, parameters["kelvin"])

    def rollout(self, parameters, memory: jax.Array, season: jax.Array, key: jax.Array | None, members: int = 1):
        """(member, start, lead, variable, ny, nx) in scales, zero on land.

        memory: (start, month, variable, ny, nx) in scales; the months end with the start, whose season (start,) is 0
        for January.  Without a key there is no noise: the mean of the ensemble, as the model is linear.
        """
        keys = [None] * 3 if key is None else jax.random.split(key, 3)
        shape = (members, memory.shape[0], *memory.shape[2:])
        passed = _passed(memory)
        state = jnp.einsum("gvyx,gsvyx->svyx", parameters["gain"], passed)
        state = jnp.broadcast_to(state, shape) + self._noise(parameters, "start", keys[0], shape)
        remnant = jnp.einsum("gvyx,gsvyx->svyx", parameters["remnant"], passed)
        fading = _between((0, 1), parameters["fading"])
        r, k = self.core.split(state[..., 0, :, :], parameters["kelvin_analysis"])
        carriers = self._carriers(parameters)

        def month(carry, number):
            r, k, temperature = self._month(parameters, carriers, *carry, (season + number) % 12)
            process, output = (None if key is None else jax.random.fold_in(one, number) for one in keys[1:])
            noise = jnp.broadcast_to(self._noise(parameters, "process", process, shape), shape)
            r, temperature = r + noise[..., 0, :, :], temperature + noise[..., 1, :, :]
            seen = jnp.stack([self.core.sea_level(r, k), temperature], -3) + remnant * fading ** (number + 1)
            return (r, k, temperature), seen + self._noise(parameters, "output", output, shape)

        _, found = jax.lax.scan(month, (r, k, state[..., 1, :, :]), jnp.arange(LEADS))
        return jnp.moveaxis(found, 0, 2)

    def _month(self, parameters, carriers, r, k, temperature, season):
        level = self.core.sea_level(r, k)
        effect = self._closure(parameters, jnp.stack([level, temperature], -3), season)
        if carriers is not None:
            free = free_share(self, parameters)
            held, r = (1 - free) * r, free * r
            coasts = [_between((0, 1), parameters[name]) for name in ("transmission", "reflection")]
            for _ in range(_SUBSTEPS):
                r, k = self.core.carry(carriers, r, k, *coasts)
            r = r + held
        kept = _between((0, 1), parameters["damping"])
        r = r * kept[0] + effect[..., 0, :, :]
        k = k * _between((0, 1), parameters["kelvin_damping"])
        return r, k, temperature * kept[1] + parameters["coupling"] * level + effect[..., 1, :, :]

    def _carriers(self, parameters):
        if not self.config.waves:
            return None
        return self.core.propagators(*self.speeds(parameters), MONTH / _SUBSTEPS)

    def _closure(self, parameters, state, season):
        if not self.config.closure:
            return jnp.zeros_like(state)
        angle = (2 * jnp.pi / 12) * season.astype(state.dtype)
        harmonics = jnp.stack([jnp.ones_like(angle), jnp.cos(angle), jnp.sin(angle)], -1)
        growth = jnp.einsum("sh,hij->sij", harmonics, parameters["closure"])
        amplitudes = jnp.tensordot(state, self.seen, 3)
        return jnp.tensordot(jnp.einsum("sij,msj->msi", growth, amplitudes), self.answered, 1)

    def _noise(self, parameters, name, key, shape):
        """Standard deviation by cell times a field of unit variance, of which a part is shared by patterns."""
        if key is None:
            return 0.0
        common, own = jax.random.split(key)
        draw = jax.random.normal(common, (*shape[:2], len(self.coherent)), jnp.float32)
        shared = jnp.tensordot(draw, self.coherent, 1)
        rest = np.sqrt(1 - (self.coherent**2).sum(0)).astype(np.float32)
        field = shared + rest * jax.random.normal(own, shape, jnp.float32)
        return jnp.exp(parameters[f"{name}_noise"]) * field * self.core.wet


def _passed(memory):
    """(5, start, variable, ny, nx) what the encoder sees of a memory (start, month, variable, ny, nx)."""
    now, xp = memory[:, -1], memory.__array_namespace__()
    return xp.stack([now, memory[:, -2], memory.mean(1), xp.roll(now, -1, -1), xp.roll(now, 1, -1)])


def free_share(model: Hybrid, parameters) -> jax.Array:
    """(ny, nx) share of the anomaly that waves carry; the rest stays, in balance with winds that last."""
    return _between((0, 1), parameters["free"])[model.ocean, np.arange(len(model.ocean))[:, None]]


def _between(bounds, raw):
    """A number within bounds from one without."""
    return bounds[0] + (bounds[1] - bounds[0]) * jax.nn.sigmoid(raw)


def _raw(bounds, value):
    """The inverse of `_between`."""
    share = (np.asarray(value) - bounds[0]) / (bounds[1] - bounds[0])
    return np.log(share / (1 - share))


def build(sample: Sample, internal_speed: np.ndarray, config: HybridConfig) -> Hybrid:
    """The constants, from the known months of a sample and the wave speed c_1 (ny, nx) in m s-1."""
    series = sample.series
    tropical = float(internal_speed[np.abs(series.lat) < 1][series.wet[np.abs(series.lat) < 1]].mean())
    code = basins.basins(*np.meshgrid(series.lon, series.lat))
    nearest = {basins.PACIFIC: 0, basins.INDIAN: 1, basins.ATLANTIC: 2}
    # the Southern Ocean's rows belong to the ocean north of them
    code = np.where(code == basins.SOUTHERN, code[np.abs(series.lat + 30.0).argmin()], code)
    ocean = np.vectorize(lambda c: nearest.get(c, 0))(code)
    states = sample.anomalies / sample.scales[:, None]
    to_modes, to_cells = joint_patterns(sample, config.answered)
    spread = np.tensordot(sample.anomalies[sample.known], to_modes, 2).std(0)

    def on_map(cells):
        return np.nan_to_num(series.on_map(cells)).astype(np.float32)

    return Hybrid(
        config,
        waves.build(series.lat, series.lon, series.wet, tropical),
        np.where(series.wet, wave_speed.rossby_wave_speed(internal_speed, series.lat), 0.0).astype(np.float32),
        tropical,
        ocean,
        sample.scales,
        np.moveaxis(on_map(_tropical_patterns(sample, states, config.seen)), 0, -1),
        on_map(to_cells * spread[:, None, None] / sample.scales[:, None]),
        on_map(_coherent_patterns(sample, config.coherent)),
    )


def _tropical_patterns(sample: Sample, states: np.ndarray, number: int) -> np.ndarray:
    """(pattern, variable, cell) whose products with the states are the amplitudes of `regression.tropical_modes`."""
    inside = np.abs(sample.series.cell_lat) <= regression.TROPICS
    weights = np.sqrt(sample.series.weights) * inside
    known = (states[sample.known] * weights).reshape(sample.known.sum(), -1)
    patterns = np.linalg.svd(known, full_matrices=False)[2][:number]
    patterns = patterns / (known @ patterns.T).std(0)[:, None]
    return patterns.reshape(number, *states.shape[1:]) * weights


def _coherent_patterns(sample: Sample, number: int) -> np.ndarray:
    """(pattern, variable, cell) principal factors of the correlations of one-month errors of damped persistence."""
    now, later = sample.anomalies[sample.starts], sample.targets(sample.starts)[:, 0]
    errors = later - regression.damping(sample)[0] * now
    normal = (errors / np.sqrt((errors**2).mean(0))).reshape(len(errors), -1) / np.sqrt(len(errors))
    _, size, patterns = np.linalg.svd(normal, full_matrices=False)
    return (size[:number, None] * patterns[:number]).reshape(number, *errors.shape[1:])


def encoder_weights(sample: Sample) -> np.ndarray:
    """(lead, 5, variable, cell) of the forecasts of cells by ridge regression on what the encoder sees.

    In units of the scales; shrunk towards damped persistence by pseudo-observations, as in `regression`.
    """
    series, a = sample.series, regression.damping(sample)
    seen = np.moveaxis(_passed(memory_of(sample, sample.starts))[..., series.wet].astype(float), (0, 1), (3, 2))
    left = sample.targets(sample.starts) - a * sample.anomalies[sample.starts][:, None]
    right = seen.swapaxes(-1, -2) @ np.moveaxis(left / sample.scales[:, None], (2, 3), (0, 1))
    variance = (seen[..., 0] ** 2).mean(-1)
    gram = seen.swapaxes(-1, -2) @ seen + _PSEUDO_OBSERVATIONS * variance[..., None, None] * np.eye(seen.shape[-1])
    weights = np.moveaxis(np.linalg.solve(gram, right), (0, 1), (2, 3)).swapaxes(0, 1)
    weights[:, 0] += a
    return weights


def initial_parameters(hybrid: Hybrid, sample: Sample) -> dict[str, jax.Array]:
    """Parameters before training, see the module."""
    a, weights = regression.damping(sample), encoder_weights(sample)
    # a_L = g d^L + e f^L of a slow part, with the share g of the variance, and a remnant that fades with f a month
    kept = np.clip((a[5:8].mean(0) / np.maximum(a[1:3].mean(0), 0.05)).clip(0.01) ** (1 / 4.5), 0.5, 0.97)
    share = np.clip(a[1:3].mean(0) / kept**2.5, 0.05, 0.97)
    fading = 0.4
    powers = kept ** np.arange(2, 9)[:, None, None]
    gain = (weights[1:8] * powers[:, None]).sum(0) / (powers**2).sum(0)
    deviation = sample.anomalies[sample.known].std(0) / sample.scales[:, None]
    core, config = hybrid.core, hybrid.config
    parameters = {
        "gain": gain,
        "damping": _raw((0, 1), kept),
        "start_noise": np.log(np.sqrt(share * (1 - share)) * deviation),
        "process_noise": np.log(np.sqrt(share * (1 - kept**2)) * deviation),
        "output_noise": np.log(np.sqrt(1 - share) * deviation),
        "remnant": (weights[0] - gain * kept) / fading,
        "fading": np.full_like(share, _raw((0, 1), fading)),
        "coupling": np.zeros(share.shape[1]),
        "free": np.full((len(waves.OCEANS), len(core.wet)), _raw((0, 1), 0.1)),
        "rossby": np.full((len(waves.OCEANS), len(core.wet)), _raw(_ROSSBY_BOUNDS, 1.0)),
        "kelvin": np.array(_raw(_KELVIN_BOUNDS, 1.0)),
        "kelvin_analysis": np.array([0.2, -0.1]) if config.waves else np.zeros(2),
        "kelvin_damping": _raw((0, 1), 0.8),
        "transmission": np.full(len(core.east.row), _raw((0, 1), 0.3)),
        "reflection": np.full(len(core.west.row), _raw((0, 1), 0.1)),
        "closure": np.zeros((3, config.answered, config.seen)),
    }
    by_cell = ("gain", "damping", "start_noise", "process_noise", "output_noise", "coupling", "remnant", "fading")
    parameters |= {name: np.nan_to_num(sample.series.on_map(parameters[name])) for name in by_cell}
    return {name: jnp.asarray(value, jnp.float32) for name, value in parameters.items()}


def memory_of(sample: Sample, starts: np.ndarray) -> np.ndarray:
    """(start, month, variable, ny, nx) in scales: the MEMORY months that end with each start; zero on land."""
    months = np.asarray(starts)[:, None] + np.arange(1 - MEMORY, 1)
    return on_map(sample, sample.anomalies[months])


def on_map(sample: Sample, anomalies: np.ndarray) -> np.ndarray:
    """(..., variable, cell) m and K to (..., variable, ny, nx) in scales, float32, zero on land."""
    return np.nan_to_num(sample.series.on_map(anomalies / sample.scales[:, None])).astype(np.float32)


def in_cells(sample: Sample, states: np.ndarray) -> np.ndarray:
    """The inverse of `on_map`."""
    return np.asarray(states)[..., sample.series.wet] * sample.scales[:, None]
