"""Forecasts of the finite-volume core; `ocean_gcm.forecasts.interface.Forecasting` says what the functions are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import xarray as xr

from ocean_gcm.forcing.source import Source, Start, dated_config, open_forcing, summary
from ocean_gcm.forecasts.fields import kept_fields
from ocean_gcm.forecasts.initial import open_initial
from ocean_gcm.forecasts.interface import Forecasting, Kept
from ocean_gcm.forecasts.target import build_target
from ocean_gcm.model import OceanModel


def kept(
    model: OceanModel,
    *,
    variables: Sequence[str] | None,
    levels: Sequence[int] | None,
    depth: float | None,
    grid: str | os.PathLike | xr.Dataset | None,
) -> Kept:
    decoder = None if grid is None else build_target(grid, model)
    return kept_fields(model, variables=variables, levels=levels, depth=depth, decoder=decoder)


def source(model: OceanModel, forcing: Any, starts: Sequence[Start], *, length: int, longest: int) -> Source:
    config = model.config
    return open_forcing(
        dated_config(forcing) or config.forcing,
        model.forcing,
        model.grid,
        equation_of_state=config.dynamics.equation_of_state.kind,
        calendar=config.time.calendar,
        starts=starts,
        length=length,
        longest=longest,
        dtype=model.dtype,
    )


OCEAN = Forecasting(open_initial, kept, source, summary, apart=("forcing",))
