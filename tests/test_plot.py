import numpy as np
import pytest
import synthetic_runs as runs
from PIL import Image

from ocean_gcm.data.run_output import open_run
from ocean_gcm.errors import UserError
from ocean_gcm.plot import FIGURES, barotropic_at_corners, plot_run

LARGEST_FILE = 150_000


@pytest.mark.parametrize("tree", [runs.GLOBE, runs.GYRE, runs.CHANNEL], ids=lambda tree: tree["name"])
def test_every_figure_is_drawn_small_and_not_blank(tmp_path, tree):
    runs.write_run(tmp_path / "run", tree)
    paths = plot_run(tmp_path / "run")
    assert {path.stem for path in paths} == {*FIGURES, "time_series"}
    for path in paths:
        assert path.parent == tmp_path / "run" / "figures"
        assert path.stat().st_size < LARGEST_FILE, path
        assert len(np.unique(np.asarray(Image.open(path).convert("L")))) > 10, path


def test_the_grid_of_a_run_is_recovered_from_its_output(tmp_path):
    grid = runs.write_run(tmp_path, runs.GLOBE)
    found = open_run(tmp_path)
    np.testing.assert_allclose(found.grid.thickness, grid.thickness, rtol=1e-6)
    np.testing.assert_allclose(found.grid.geometry.area["T"], grid.geometry.area["T"], rtol=1e-9)
    np.testing.assert_allclose(found.grid.geometry.dx["V"], grid.geometry.dx["V"], rtol=1e-6, atol=1e-2)
    assert found.grid.topology.periodic_x
    np.testing.assert_allclose(found.years(), [1, 2, 3])
    np.testing.assert_allclose(found.years(bound=0), [0, 1, 2])
    np.testing.assert_allclose(found.fields(-1)["u"], runs.made_up_fields(grid)["u"], atol=1e-6)


def test_moments_instead_of_means(tmp_path):
    runs.write_run(tmp_path, runs.GYRE, records=1, means=False)
    assert open_run(tmp_path).years()[0] == pytest.approx(1.0)
    assert len(plot_run(tmp_path, tmp_path / "elsewhere")) == len(FIGURES)  # one record makes no series


def test_missing_variables_cost_only_their_figures(tmp_path):
    import shutil

    import xarray as xr

    runs.write_run(tmp_path, runs.GYRE)
    with xr.open_zarr(tmp_path / "output.zarr") as dataset:
        kept = dataset.drop_vars(["vo", "wo", "so"]).load()
    shutil.rmtree(tmp_path / "output.zarr")
    for variable in kept.variables.values():
        variable.encoding.clear()
    kept.to_zarr(tmp_path / "output.zarr", mode="w")
    names = {path.stem for path in plot_run(tmp_path)}
    assert "sea_surface_temperature" in names
    assert not names & {"overturning", "sea_surface_salinity", "surface_currents"}


def test_a_directory_that_is_no_run(tmp_path):
    with pytest.raises(UserError, match="config.yaml is missing"):
        plot_run(tmp_path)


def test_the_streamfunction_at_all_corners_closes_at_walls(tmp_path):
    grid = runs.write_run(tmp_path, runs.GYRE)
    corners = barotropic_at_corners(grid, runs.made_up_fields(grid)["u"])
    assert corners.shape == (21, 25)
    np.testing.assert_allclose(corners[[0, -1]], 0.0, atol=1e-9)
    np.testing.assert_allclose(corners[:, [0, -1]], 0.0, atol=1e-9)
