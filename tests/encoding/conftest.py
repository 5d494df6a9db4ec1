"""The small ocean and an analysis of it."""

import pytest
from encoding_cases import analysis, small_model


@pytest.fixture(scope="session")
def model():
    return small_model()


@pytest.fixture(scope="session")
def dataset():
    return analysis()
