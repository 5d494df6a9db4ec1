"""An experiment as typed, validated data: YAML in, `Config` out, mistakes as one clear sentence."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic
import yaml

from ocean_gcm.clock import Duration, TimeConfig
from ocean_gcm.closures.config import ClosureConfig
from ocean_gcm.data.paths import expand
from ocean_gcm.data.variables import VARIABLES
from ocean_gcm.dynamics.finite_volume.config import DynamicsConfig
from ocean_gcm.encoding.config import DecoderConfig, EncoderConfig
from ocean_gcm.errors import UserError
from ocean_gcm.forcing.config import SurfaceConfig
from ocean_gcm.grid.bathymetry import BathymetryConfig
from ocean_gcm.grid.build import GridConfig
from ocean_gcm.initial import InitialConfig, TracerConfig
from ocean_gcm.section import Section
from ocean_gcm.stochastic.initial import EnsembleConfig
from ocean_gcm.validation import sentence, suggestion

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_MOST_CELLS = 10**10
_DEEPEST = 1e5  # m
_WIDEST_STENCIL = 4  # cells of halo
_DEFAULT_VARIABLES = ("thetao", "so", "uo", "vo", "wo", "zos", "mlotst", "msftbarot")


class SnapshotConfig(Section):
    """Further output of the state at moments, to snapshots.zarr."""

    interval: Duration = pydantic.Field(description="time between snapshots, ISO-8601 duration")
    variables: tuple[str, ...] = pydantic.Field(_DEFAULT_VARIABLES, description="CF names of the variables to write")


class OutputConfig(Section):
    """What a simulation writes to its run directory."""

    directory: str | None = pydantic.Field(None, description="run directory; null: runs/<name>")
    interval: Duration = pydantic.Field("P30D", description="time between records of output.zarr, ISO-8601 duration")
    kind: Literal["mean", "snapshot"] = pydantic.Field(
        "mean", description="records are means over the interval or the state at its end"
    )
    variables: tuple[str, ...] = pydantic.Field(_DEFAULT_VARIABLES, description="CF names of the variables to write")
    snapshots: SnapshotConfig | None = pydantic.Field(None, description="further output at moments; null: none")
    precision: Literal["float32", "float64"] = pydantic.Field(
        "float32", description="number type of the written fields"
    )
    restart_interval: Duration = pydantic.Field(
        "P1Y", description="model time between restarts, ISO-8601 duration; one is always written at the end"
    )
    restarts_kept: int = pydantic.Field(2, ge=1, description="number of the latest restarts that are kept")


class Config(Section):
    """One experiment; the keys of a file in configs/."""

    name: str = pydantic.Field(description="name of the experiment, also of its run directory")
    description: str = pydantic.Field("", description="what the experiment is, for the reader")
    precision: Literal["float32", "float64"] = pydantic.Field(
        "float32", description="number type of the model's arrays"
    )
    seed: int = pydantic.Field(0, ge=0, lt=2**32, description="seed of all random numbers")
    grid: GridConfig = pydantic.Field(description="horizontal geometry and levels")
    bathymetry: BathymetryConfig = pydantic.Field(description="depth of the sea floor")
    initial: InitialConfig = pydantic.Field(description="state at the start")
    surface: SurfaceConfig = pydantic.Field(SurfaceConfig(), description="what acts at the surface")
    dynamics: DynamicsConfig = pydantic.Field(DynamicsConfig(), description="numerics of the resolved state")
    closures: dict[str, ClosureConfig] = pydantic.Field(
        {}, description="what is not resolved, by a name of your choice"
    )
    tracers: dict[str, TracerConfig] = pydantic.Field({}, description="passive tracers by name")
    ensemble: EnsembleConfig = pydantic.Field(
        EnsembleConfig(), description="how `model.ensemble` perturbs the members' initial states"
    )
    encoder: EncoderConfig | None = pydantic.Field(
        None, description="how analyses become states; null: as by default, without a learned correction"
    )
    decoder: DecoderConfig | None = pydantic.Field(
        None, description="how states become fields like those of an analysis; null: as by default"
    )
    weights: str | None = pydantic.Field(
        None, description="exported model (directory or gs:// address) whose parameters take the place of the above"
    )
    time: TimeConfig = pydantic.Field(description="start, length and step")
    output: OutputConfig = pydantic.Field(OutputConfig(), description="what is written")
    provenance: dict[str, str] | None = pydantic.Field(
        None, description="versions and commit, written into run directories; never read"
    )

    @pydantic.field_validator("name")
    @classmethod
    def _name_is_a_file_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise UserError(
                f"name is {name!r}; expected letters, digits, '_', '-' and '.', beginning with none of these"
            )
        return name

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        intervals = {"output.interval": self.output.interval, "output.restart_interval": self.output.restart_interval}
        streams = {"output.variables": self.output.variables}
        if self.output.snapshots is not None:
            intervals["output.snapshots.interval"] = self.output.snapshots.interval
            streams["output.snapshots.variables"] = self.output.snapshots.variables
        for key, interval in intervals.items():
            self.time.require_whole_steps(key, interval)
        valid = [*VARIABLES, *self.tracers]
        for key, names in streams.items():
            for name in names:
                if name not in valid:
                    raise UserError(f"{key} contains {name!r}; {suggestion(name, valid)}")
        self._require_sane_grid()
        for name in self.tracers:
            if name in VARIABLES or name in ("temperature", "salinity", "u", "v", "w", "sea_surface_height"):
                raise UserError(f"tracers.{name} has the name of a variable of the model; choose another name")
        return self

    def _require_sane_grid(self) -> None:
        """Refuse what the arrays and stencils of any model could not hold."""
        grid, levels = self.grid, self.grid.levels
        cells = grid.nx * grid.ny * len(levels.thickness or range(levels.number))
        if cells > _MOST_CELLS:
            raise UserError(f"grid has {cells:.3g} cells (nx * ny * levels); expected at most {_MOST_CELLS:.0e}")
        depth = sum(levels.thickness or [levels.depth])
        if depth > _DEEPEST:
            raise UserError(f"grid.levels reach down to {depth:.3g} m; expected at most {_DEEPEST:.0e} m")
        for periodic, number, key in ((grid.periodic_x, grid.nx, "nx"), (grid.periodic_y, grid.ny, "ny")):
            if periodic and number < _WIDEST_STENCIL:
                raise UserError(
                    f"grid.{key} is {number}; expected at least {_WIDEST_STENCIL} cells, the width of the stencils, "
                    "in a periodic direction"
                )

    def to_yaml(self) -> str:
        """All keys with their values, defaults included, as YAML that `load_config` reads."""
        return dump_tree(self.model_dump(mode="json"))

    def science(self) -> dict[str, Any]:
        """All that decides the numbers of a run: without names, length of the run, places, restart settings
        and what makes other states of a given one."""
        tree = self.model_dump(mode="json", exclude={"name", "description", "ensemble", "provenance"})
        for section, key in (("time", "duration"), ("output", "directory"), ("output", "restart_interval")):
            del tree[section][key]
        del tree["output"]["restarts_kept"]
        for key in ("weights", "encoder", "decoder"):
            if tree[key] is None:  # runs from before there was this key go on
                del tree[key]
        return tree

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits of `science`: runs of equal hash are parts of one run."""
        return hashlib.sha256(json.dumps(self.science(), sort_keys=True).encode()).hexdigest()[:16]


def differences(a: Config, b: Config) -> list[str]:
    """'key: value in a -> value in b' for every key of `Config.science` in which the two differ."""
    return tree_differences(a.science(), b.science())


def tree_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """'key: value in a -> value in b' for every key, at any depth, in which two trees of keys and values differ."""

    def leaves(tree, prefix=""):
        sections = isinstance(tree, list) and any(isinstance(below, dict) for below in tree)
        below = dict(enumerate(tree)) if sections else tree
        if isinstance(below, dict) and below:
            return {k: v for name, value in below.items() for k, v in leaves(value, f"{prefix}{name}.").items()}
        return {prefix[:-1]: tree}

    first, second = leaves(a), leaves(b)
    return [
        f"{key}: {first.get(key, 'absent')} -> {second.get(key, 'absent')}"
        for key in {**first, **second}
        if first.get(key, "absent") != second.get(key, "absent")
    ]


def load_config(path: str | os.PathLike, overrides: Iterable[str] = ()) -> Config:
    """Read an experiment from a YAML file; `overrides` are texts such as "grid.nx=60".

    Raises UserError, one sentence with the key, the value found and what was expected.
    """
    return config_from_dict(read_tree(path, overrides), str(path))


def read_tree(path: str | os.PathLike, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Keys and values of a YAML file, some of them set by texts such as "grid.nx=60".  Raises UserError."""
    tree = _read_yaml(Path(path))
    for override in overrides:
        _override(tree, override)
    return tree


def config_from_dict(tree: Mapping[str, Any], source: str = "the configuration") -> Config:
    """Validate a tree of keys and values; `source` names it in messages.  Raises UserError."""
    try:
        _require_variables(tree, "")
        return Config.model_validate(tree)
    except pydantic.ValidationError as error:
        raise UserError(f"{source}: {sentence(error, Config)}") from None
    except UserError as error:
        raise UserError(f"{source}: {error}") from None


class _Loader(yaml.SafeLoader):
    """YAML without repeated keys, where 1e-5 is a number and a date stays a text."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _unique_keys(loader: _Loader, node: yaml.MappingNode) -> dict:
    loader.flatten_mapping(node)
    seen = set()
    for key, _ in node.value:
        if isinstance(key.value, str) and key.value in seen:
            raise UserError(f"the key {key.value!r} appears twice, again in line {key.start_mark.line + 1}")
        seen.add(key.value if isinstance(key.value, str) else id(key))
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_keys)


class _Dumper(yaml.SafeDumper):
    """Quotes texts that `_Loader` would take for numbers."""


for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
    )


def dump_tree(tree: Any) -> str:
    """Keys and values as YAML that `read_tree` reads."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _parse(text: str) -> Any:
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (derived from SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise UserError(f"not valid YAML{where}: {getattr(error, 'problem', None) or error}") from None
    except UserError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"not valid YAML: {error}") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        names = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, names, n=1)
        hint = f"; did you mean {path.parent / near[0]}?" if near else ""
        raise UserError(f"there is no configuration {path}{hint}") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a directory; expected a YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    try:
        tree = _parse(text)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(tree, dict):
        found = "is empty" if tree is None else f"holds a {type(tree).__name__}"
        raise UserError(f"{path} {found}; expected keys and values")
    return tree


def _override(tree: dict[str, Any], override: str) -> None:
    """Set one value in the tree, in place."""
    path, separator, text = override.partition("=")
    keys = path.strip().split(".")
    if not separator or not all(keys):
        raise UserError(f"--set {override!r} is not understood; expected key.path=value, for instance grid.nx=60")
    try:
        value = _parse(text)
    except UserError as error:
        raise UserError(f"--set {override!r}: the value is {error}") from None
    here, passed = tree, []
    while len(keys := _joined(here, keys)) > 1:
        key, *keys = keys
        passed.append(key)
        if isinstance(here, dict) and here.get(key) is None:
            here[key] = {}
        here = here[_place(here, key, override)]
        if not isinstance(here, dict | list):
            raise UserError(f"--set {override!r}: {'.'.join(passed)} is {here!r}, not a section of keys")
    here[_place(here, keys[0], override)] = value


def _joined(section: dict | list, keys: list[str]) -> list[str]:
    """`keys`, the first of them joined where the section has a key with dots (model.overrides of a training has)."""
    if isinstance(section, dict):
        for number in range(len(keys), 1, -1):
            if (key := ".".join(keys[:number])) in section:
                return [key, *keys[number:]]
    return keys


def _place(section: dict | list, key: str, override: str) -> str | int:
    """The key as it counts in a section, or in a list the number, from 0."""
    if isinstance(section, dict):
        return key
    if not key.isdigit() or int(key) >= len(section):
        raise UserError(f"--set {override!r}: {key!r} is no place in a list of {len(section)}; they count from 0")
    return int(key)


def _require_variables(tree: Any, key: str) -> None:
    """UserError where a text names an environment variable that is not set."""
    if isinstance(tree, Mapping):
        for name, below in tree.items():
            _require_variables(below, f"{key}.{name}" if key else str(name))
    elif isinstance(tree, list):
        for below in tree:
            _require_variables(below, key)
    elif isinstance(tree, str) and "${" in tree:
        try:
            expand(tree)
        except UserError as error:
            raise UserError(f"{key}: {error}") from None
