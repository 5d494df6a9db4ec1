"""The metrics of online similarity: how many, against sums over sorted values, and their ends."""

import numpy as np
import pytest

from ocean_gcm.dynamics.spectral.config import QuasiGeostrophicConfig
from ocean_gcm.dynamics.spectral.core import QuasiGeostrophy
from ocean_gcm.dynamics.spectral.grid import PeriodicGrid
from ocean_gcm.metrics import isotropic, similarity

CONFIG = {
    "core": "quasi_geostrophic",
    "layers": {"thickness": [500, 2000], "deformation_radius": 40e3},
    "zonal_flow": [0.03, 0.0],
    "bottom_drag": 3e-7,
}


@pytest.fixture(scope="module")
def case():
    core = QuasiGeostrophy(PeriodicGrid((2, 16, 16), (8e5, 8e5)), QuasiGeostrophicConfig.model_validate(CONFIG), 1.0)
    rng = np.random.default_rng(0)
    fields = [scale * rng.standard_normal((3, 2, 16, 16)).astype(np.float32) for scale in (1e-5, 1.2e-5, 1.5e-5)]
    return core, fields, [similarity.layers_statistics(core, q, last=2) for q in fields]


def test_eighteen_metrics_of_two_layers(case):
    core, (q, other, _), (first, second, third) = case
    found = similarity.distances(first, second, 6)
    assert len(found) == 18
    assert found["q2"] == pytest.approx(np.abs(np.sort(q[-2:, 1].ravel()) - np.sort(other[-2:, 1].ravel())).mean())
    spectra = [np.asarray(isotropic.enstrophy_spectrum(core.grid, f)).mean(0)[1] for f in (q, other)]
    assert found["enstrophy_spectrum2"] == pytest.approx(np.sqrt(((spectra[0] - spectra[1])[:6] ** 2).mean()), rel=1e-4)
    # the background belongs to velocity
    assert first.samples["u1"].mean() == pytest.approx(0.03, rel=1e-3)
    speed = first.samples["u1"] ** 2 + first.samples["v1"] ** 2
    np.testing.assert_allclose(first.samples["kinetic_energy1"], speed, rtol=1e-5)


def test_similarity_is_one_at_the_target_and_negative_beyond_the_model_without(case):
    *_, (first, second, third) = case
    assert set(similarity.similarities(first, first, third, 6).values()) == {1.0}
    assert set(similarity.similarities(third, first, third, 6).values()) == {0.0}
    assert (
        similarity.similarities(third, first, second, 6)["q1"]
        < 0
        < similarity.similarities(second, first, third, 6)["q1"]
    )


def test_closures_count_among_the_transfers(case):
    core, (q, *_), (first, *_) = case
    with_source = similarity.layers_statistics(core, q, 1e-7 * q, last=2)
    difference = with_source.spectra["kinetic_transfer"] - first.spectra["kinetic_transfer"]
    # a source in proportion to q brings in energy at twice the rate, here that of kinetic energy
    resolved = slice(6)
    energy = [first.spectra[f"kinetic_energy_spectrum{layer}"][resolved] for layer in (1, 2)]
    np.testing.assert_allclose(difference[resolved], 2e-7 * (0.2 * energy[0] + 0.8 * energy[1]), rtol=2e-2, atol=1e-14)
