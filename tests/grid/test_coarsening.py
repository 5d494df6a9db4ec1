"""Coarsening: against loops, and what it conserves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocean_gcm.data.derived import vertical_velocity
from ocean_gcm.grid import geometry
from ocean_gcm.grid.coarsening import Coarsening, block_sum, coarse_grid, layer_sum
from ocean_gcm.grid.grid import Grid, build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology

THICKNESS = np.array([50.0, 100.0, 200.0, 400.0])
NX, NY = 16, 12


def horizontal(factor=1, spherical=True, periodic=True):
    topology = Topology(periodic_x=periodic)
    if spherical:
        latitude = np.linspace(-60, 70, NY + 1) ** 3 / 4900.0  # uneven rows
        return geometry.sphere(np.linspace(0, 360, NX + 1)[::factor], latitude[::factor], topology)
    x, y = np.linspace(0, 1.6e6, NX + 1), np.linspace(0, 1.2e6, NY + 1)
    return geometry.plane(x[::factor], y[::factor], topology, f0=1e-4, beta=1e-11)


def blocks(depth, factor, layers=1, **shape) -> Coarsening:
    fine = build_grid(horizontal(**shape), Levels(THICKNESS), depth)
    return Coarsening(fine, coarse_grid(fine, horizontal(factor, **shape), factor, layers), factor, layers)


def rugged(seed, land=0.25):
    """Depths with partial cells everywhere, islands and bays."""
    generator = np.random.default_rng(seed)
    depth = generator.uniform(150.0, 750.0, (NY, NX))
    depth[generator.random((NY, NX)) < land] = 0.0
    depth[:8, :8] = np.maximum(depth[:8, :8], 200.0)  # some blocks are all water
    return depth


def flat():
    return np.full((NY, NX), 750.0)


def random_fields(grid: Grid, seed=0):
    generator = np.random.default_rng(seed)
    normal = lambda mask: np.where(mask, generator.standard_normal((2, *mask.shape)), 0.0)  # noqa: E731
    return {
        "temperature": 10.0 + 5.0 * normal(grid.mask),
        "sea_surface_height": normal(grid.wet),
        "u": normal(grid.mask_u),
        "v": normal(grid.mask_v),
    }


def convergence(grid: Grid, fields):
    """(..., nz, ny, nx) horizontal convergence of the transports, m3 s-1."""
    geo, topology = grid.geometry, grid.topology
    east = fields["u"] * grid.thickness_u * geo.dy["U"]
    north = fields["v"] * grid.thickness_v * geo.dx["V"]
    west, south = np.roll(east, 1, -1), np.roll(north, 1, -2)
    south[..., 0, :] = 0.0
    if not topology.periodic_x:
        west[..., 0] = 0.0
    return west - east + south - north


def without_flow_through_coarse_land(blocks: Coarsening, fields):
    """The fields with no flow through fine faces that lie on faces which are closed on the coarse grid."""
    f, fields = blocks.factor, dict(fields)

    def opened(mask):
        return np.repeat(np.repeat(np.repeat(mask, f, 1), f, 2), blocks.layers, 0)

    u, v = fields["u"].copy(), fields["v"].copy()
    u[..., f - 1 :: f] *= opened(blocks.coarse.mask_u)[..., f - 1 :: f]
    v[..., f - 1 :: f, :] *= opened(blocks.coarse.mask_v)[..., f - 1 :: f, :]
    return {**fields, "u": u, "v": v}


CASES = given(
    seed=st.integers(0, 2**31),
    factor=st.sampled_from([2, 4]),
    layers=st.sampled_from([1, 2]),
    spherical=st.booleans(),
    periodic=st.booleans(),
)
FEW = settings(max_examples=25, deadline=None)


def test_against_loops():
    c, f = blocks(rugged(3), 4, 2), 4
    fields, volume = random_fields(c.fine), c.fine.volume
    made = c(fields)
    depth = np.maximum(c.fine.depth, 1e-300)
    for record in range(2):
        height = fields["sea_surface_height"][record]
        for k, j, i in np.argwhere(c.coarse.mask):
            content = weight = east = north = level = area = 0.0
            for jj in range(f * j, f * j + f):
                for ii in range(f * i, f * i + f):
                    if k == 0 and c.fine.wet[jj, ii]:
                        level += c.fine.geometry.area["T"][jj, ii] * height[jj, ii]
                        area += c.fine.geometry.area["T"][jj, ii]
                    for kk in (2 * k, 2 * k + 1):
                        if c.fine.mask[kk, jj, ii]:
                            w = volume[kk, jj, ii] * (1.0 + height[jj, ii] / depth[jj, ii])
                            content += w * fields["temperature"][record, kk, jj, ii]
                            weight += w
            for kk in (2 * k, 2 * k + 1):
                for n in range(f):
                    at_east, at_north = (kk, f * j + n, f * i + f - 1), (kk, f * j + f - 1, f * i + n)
                    length = c.fine.geometry.dy["U"][at_east[1:]], c.fine.geometry.dx["V"][at_north[1:]]
                    east += fields["u"][record][at_east] * c.fine.thickness_u[at_east] * length[0]
                    north += fields["v"][record][at_north] * c.fine.thickness_v[at_north] * length[1]
            np.testing.assert_allclose(made["temperature"][record, k, j, i], content / weight, rtol=1e-13)
            if k == 0:
                np.testing.assert_allclose(made["sea_surface_height"][record, j, i], level / area, rtol=1e-10)
            for name, total, grid_area in (
                ("u", east, c.coarse.thickness_u[k, j, i] * c.coarse.geometry.dy["U"][j, i]),
                ("v", north, c.coarse.thickness_v[k, j, i] * c.coarse.geometry.dx["V"][j, i]),
            ):
                expected = total / grid_area if grid_area > 0 else 0.0
                np.testing.assert_allclose(made[name][record, k, j, i], expected, rtol=1e-10, atol=1e-13)


@CASES
@FEW
def test_divergence_of_the_transports_is_the_sum_of_the_fine_ones(seed, factor, layers, spherical, periodic):
    c = blocks(rugged(seed), factor, layers, spherical=spherical, periodic=periodic)
    fields = without_flow_through_coarse_land(c, random_fields(c.fine, seed))
    summed = block_sum(layer_sum(convergence(c.fine, fields), layers), factor)
    made = convergence(c.coarse, c(fields))
    scale = np.abs(convergence(c.fine, fields)).max()
    np.testing.assert_allclose(made[..., c.coarse.mask], summed[..., c.coarse.mask], rtol=0, atol=1e-13 * scale)


@CASES
@FEW
def test_content_of_every_wet_block_is_kept(seed, factor, layers, spherical, periodic):
    """Over any sea floor: mean times the volume of the block's water; what lies in coarse land is all that is lost."""
    c = blocks(rugged(seed), factor, layers, spherical=spherical, periodic=periodic)
    temperature = random_fields(c.fine, seed)["temperature"]
    volume = block_sum(layer_sum(c.fine.volume, layers), factor)
    content = (c.tracer(temperature) * volume).sum((-3, -2, -1))
    fine = block_sum(layer_sum(c.fine.volume * temperature, layers), factor)
    np.testing.assert_allclose(content, (fine * c.coarse.mask).sum((-3, -2, -1)), rtol=1e-13)
    lost = volume[~c.coarse.mask].sum() / c.fine.volume.sum()
    np.testing.assert_allclose(c.lost_fraction(), lost, atol=1e-15)


@pytest.mark.parametrize("layers", [1, 2])
def test_volume_heat_and_momentum_input_of_a_flat_ocean_are_those_of_the_coarse_grid(layers):
    """Where the floor is flat: with the coarse grid's own volumes under its own free surface, to round-off."""
    depth = flat()
    depth[:4, 4:8] = 0.0  # a block of land
    c = blocks(depth, 4, layers)
    fields = random_fields(c.fine)
    made = c(fields)

    def contents(grid, fields):
        height = fields["sea_surface_height"]
        stretching = 1.0 + height / np.where(grid.wet, grid.depth, 1.0)
        volume = grid.volume * stretching[:, None]
        return np.array([volume.sum((1, 2, 3)), (volume * fields["temperature"]).sum((1, 2, 3))])

    np.testing.assert_allclose(contents(c.coarse, made), contents(c.fine, fields), rtol=1e-13)
    assert c.lost_fraction() == 0.0
    np.testing.assert_allclose(c.coarse.volume.sum(), c.fine.volume.sum(), rtol=1e-13)


@CASES
@FEW
def test_a_constant_stays_constant_and_means_stay_within_bounds(seed, factor, layers, spherical, periodic):
    c = blocks(rugged(seed), factor, layers, spherical=spherical, periodic=periodic)
    fields = random_fields(c.fine, seed)
    constant = c.tracer(np.where(c.fine.mask, 7.0, 0.0), fields["sea_surface_height"])
    np.testing.assert_allclose(constant, np.broadcast_to(np.where(c.coarse.mask, 7.0, 0.0), constant.shape), rtol=1e-14)
    mean = c(fields)["temperature"][:, c.coarse.mask]
    values = fields["temperature"][:, c.fine.mask]
    assert values.min() <= mean.min() and mean.max() <= values.max()


def test_factor_one_changes_nothing():
    c = blocks(rugged(1), 1)
    kept = c.coarse.mask == c.fine.mask
    lone = ~kept  # basins of one cell become land
    assert lone.sum() < 0.05 * c.fine.mask.sum()
    np.testing.assert_allclose(c.coarse.thickness[kept], c.fine.thickness[kept], rtol=1e-15)
    fields = random_fields(c.fine)
    for name, array in c(fields).items():
        there = {"u": c.coarse.mask_u, "v": c.coarse.mask_v}.get(name, c.coarse.mask)
        there = c.coarse.wet if array.ndim == 3 else there
        np.testing.assert_allclose(array[:, there], fields[name][:, there], rtol=1e-14)


def test_twice_by_two_is_once_by_four():
    fine = blocks(flat(), 2)
    coarser = Coarsening(fine.coarse, coarse_grid(fine.coarse, horizontal(4), 2), 2)
    once = blocks(flat(), 4)
    np.testing.assert_array_equal(coarser.coarse.thickness, once.coarse.thickness)
    fields = random_fields(once.fine)
    twice = coarser(fine(fields))
    for name, array in once(fields).items():
        np.testing.assert_allclose(twice[name], array, rtol=1e-12, atol=1e-13)


def test_upward_velocity_is_the_area_mean_of_the_fine_one():
    """Continuity commutes with coarsening: at the upper faces of the blocks, over a flat floor."""
    c = blocks(flat(), 4, 2)
    fields = random_fields(c.fine)
    made, area = c(fields), c.fine.geometry.area["T"]
    fine = vertical_velocity(c.fine, fields["u"], fields["v"])[:, ::2]
    mean = block_sum(fine * area, 4) / block_sum(area, 4)
    coarse = vertical_velocity(c.coarse, made["u"], made["v"])
    np.testing.assert_allclose(coarse, mean, rtol=0, atol=1e-12 * np.abs(fine).max())


@pytest.mark.parametrize(("wet_cells", "fraction", "wet"), [(8, 0.5, True), (7, 0.5, False), (7, 0.4, True)])
def test_wet_fraction(wet_cells, fraction, wet):
    depth = flat()
    depth[4:8, 4:8] = np.where(np.arange(16).reshape(4, 4) < wet_cells, 750.0, 0.0)
    fine = build_grid(horizontal(spherical=False), Levels(THICKNESS), depth)
    coarse = coarse_grid(fine, horizontal(4, spherical=False), 4, wet_fraction=fraction)
    assert coarse.wet[1, 1] == wet and coarse.wet.sum() == 11 + wet
    if wet:  # the land in the block does not make the water thinner
        assert coarse.depth[1, 1] == 750.0


def test_partial_cells_keep_their_volume():
    """Half of the block ends 100 m into the lowest layer, half 300 m: the coarse cell is 200 m thick."""
    depth = flat()
    depth[0:4, 0:2], depth[0:4, 2:4] = 450.0, 650.0
    c = blocks(depth, 4, spherical=False)
    np.testing.assert_allclose(c.coarse.thickness[:, 0, 0], [50.0, 100.0, 200.0, 200.0])
    np.testing.assert_allclose(c.coarse.volume[:, 0, 0], block_sum(c.fine.volume, 4)[:, 0, 0])


@given(st.integers(0, 2**31))
@FEW
def test_a_coarse_column_is_what_its_depth_gives(seed):
    """Full layers above one partial cell, so that a configuration can have the same grid from the depth."""
    c = blocks(rugged(seed), 2)
    again = build_grid(c.coarse.geometry, c.coarse.levels, c.coarse.depth)
    deep_enough = c.coarse.bottom_level >= 1  # a model deepens columns of one layer
    np.testing.assert_allclose(again.thickness[:, deep_enough], c.coarse.thickness[:, deep_enough], rtol=1e-12)


def test_type_of_the_fields_is_kept():
    c = blocks(flat(), 4)
    fields = {name: a.astype(np.float32) for name, a in random_fields(c.fine).items()}
    assert {a.dtype for a in c(fields).values()} == {np.dtype(np.float32)}
