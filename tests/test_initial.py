"""Initial states."""

import numpy as np
import pydantic
import pytest

from ocean_gcm import initial
from ocean_gcm.dynamics.equation_of_state import LinearConfig, TEOS10Config
from ocean_gcm.errors import UserError
from ocean_gcm.grid.bathymetry import FlatBathymetry, SeamountBathymetry
from ocean_gcm.grid.build import GridConfig, build_grid_from_config

CONFIG = pydantic.TypeAdapter(initial.InitialConfig)


def channel_grid(**keys):
    config = GridConfig(
        **{
            **dict(geometry="plane", nx=12, ny=16, x=(0, 6e5), y=(0, 8e5), f0=1e-4, periodic_x=True),
            **dict(levels={"number": 10, "depth": 1000.0}),
            **keys,
        }
    )
    return build_grid_from_config(config, FlatBathymetry(kind="flat", depth=1000))


def sphere_grid():
    config = GridConfig(
        geometry="sphere", nx=12, ny=20, x=(0, 60), y=(-80, 80), levels={"number": 8, "depth": 4000}, periodic_x=True
    )
    hill = SeamountBathymetry(kind="seamount", depth=4000, height=3000, width=2e6)
    return build_grid_from_config(config, hill)


def fields(grid, equation_of_state=None, **config):
    return initial.initial_fields(CONFIG.validate_python(config), grid, equation_of_state or LinearConfig())


@pytest.mark.parametrize("kind", ["uniform", "linear", "exponential", "acc", "channel", "lock_exchange"])
def test_shapes_and_land(kind):
    grid = channel_grid()
    result = fields(grid, kind=kind)
    assert set(result) >= {"temperature", "salinity"}
    for name, array in result.items():
        assert array.shape == (grid.shape[1:] if name == "sea_surface_height" else grid.shape)
        assert array.dtype == np.float64 and np.isfinite(array).all()


def test_acc_profile():
    grid = channel_grid()
    result = fields(grid, kind="acc")
    np.testing.assert_allclose(result["temperature"][:, 3, 3], 15 * (1 - grid.levels.centres / 1804))
    assert (result["salinity"] == 35).all()


def test_partial_cells_hold_the_profile_at_their_own_centre():
    grid = sphere_grid()
    result = fields(grid, kind="linear", surface_temperature=20.0, temperature_gradient=0.004)
    expected = 20.0 - 0.004 * grid.centre_depth
    np.testing.assert_allclose(result["temperature"][grid.mask], expected[grid.mask])
    assert (result["temperature"][~grid.mask] == 0).all()


def test_eady_channel_has_the_thermal_wind():
    """u(z) = g alpha dT/dy / f times height above the floor, and the sea surface that keeps the floor at rest."""
    grid = channel_grid()
    result = fields(grid, kind="channel", front_difference=4.0, perturbation=0.0)
    shear = 9.81 * 2e-4 * (4.0 / 8e5) / 1e-4
    height = 1000.0 - grid.levels.centres
    np.testing.assert_allclose(result["u"], np.broadcast_to((shear * height)[:, None, None], grid.shape), rtol=1e-10)
    slope = np.diff(result["sea_surface_height"][:, 0]) / 5e4
    np.testing.assert_allclose(-9.81 / 1e-4 * slope, shear * 1000.0, rtol=1e-10)
    assert abs(result["sea_surface_height"].mean()) < 1e-12


def test_front_is_confined_to_its_width_and_depth():
    grid = channel_grid()
    result = fields(grid, kind="channel", front_width=1e5, front_scale=200.0, perturbation=0.0)
    u = result["u"]
    assert u[0, 8, 0] > 5 * u[0, 2, 0] > 0
    assert u[0, 8, 0] > 5 * u[-1, 8, 0] > 0


def test_perturbation_leaves_walls_and_mean_alone():
    grid = channel_grid()
    calm = fields(grid, kind="channel", perturbation=0.0)["temperature"]
    rough = fields(grid, kind="channel", perturbation=0.1)["temperature"]
    difference = rough - calm
    assert 0.02 < np.abs(difference).max() <= 0.1
    assert np.abs(difference.mean(-1)).max() < 1e-12


def test_thermal_wind_needs_rotation():
    with pytest.raises(UserError, match="Coriolis"):
        fields(channel_grid(f0=0.0), kind="channel")


def test_lock_exchange():
    result = fields(channel_grid(), kind="lock_exchange")
    assert (result["temperature"][:, :, :6] == 5).all() and (result["temperature"][:, :, 6:] == 30).all()


def test_zonal_is_converted_for_teos10_and_needs_a_sphere():
    grid = sphere_grid()
    linear, teos10 = fields(grid, kind="zonal"), fields(grid, TEOS10Config(), kind="zonal")
    ratio = teos10["salinity"][grid.mask] / linear["salinity"][grid.mask]
    np.testing.assert_allclose(ratio, 35.16504 / 35)
    assert 0 < np.abs(teos10["temperature"] - linear["temperature"]).max() < 0.2
    with pytest.raises(UserError, match="latitudes"):
        fields(channel_grid(), kind="zonal")


def test_tracers():
    grid = channel_grid()
    assert (initial.tracer_field(initial.UniformTracer(value=2.0), grid) == 2.0).all()
    box = initial.tracer_field(initial.BoxTracer(kind="box", x=(0, 1e5), depth=(0, 200)), grid)
    assert box.sum() == 2 * 16 * 2 and (box[:2, :, :2] == 1).all()
    with pytest.raises(UserError, match="no wet cell"):
        initial.tracer_field(initial.BoxTracer(kind="box", x=(-2e5, -1e5)), grid)
