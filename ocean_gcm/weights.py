"""Exported models: a directory, here or at a gs:// address, that holds all that a trained model is.

model.yaml       the configuration, resolved
variables.npz    all `nnx.Variable`s by path, the shape of the grid and the version of the format; no pickle

Single numbers, such as coefficients, stand in both.  One that a user sets to another than in model.yaml holds, not the
variable.
"""

from __future__ import annotations

import copy
import io
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fsspec
import jax
import jax.numpy as jnp
import numpy as np
import yaml
from flax import nnx

from ocean_gcm.clock import duration_seconds
from ocean_gcm.config import Config, config_from_dict
from ocean_gcm.data.paths import expand
from ocean_gcm.errors import UserError
from ocean_gcm.validation import suggestion
from ocean_gcm.yaml_tree import read_tree

FORMAT = "ocean_gcm model 2"
_OLDER = "ocean_gcm model 1"
"""Of models whose numbers of `random_amplitude` were those of the configuration."""
CONFIG, VARIABLES = "model.yaml", "variables.npz"
_HEAD = ("format", "grid_shape")
_BELOW = "model"
"""Where a training run keeps its export."""


def load_model(path: str | os.PathLike, overrides: Iterable[str] = ()):
    """The model that `export_model` or a training run wrote, an `OceanModel` as `build_model` gives.

    Args:
      path: the exported directory or a training run's, or the gs:// address of one.
      overrides: changes of its configuration, texts such as "time.duration=P5Y"; a number that was trained holds as
        it is set here.

    Raises UserError if nothing usable is there or the variables do not fit the configuration.
    """
    from ocean_gcm.build import build_model

    return build_model(load_model_config(path, overrides))


def load_model_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> Config:
    """The configuration of an exported model, its key `weights` naming where it lies.  Raises UserError."""
    directory = find(path)
    if directory is None:
        raise UserError(f"{path} holds no exported model ({CONFIG} and {VARIABLES}); expected its directory or address")
    if "://" in directory:
        tree = _configuration(directory)
        if list(overrides):
            raise UserError("keys of a model at an address cannot be set; copy it to a directory")
    else:
        tree = read_tree(f"{directory}/{CONFIG}", overrides)
        directory = os.path.abspath(directory)
    return config_from_dict({**tree, "weights": directory}, f"{directory}/{CONFIG}")


def find(path: str | os.PathLike) -> str | None:
    """The directory of the exported model at `path` or in the training run there; None if there is none."""
    address = str(expand(path)).rstrip("/")
    for directory in (address, f"{address}/{_BELOW}"):
        try:
            file_system, name = fsspec.core.url_to_fs(f"{directory}/{CONFIG}")
            if file_system.exists(name):
                return directory
        except (OSError, ValueError, ImportError) as error:
            raise UserError(f"{path} cannot be read: {error}") from error
    return None


def named_variables(model: nnx.Module) -> dict[str, np.ndarray]:
    """All `nnx.Variable`s of a model by path, such as "closures.drag.linear"; random keys as their bits."""
    return {
        ".".join(map(str, path)): np.asarray(_bits(variable[...]))
        for path, variable in nnx.to_flat_state(nnx.state(model, nnx.Variable))
    }


def export_model(model, directory: Path) -> None:
    """Write an exported model, each of its files replaced in one go.  Raises UserError if that fails."""
    tree = model.config.model_dump(mode="json")
    # the statistics are among the variables, the weights are these
    learned = {key: without_files(tree[key]) for key in ("closures", "encoder", "decoder") if key in tree}
    tree = {**tree, "weights": None, "provenance": None, **learned}
    variables = named_variables(model)
    text = _with_numbers(tree, variables).to_yaml().encode()
    buffer = io.BytesIO()
    head = {"format": np.asarray(FORMAT), "grid_shape": np.asarray(model.grid.shape)}
    np.savez(buffer, **head, **variables)
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in ((VARIABLES, buffer.getvalue()), (CONFIG, text)):
            draft = directory / f".{name}.part"
            draft.write_bytes(content)
            draft.replace(directory / name)
    except OSError as error:
        raise UserError(f"the model {directory} could not be written: {error.strerror or error}") from error


def restore(model, path: str | os.PathLike, *, partly: bool = False) -> None:
    """Give a model, in place, the variables of the exported one at `path`.

    partly: variables that the exported one lacks keep their values.  Otherwise a number keeps its value for which the
    model's configuration has another one than the exported configuration: it was set.

    Raises UserError if they are of another grid, are missing, are of another shape or cannot be read.
    """
    directory = find(path)
    if directory is None:
        raise UserError(f"weights is {str(path)!r}, where there is no exported model ({CONFIG} and {VARIABLES})")
    arrays = _arrays(f"{directory}/{VARIABLES}")
    if (shape := tuple(int(n) for n in arrays["grid_shape"])) != model.grid.shape:
        raise UserError(f"the model in {directory} is of a grid of {shape} cells; expected {model.grid.shape}")
    stored = {name: array for name, array in arrays.items() if name not in _HEAD}
    state, new = nnx.to_flat_state(nnx.state(model, nnx.Variable)), []
    names = [".".join(map(str, path)) for path, _ in state]
    begun, configured = _configuration(directory), model.config.model_dump(mode="json")
    older = str(arrays["format"]) == _OLDER
    for name in stored:
        if name not in names:
            raise UserError(
                f"the model in {directory} holds {name!r}, its configuration not; {suggestion(name, names)}"
            )
    for name, (path_, variable) in zip(names, state, strict=True):
        if name not in stored and (partly or (older and ".random_amplitude." in name)):
            continue
        if name not in stored:
            raise UserError(f"the model in {directory} lacks the variable {name!r} of its configuration")
        array, present = stored[name], _bits(variable[...])
        if array.shape != present.shape:
            raise UserError(f"{name!r} of {directory} has the shape {array.shape}; expected {present.shape}")
        numbers = _number(configured, name), _number(begun, name)
        if not partly and None not in numbers and numbers[0] != numbers[1]:
            continue
        new.append((path_, variable.replace(_like(variable[...], array))))
    nnx.update(model, nnx.from_flat_state(new))


def _configuration(directory: str) -> dict[str, Any]:
    """Keys and values of the exported model's configuration."""
    return yaml.safe_load(_read(f"{directory}/{CONFIG}").decode())


def _key(name: str) -> list[str]:
    """Where a configuration has the number that a variable is, if it is one."""
    first, *rest = name.split(".")
    if first in ("encoder", "decoder"):
        return [first, "correction", *rest]
    return [first, *rest[:1], *(part for part in rest[1:] if part != "fields")]


def _number(tree: Mapping[str, Any], name: str) -> float | None:
    """The number of a configuration for the variable `name`; None if there is none."""
    value: Any = tree
    for key in _key(name):
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        value = duration_seconds(value)
    return float(value) if isinstance(value, int | float) else None


def _with_numbers(tree: Mapping[str, Any], variables: Mapping[str, np.ndarray]) -> Config:
    """A configuration with what training has made of its numbers; as it was where they are beyond its bounds."""
    trained = copy.deepcopy(dict(tree))
    for name, array in variables.items():
        begun = None if array.ndim else _number(tree, name)
        if begun is not None and array != array.dtype.type(begun):
            section = trained
            *above, key = _key(name)
            for part in above:
                section = section[part]
            section[key] = float(array)
    try:
        return config_from_dict(trained)
    except UserError:
        return config_from_dict(dict(tree))


def _arrays(address: str) -> dict[str, np.ndarray]:
    content = _read(address)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
            found = str(arrays["format"])
            arrays["grid_shape"]
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{address} is damaged or not complete: {error}") from error
    if found not in (FORMAT, _OLDER):
        raise UserError(f"{address} has the format {found!r}; expected {FORMAT!r}")
    return arrays


def _read(address: str) -> bytes:
    try:
        with fsspec.open(address, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise UserError(f"{address} cannot be read: {error}") from error


def without_files(tree: Any) -> Any:
    """A section of a configuration without the files of statistics, which a model has among its variables."""
    if isinstance(tree, Mapping):
        return {key: None if key == "statistics" else without_files(below) for key, below in tree.items()}
    return tree


def _bits(array: Any) -> Any:
    return jax.random.key_data(array) if jnp.issubdtype(array.dtype, jax.dtypes.prng_key) else array


def _like(present: Any, array: np.ndarray) -> jax.Array:
    if jnp.issubdtype(present.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(present))
    return jnp.asarray(array, present.dtype)
