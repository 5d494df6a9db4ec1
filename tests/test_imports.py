"""Nothing is left behind when a module moves: all of them can be imported, also those that only a command needs."""

import importlib
import pkgutil

import pytest

import eval as evaluation
import ocean_gcm
import train


@pytest.mark.parametrize("package", [ocean_gcm, train, evaluation], ids=lambda package: package.__name__)
def test_every_module_can_be_imported(package):
    names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    assert len(names) > 20
    for name in names:
        importlib.import_module(name)
