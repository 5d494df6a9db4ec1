"""What experiments with any dynamical core have in common."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Literal

import pydantic

from ocean_gcm.clock import Duration, TimeConfig
from ocean_gcm.errors import UserError
from ocean_gcm.section import Section
from ocean_gcm.validation import suggestion
from ocean_gcm.yaml_tree import dump_tree, tree_differences

FINITE_VOLUME = "finite_volume"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
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


class Experiment(Section):
    """What identifies an experiment and its numbers; each core's configuration adds its sections.

    These have `time` (`TimeConfig`), `output` (`OutputConfig`), `dynamics`, `closures`, `ensemble`, `weights` and
    `provenance` in common.
    """

    name: str = pydantic.Field(description="name of the experiment, also of its run directory")
    description: str = pydantic.Field("", description="what the experiment is, for the reader")
    precision: Literal["float32", "float64"] = pydantic.Field(
        "float32", description="number type of the model's arrays"
    )
    seed: int = pydantic.Field(0, ge=0, lt=2**32, description="seed of all random numbers")

    @pydantic.field_validator("name")
    @classmethod
    def _name_is_a_file_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise UserError(
                f"name is {name!r}; expected letters, digits, '_', '-' and '.', beginning with none of these"
            )
        return name

    def _require_output(self, valid: Iterable[str]) -> None:
        """Refuse intervals that are no whole steps and variables that do not exist."""
        time: TimeConfig = self.time
        output: OutputConfig = self.output
        intervals = {"output.interval": output.interval, "output.restart_interval": output.restart_interval}
        streams = {"output.variables": output.variables}
        if output.snapshots is not None:
            intervals["output.snapshots.interval"] = output.snapshots.interval
            streams["output.snapshots.variables"] = output.snapshots.variables
        for key, interval in intervals.items():
            time.require_whole_steps(key, interval)
        valid = list(valid)
        for key, names in streams.items():
            for name in names:
                if name not in valid:
                    raise UserError(f"{key} contains {name!r}; {suggestion(name, valid)}")

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
        for key in ("forcing", "weights", "encoder", "decoder"):
            if tree.get(key, 0) is None:  # runs from before there was this key go on
                del tree[key]
        if tree["dynamics"].get("core") == FINITE_VOLUME:
            del tree["dynamics"]["core"]
        return tree

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits of `science`: runs of equal hash are parts of one run."""
        return hashlib.sha256(json.dumps(self.science(), sort_keys=True).encode()).hexdigest()[:16]


def differences(a: Experiment, b: Experiment) -> list[str]:
    """'key: value in a -> value in b' for every key of `Experiment.science` in which the two differ."""
    return tree_differences(a.science(), b.science())
