"""Small seas, flat and around the pole."""

import pytest
from small_seas import Sea, coasts, grid_of


@pytest.fixture(scope="session")
def plane():
    return Sea(grid_of(coasts()))


@pytest.fixture(scope="session")
def polar():
    """The same coasts around the pole, cells of 15 to 280 km."""
    return Sea(grid_of(coasts(), spherical=True))
