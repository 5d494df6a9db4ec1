"""Transports through sections against the streamfunction they follow from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.metrics.sections import section_between

DEPTH = 1000.0


def edges(grid):
    geometry = grid.geometry
    x = np.append(2 * geometry.x["T"][0, 0] - geometry.x["U"][0, 0], geometry.x["U"][0])
    return x, np.append(2 * geometry.y["T"][0, 0] - geometry.y["V"][0, 0], geometry.y["V"][:, 0])


def flow(grid, psi):
    """u = -d psi / dy, v = d psi / dx of (ny + 1, nx + 1) corners in m3 s-1, the same at all depths."""
    u = -(psi[1:, 1:] - psi[:-1, 1:]) / grid.geometry.dy["U"] / DEPTH
    v = (psi[1:, 1:] - psi[1:, :-1]) / grid.geometry.dx["V"] / DEPTH
    return np.broadcast_to(u, grid.shape), np.broadcast_to(v, grid.shape)


def sizes(grid):
    return grid.thickness_u, grid.thickness_v, grid.geometry.dy["U"], grid.geometry.dx["V"]


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.tuples(*[st.integers(0, 8), st.integers(0, 6)] * 2))
def test_a_transport_is_a_difference_of_the_streamfunction(basin, seed, ends):
    """Whatever the way from corner to corner: what flows to the left is psi at the end minus psi at the beginning."""
    psi = np.zeros((7, 9))
    psi[1:-1, 1:-1] = np.random.default_rng(seed).normal(size=(5, 7)) * 1e7
    x, y = edges(basin)
    i, j, i_end, j_end = ends
    section = section_between(x, y, [(x[i], y[j]), (x[i_end], y[j_end])], periodic_x=False)
    found = section.transport(*flow(basin, psi), *sizes(basin))
    assert found == pytest.approx((psi[j_end, i_end] - psi[j, i]) / 1e6, abs=1e-9)


def test_eastward_flow_is_positive_on_the_way_south(channel):
    x, y = edges(channel)
    u, v = np.full(channel.shape, 0.1), np.zeros(channel.shape)
    south = section_between(x, y, [(x[3], y[-1]), (x[3], y[0])], periodic_x=True)
    assert south.transport(u, v, *sizes(channel)) == pytest.approx(0.1 * 6e5 * DEPTH / 1e6)
    assert south.area(*sizes(channel)) == pytest.approx(6e5 * DEPTH)


def test_the_shorter_way_around_the_earth(earth):
    """From 176E to 176W over the date line, through two northern faces."""
    x, y = edges(earth)
    section = section_between(x, y, [(176.0, 0.0), (-176.0, 0.0)], periodic_x=True)
    assert len(section.rows_u) == 0
    np.testing.assert_array_equal(section.columns_v, [44, 45])
    np.testing.assert_array_equal(section.sign_v, [1, 1])


def test_drake_passage_agrees_with_the_search_for_it(earth):
    from ocean_gcm.metrics import transport

    geometry = earth.geometry
    column, rows = transport.drake_passage(geometry.x["U"], geometry.y["U"], earth.thickness_u.sum(0))
    u = np.random.default_rng(0).normal(size=earth.shape) * earth.mask_u
    x, y = edges(earth)
    where = geometry.x["U"][0, column]
    section = section_between(x, y, [(where, geometry.y["V"][rows, column][-1]), (where, -80.0)], periodic_x=True)
    expected = transport.section_transport(
        u[:, :, column], earth.thickness_u[:, :, column], geometry.dy["U"][:, column], rows
    )
    assert section.transport(u, 0 * u, *sizes(earth)) == pytest.approx(expected)
