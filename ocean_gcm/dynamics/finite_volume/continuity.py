"""Continuity: vertical volume fluxes from horizontal ones."""

from __future__ import annotations

import jax.numpy as jnp

from ocean_gcm.grid.field import Field, apply
from ocean_gcm.grid.metrics import Metrics
from ocean_gcm.grid.vertical import cumulative_sum


def divergence(transport_x: Field, transport_y: Field) -> Field:
    """Net volume flux out of each cell, m3 s-1, from the fluxes through its faces (U, V; m3 s-1)."""
    return transport_x.diff_x() + transport_y.diff_y()


def vertical_transport(metrics: Metrics, outflow: Field, surface_source: Field | None = None) -> Field:
    """Upward volume flux through the upper faces (T/w), m3 s-1, relative to the moving layers; 0 at the sea surface.

    What converges in a column lifts the surface and stretches all layers in proportion to their thickness at rest;
    the flux through a face carries what remains.  Water that joins the uppermost cells from above, `surface_source`
    (T/s, m3 s-1), is handed down likewise.
    """
    m = metrics
    if surface_source is not None:
        outflow = apply(lambda d, q: d.at[0].add(-q), outflow, surface_source)
    column = outflow.map(lambda d: d.sum(0)).at(level="s") * m.inv_depth_t
    excess = outflow - m.thickness_t * column

    def integrate(d):
        w = -cumulative_sum(d, reverse=True)
        return jnp.concatenate([jnp.zeros_like(w[:1]), w[1:]])

    return excess.map(integrate).at(level="w") * m.mask_w
