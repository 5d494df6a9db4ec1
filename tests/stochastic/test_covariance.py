"""The exact covariance of the random fields: response of every cell to every cell's noise."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from small_seas import DX, NX, NY, Sea, coasts, grid_of

from ocean_gcm.stochastic.diffusion import heat_coefficients, sufficient_degree
from ocean_gcm.stochastic.variance import diffused_variance, surface_laplacian


@pytest.mark.parametrize("length", [2.0e4, 1.0e5, 3.0e5, 1.0e6])
@pytest.mark.parametrize("place", ["plane", "polar"])
def test_variance_is_one_in_every_wet_cell(request, place, length):
    sea = request.getfixturevalue(place)
    wet = sea.grid.wet
    variance = np.diag(sea.correlation(sea.fields(length=length))).reshape(wet.shape)
    np.testing.assert_allclose(variance[wet], 1.0, atol=2e-3)
    assert (variance[~wet] == 0).all()


def test_diffusion_is_the_exponential_of_the_laplacian(polar):
    length = 4.0e5
    laplacian = surface_laplacian(polar.grid).toarray()
    np.testing.assert_allclose(laplacian, laplacian.T, atol=1e-25)
    # water that holds the same everywhere keeps it: the null space of A between the roots of the areas
    root_area = np.sqrt(polar.grid.geometry.area["T"].ravel())
    np.testing.assert_allclose(laplacian @ root_area, 0.0, atol=1e-12 * np.abs(laplacian).max() * root_area.max())
    heat = scipy.linalg.expm(-(length**2) / 4 * laplacian)
    expected = heat * np.sqrt(1.0 / (heat**2).sum(1))[:, None]
    found = polar.square_root(polar.fields(length=length))
    wet = polar.grid.wet.ravel()
    np.testing.assert_allclose(found[wet][:, wet], expected[wet][:, wet], atol=2e-3)
    np.testing.assert_allclose(
        diffused_variance(polar.grid, np.array([length])).ravel()[wet], (heat**2).sum(1)[wet], rtol=5e-3
    )


def test_gaussian_correlation_in_the_open_ocean():
    """On a plane that is periodic both ways: exp(-r^2 / (2 L^2)), along x, y and across."""
    length = 4 * DX
    sea = Sea(grid_of(np.ones((40, 40), bool), periodic_y=True, dy=DX))
    noise = jnp.zeros((1, 40, 40)).at[0, 20, 20].set(1.0)
    root = np.asarray(sea.fields(length=length).fields(sea.columns.static, noise).interior(40, 40))[0]
    spectrum = np.abs(np.fft.fft2(root)) ** 2
    covariance = np.fft.ifft2(spectrum).real  # of a homogeneous field: the square of its root's transform
    y, x = np.meshgrid(*2 * [(np.arange(40) + 20) % 40 - 20], indexing="ij")
    np.testing.assert_allclose(covariance, np.exp(-(x**2 + y**2) / 32.0), atol=0.01)


def test_gaussian_correlation_on_the_sphere():
    """Whatever the shape of the cells: by distance along great circles, at the equator and at 50 degrees."""
    length, ny, nx = 1.2e6, 40, 90
    sea = Sea(grid_of(np.ones((ny, nx), bool), spherical=True, latitudes=(-80.0, 80.0)))
    centres = [(20, 0), (32, 0)]
    noise = jnp.zeros((2, ny, nx))
    fields = sea.fields(length=length)
    for k, (j, i) in enumerate(centres):
        noise = noise.at[k, j, i].set(1.0)
    # R R^T of a cell: R applied twice, between the two divided by the deviation of each cell
    once = fields.fields(sea.columns.static, noise).interior(ny, nx)
    deviation = jnp.exp(0.5 * fields.log_variance[0])
    own = jnp.stack([deviation[j, i] for j, i in centres])[:, None, None]
    twice = fields.fields(sea.columns.static, once * deviation).interior(ny, nx) / own
    lon, lat = (np.radians(sea.grid.geometry.__dict__[c]["T"]) for c in "xy")
    for k, (j, i) in enumerate(centres):
        cosine = np.sin(lat) * np.sin(lat[j, i]) + np.cos(lat) * np.cos(lat[j, i]) * np.cos(lon - lon[j, i])
        distance = 6371e3 * np.arccos(np.clip(cosine, -1, 1))
        np.testing.assert_allclose(twice[k], np.exp(-((distance / length) ** 2) / 2), atol=0.03)


def test_white_where_cells_are_larger_than_the_length(plane):
    correlation = plane.correlation(plane.fields(length=0.1 * DX))
    assert np.abs(correlation - np.diag(plane.grid.wet.ravel())).max() < 0.01


def test_nothing_goes_through_land():
    """Two seas: no correlation at all; with a strait far away: nearly none between the shores of the wall."""
    wet = np.ones((NY, NX), bool)
    wet[:, [0, 9]] = False
    apart = Sea(grid_of(wet))
    correlation = apart.correlation(apart.fields(length=4e5)).reshape(NY, NX, NY, NX)
    assert (correlation[:, 1:9, :, 10:] == 0).all()
    wet[0, 9] = True
    joined = Sea(grid_of(wet))
    correlation = joined.correlation(joined.fields(length=4e5)).reshape(NY, NX, NY, NX)
    assert correlation[0, 8, 0, 10] > 0.5  # through the strait
    assert abs(correlation[12, 8, 12, 10]) < 0.01  # across the wall, 200 km apart
    assert correlation[12, 7, 12, 5] > 0.8  # the same distance in the water


def test_a_lake_and_a_sea_of_one_cell(plane):
    correlation = plane.correlation(plane.fields(length=4e5)).reshape(NY, NX, NY, NX)
    lake = np.zeros((NY, NX), bool)
    lake[11:13, 14:17] = lake[13, 15] = True
    outside = coasts() & ~lake
    assert (correlation[lake][:, outside] == 0).all()
    assert correlation[12, 15, 13, 15] > 0.5
    np.testing.assert_allclose(correlation[9, 17].sum(), 1.0, atol=1e-3)


@given(
    wet=st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=5, max_size=5),
    length=st.floats(1e4, 2e6),
    periodic_y=st.booleans(),
)
@settings(max_examples=60)
def test_variance_table_equals_the_matrix_exponential(wet, length, periodic_y):
    """On any coasts; windows that do not hold the whole sea included (short lengths)."""
    wet = np.array(wet)
    grid = grid_of(wet, periodic_y=periodic_y)
    heat = scipy.linalg.expm(-(length**2) / 4 * surface_laplacian(grid).toarray())
    found = diffused_variance(grid, np.array([length]))[0]
    np.testing.assert_allclose(found[wet], (heat**2).sum(1).reshape(wet.shape)[wet], rtol=5e-3)
    assert (found[~wet] == 1).all()


@given(length=st.floats(1e3, 5e6), eigenvalue=st.floats(1e-12, 1e-9), share=st.floats(0, 1))
def test_chebyshev_series(length, eigenvalue, share):
    """Of the degree that is taken: the exponential to 1e-3, whatever the eigenvalue."""
    degree = sufficient_degree(length, eigenvalue)
    c = heat_coefficients(length, eigenvalue, degree, np.exp)
    found = np.polynomial.chebyshev.chebval(1 - 2 * share, c)
    assert abs(found - np.exp(-(length**2) / 4 * eigenvalue * share)) < 1.5e-3


def test_too_many_sweeps():
    with pytest.raises(ValueError, match="more than 2000 sweeps"):
        sufficient_degree(1e6, 1e-4)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_variance_stays_one_while_the_length_is_learned(polar, dtype):
    """Between the lengths of the table too, and at its ends beyond which the length does not go."""
    sea = Sea(polar.grid, dtype)
    fields = sea.fields(length=2e5, length_range=(1e5, 6e5))
    wet = sea.grid.wet.ravel()
    for length in (5e4, 1e5, 1.37e5, 2.4e5, 5.1e5, 6e5, 9e5):
        fields.length[...] = jnp.asarray(length, dtype)
        np.testing.assert_allclose(np.diag(sea.correlation(fields))[wet], 1.0, atol=6e-3)
    inside = sea.fields(length=2.4e5)
    fields.length[...] = jnp.asarray(2.4e5, dtype)
    np.testing.assert_allclose(sea.correlation(fields), sea.correlation(inside), atol=6e-3)
