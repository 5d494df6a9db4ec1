from pathlib import Path

import pytest

from ocean_gcm.data.paths import expand
from ocean_gcm.errors import UserError


def test_variables_are_replaced(monkeypatch):
    monkeypatch.setenv("SOME_OCEAN", "/data/ocean")
    assert expand("${SOME_OCEAN}/a.nc") == expand("$SOME_OCEAN/a.nc") == Path("/data/ocean/a.nc")
    assert expand("plain.nc") == Path("plain.nc")


@pytest.mark.parametrize("value", [None, ""])
def test_an_unset_variable_is_named(monkeypatch, value):
    monkeypatch.delenv("SOME_OCEAN", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_OCEAN", value)
    with pytest.raises(UserError, match="variable SOME_OCEAN, which is not set; expected the file or directory"):
        expand("${SOME_OCEAN}/a.nc")


def test_urls_stay_text():
    assert expand("gs://bucket/store.zarr") == "gs://bucket/store.zarr"
