"""What is trained of a model, chosen by path, in numbers that an optimiser may change without bounds.

numbers, rebuild = split(model, {"closures.mesoscale.diffusivity": "positive", "closures.learned.**": "identity"})
gradient = jax.grad(lambda n: loss(rebuild(n)))(numbers)
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ocean_gcm.errors import UserError
from ocean_gcm.validation import suggestion


@dataclasses.dataclass(frozen=True)
class Identity:
    """Any number: value = x."""

    def value(self, x: jax.Array) -> jax.Array:
        return x

    def number(self, value: jax.Array) -> jax.Array:
        return value

    def holds(self, value: np.ndarray) -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class Positive:
    """value = exp(x): steps of an optimiser are relative ones."""

    def value(self, x: jax.Array) -> jax.Array:
        return jnp.exp(x)

    def number(self, value: jax.Array) -> jax.Array:
        return jnp.log(value)

    def holds(self, value: np.ndarray) -> bool:
        return bool((value > 0).all())

    def __str__(self) -> str:
        return "a positive number"


@dataclasses.dataclass(frozen=True)
class Interval:
    """value = low + (high - low) / (1 + exp(-x))."""

    low: float
    high: float

    def __post_init__(self):
        if not self.low < self.high:
            raise UserError(f"interval [{self.low}, {self.high}]; expected the lower bound first")

    def value(self, x: jax.Array) -> jax.Array:
        return self.low + (self.high - self.low) * jax.nn.sigmoid(x)

    def number(self, value: jax.Array) -> jax.Array:
        return jnp.log(value - self.low) - jnp.log(self.high - value)

    def holds(self, value: np.ndarray) -> bool:
        return bool(((value > self.low) & (value < self.high)).all())

    def __str__(self) -> str:
        return f"a number between {self.low:g} and {self.high:g}"


Transform = Identity | Positive | Interval
_NAMED = {"identity": Identity(), "positive": Positive()}


def as_transform(given: Any) -> Transform | None:
    """From "identity", "positive", "auto" (None), a pair [low, high] or a transform.  Raises UserError."""
    if given is None or given == "auto":
        return None
    if isinstance(given, Transform):
        return given
    if isinstance(given, str):
        if given in _NAMED:
            return _NAMED[given]
        raise UserError(f"the transform is {given!r}; {suggestion(given, [*_NAMED, 'auto'])}")
    try:
        low, high = map(float, given)
    except (TypeError, ValueError):
        raise UserError(f"the transform is {given!r}; expected a name or a pair [low, high]") from None
    return Interval(low, high)


def parameter_paths(model: nnx.Module) -> list[str]:
    """Paths of all parameters, such as "closures.mesoscale.diffusivity"."""
    return [_name(path) for path, _ in nnx.to_flat_state(nnx.state(model, nnx.Param))]


def split(
    model: nnx.Module, patterns: Iterable[str] | Mapping[str, Any]
) -> tuple[dict[str, jax.Array], Callable[[Mapping[str, jax.Array]], nnx.Module]]:
    """The chosen parameters as unbounded numbers by path, and the function that makes a model of such numbers.

    Args:
      model: the model, or any module.
      patterns: globs on paths, `*` within a name, `**` over any number of names; a mapping gives each its transform
        (see `as_transform`).  "auto", the default, is positive for a single positive number and identity else.  Of
        several patterns that match a path the first counts.

    Returns:
      numbers by path, and rebuild(numbers) -> model.  Rebuild is a pure function for use inside of `jax.jit` and
      `jax.grad`; it leaves `model` as it is.

    Raises UserError if a pattern matches nothing or a value lies outside of its bounds.
    """
    chosen = patterns if isinstance(patterns, Mapping) else dict.fromkeys(patterns)
    graph, parameters, rest = nnx.split(model, nnx.Param, ...)
    variables = {_name(path): (path, variable) for path, variable in nnx.to_flat_state(parameters)}
    transforms: dict[str, Transform] = {}
    for pattern, given in chosen.items():
        transform = as_transform(given)
        for name in matching(pattern, variables):
            value = np.asarray(variables[name][1][...])
            transforms.setdefault(name, _checked(name, value, transform))
    numbers = {name: t.number(variables[name][1][...]) for name, t in transforms.items()}

    def rebuild(numbers: Mapping[str, jax.Array]) -> nnx.Module:
        new = {
            path: variable.replace(transforms[name].value(numbers[name])) if name in transforms else variable
            for name, (path, variable) in variables.items()
        }
        return nnx.merge(graph, nnx.from_flat_state(new), rest)

    return numbers, rebuild


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Those of the paths `names` that a glob stands for, see `split`.  Raises UserError if there are none."""
    expression = _regular(pattern)
    found = [name for name in names if expression.fullmatch(name)]
    if not found:
        raise UserError(f"no parameter is called {pattern!r}; {suggestion(pattern, names)}")
    return found


def _checked(name: str, value: np.ndarray, transform: Transform | None) -> Transform:
    if transform is None:
        transform = Positive() if value.ndim == 0 and value > 0 else Identity()
    if not transform.holds(value):
        raise UserError(f"{name} is {value}; expected {transform} at the start of training")
    return transform


def _name(path: tuple) -> str:
    return ".".join(map(str, path))


def _regular(pattern: str) -> re.Pattern:
    """The glob as a regular expression over a joined path."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^.]*"}.get(part, re.escape(part)) for part in parts))
