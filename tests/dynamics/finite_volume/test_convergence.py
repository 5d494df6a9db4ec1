"""Errors of whole flows fall as fast as the order of the schemes says."""

import pytest

from eval.verification import wave_convergence, zonal_flow


def test_barotropic_inertia_gravity_wave():
    """Second order in space and, through the averaged substeps, in time."""
    for finding in wave_convergence.barotropic_wave((16, 32)):
        assert finding.kept is not False, finding


def test_internal_inertia_gravity_wave():
    for finding in wave_convergence.internal_wave((32, 64)):
        assert finding.kept is not False, finding


def test_steady_zonal_flow_on_the_sphere():
    """Test case 2 of Williamson et al. (1992); the flow stays zonal and nearly as it was."""
    findings = zonal_flow.zonal_flow((24, 48))
    for finding in findings:
        assert finding.kept is not False, finding
    assert max(f.value for f in findings if f.quantity.startswith("L2 error of thickness")) < 3e-4


@pytest.mark.slow
def test_all_of_the_page():
    for case in (wave_convergence.barotropic_wave, wave_convergence.internal_wave, zonal_flow.zonal_flow):
        for finding in case():
            assert finding.kept is not False, finding
