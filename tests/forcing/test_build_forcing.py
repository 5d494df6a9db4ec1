"""From configuration to forcing: formulas, signs, units, places on the C-grid."""

import gsw
import numpy as np
import pydantic
import pytest

from ocean_gcm.errors import UserError
from ocean_gcm.forcing.build import build_forcing
from ocean_gcm.forcing.config import SurfaceConfig
from ocean_gcm.grid.geometry import plane, sphere
from ocean_gcm.grid.grid import build_grid
from ocean_gcm.grid.levels import Levels
from ocean_gcm.grid.topology import Topology


def sphere_grid(nx=8, ny=32, depth=None):
    geometry = sphere(np.linspace(0, 360, nx + 1), np.linspace(-80, 80, ny + 1), Topology(periodic_x=True))
    return build_grid(geometry, Levels(np.full(3, 100.0)), np.full((ny, nx), 300.0) if depth is None else depth)


def plane_grid(ny=20):
    geometry = plane(np.linspace(0, 4e5, 5), np.linspace(0, 2e6, ny + 1), Topology())
    return build_grid(geometry, Levels(np.full(3, 100.0)), np.full((ny, 4), 300.0))


def build(grid, equation_of_state="linear", dtype=np.float64, **config):
    return build_forcing(SurfaceConfig.model_validate(config), grid, equation_of_state=equation_of_state, dtype=dtype)


def test_nothing_acts_by_default():
    forcing = build(plane_grid())
    assert forcing.stress_x is None and forcing.heat_flux is None and forcing.sst is None
    assert forcing.sst_piston_velocity == 0


def test_earth_has_westerlies_trades_and_a_warm_tropical_gain():
    grid = sphere_grid()
    forcing = build(
        grid,
        wind_stress={"kind": "zonal"},
        heat_flux={"kind": "zonal"},
        freshwater={"kind": "zonal"},
        sst_restoring={"target": {"kind": "zonal"}},
        sss_restoring={"target": {"kind": "zonal"}},
    )
    latitude = grid.geometry.y["T"][:, 0]
    stress = np.asarray(forcing.stress_x).mean((0, 2))
    assert (stress[np.abs(np.abs(latitude) - 46) < 5] > 0).all()  # westerlies push eastward
    assert (stress[np.abs(np.abs(latitude) - 15) < 5] < 0).all()  # trades push westward
    heat = np.asarray(forcing.heat_flux).mean((0, 2))
    assert heat[np.abs(latitude) < 5].min() > 0 > heat[np.abs(latitude - 40) < 5].max()
    rain = np.asarray(forcing.freshwater_flux).mean((0, 2))
    assert rain[np.abs(latitude - 25) < 5].max() < 0 < rain[np.abs(latitude - 50) < 5].min()
    sst = np.asarray(forcing.sst)
    assert sst.shape[0] == 12 and 26 < sst[:, np.abs(latitude) < 5].mean() < 29
    north = np.abs(latitude - 42) < 3
    assert sst[7, north].mean() > sst[1, north].mean() + 5  # August is warmer than February
    area = grid.geometry.area["T"]
    for flux in (forcing.heat_flux, forcing.freshwater_flux):
        flux = np.asarray(flux)
        assert abs((flux.mean(0) * area).sum()) < 1e-12 * (np.abs(flux.mean(0)) * area).sum()


def test_annual_mean_of_the_zonal_climatology_is_one_record():
    forcing = build(sphere_grid(), wind_stress={"kind": "zonal", "seasonal": False})
    assert forcing.stress_x.shape[0] == 1


def test_acc_formulas():
    forcing = build(
        sphere_grid(),
        wind_stress={"kind": "acc"},
        sst_restoring={"target": {"kind": "acc"}, "time": "P30D", "depth": 20},
    )
    latitude = sphere_grid().geometry.y["T"][:, 0]
    south, north = latitude < -20, latitude > 10
    stress, sst = np.asarray(forcing.stress_x)[0, :, 0], np.asarray(forcing.sst)[0, :, 0]
    np.testing.assert_allclose(stress[south], 0.1 * np.sin(np.pi * (latitude[south] + 44) / 25))
    np.testing.assert_allclose(stress[north], 0.1 * (1 - np.cos(2 * np.pi * (latitude[north] - 10) / 36)))
    assert (stress[~south & ~north] == 0).all()
    np.testing.assert_allclose(sst[np.abs(latitude) < 20], 15.0)
    np.testing.assert_allclose(sst[latitude < -20], (15 * (latitude + 45) / 25)[latitude < -20])
    np.testing.assert_allclose(forcing.sst_piston_velocity, 20 / (30 * 86400))


def test_gyre_and_channel_stress_at_the_walls_and_in_the_middle():
    grid = plane_grid(ny=21)
    double = np.asarray(build(grid, wind_stress={"kind": "gyre", "amplitude": 0.2}).stress_x)[0, :, 0]
    single = np.asarray(build(grid, wind_stress={"kind": "gyre", "gyres": 1}).stress_x)[0, :, 0]
    channel = np.asarray(build(grid, wind_stress={"kind": "channel"}).stress_x)[0, :, 0]
    np.testing.assert_allclose(double[10], 0.2)
    assert double[0] < -0.19 and double[-1] < -0.19
    assert single[0] < -0.09 and single[-1] > 0.09 and abs(single[10]) < 1e-12
    np.testing.assert_allclose(channel[10], 0.1)
    np.testing.assert_allclose(channel, channel[::-1], atol=1e-15)


def test_linear_target_reaches_its_values_at_the_walls():
    sst = np.asarray(build(plane_grid(), sst_restoring={"target": {"kind": "linear", "south": 20, "north": 0}}).sst)[
        0, :, 0
    ]
    np.testing.assert_allclose(sst[[0, -1]], [19.5, 0.5])


def test_land_and_walls_hold_zeros():
    depth = np.full((32, 8), 300.0)
    depth[10:15, 3] = 0.0
    forcing = build(
        sphere_grid(depth=depth), wind_stress={"kind": "zonal"}, sst_restoring={"target": {"kind": "zonal"}}
    )
    assert (np.asarray(forcing.stress_x)[:, 10:15, 2:4] == 0).all()
    assert (np.asarray(forcing.sst)[:, 10:15, 3] == 0).all()
    assert (np.asarray(forcing.sst)[:, 15:, 3] != 0).all()


def test_zonal_targets_become_conservative_and_absolute_with_teos10():
    config = {"sst_restoring": {"target": {"kind": "zonal"}}, "sss_restoring": {"target": {"kind": "zonal"}}}
    linear, teos10 = (build(sphere_grid(), eos, **config) for eos in ("linear", "teos10"))
    np.testing.assert_allclose(teos10.sss, np.asarray(linear.sss) * 35.16504 / 35, rtol=1e-14)
    expected = gsw.CT_from_pt(np.asarray(teos10.sss), np.asarray(linear.sst))
    assert abs(np.asarray(teos10.sst) - expected).max() < 0.01
    assert 0.01 < abs(np.asarray(teos10.sst) - np.asarray(linear.sst)).max() < 0.2


def test_arrays_have_the_asked_dtype():
    forcing = build(sphere_grid(), dtype=np.float32, wind_stress={"kind": "zonal"}, heat_flux={"kind": "zonal"})
    assert forcing.stress_x.dtype == forcing.heat_flux.dtype == forcing.sst_piston_velocity.dtype == np.float32


def test_a_plane_knows_no_latitude():
    for config in ({"wind_stress": {"kind": "acc"}}, {"sst_restoring": {"target": {"kind": "zonal"}}}):
        with pytest.raises(UserError, match="needs grid.geometry = sphere, found plane"):
            build(plane_grid(), **config)


@pytest.mark.parametrize(
    "config",
    [
        {"wind_stress": {"kind": "storm"}},
        {"sst_restoring": {"target": {"kind": "acc"}, "depth": 0}},
        {"sst_restoring": {"target": {"kind": "acc"}, "time": "P0D"}},
        {"freshwater_as": "ice"},
        {"heat_flux": {"kind": "file", "path": "x.nc"}},
        {"wind": {"kind": "zonal"}},
    ],
)
def test_broken_configurations_are_refused(config):
    with pytest.raises((pydantic.ValidationError, UserError)):
        SurfaceConfig.model_validate(config)
