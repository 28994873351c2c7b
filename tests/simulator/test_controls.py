"""Laws of the control clinics."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.layouts import CONTROL_FOLDERS
from kdlib.errors import InputError
from kdlib.simulator import simulate
from kdlib.simulator.controls import CONTROLS, bent
from tests.simulator.test_on_disk import files

AGAIN, MILD, LARGE = CONTROLS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One subject of Utrecht, and then one of each control clinic in the same folder."""
    folder = tmp_path_factory.mktemp("controls") / "clinics"
    for controls in (False, True):
        simulate(folder, grid="2mm", clinics=["utrecht"], training=1, workers=1, controls=controls)
    return folder


@pytest.fixture(scope="module")
def simulated(folder: Path) -> Clinics:
    return open_clinics(folder)


def flair(clinics: Clinics, clinic: str) -> np.ndarray:
    return clinics[clinic].training[0].scan.read()[0].array


def labels(clinics: Clinics, clinic: str) -> np.ndarray:
    return clinics[clinic].training[0].labelled.read_labels().array


def test_a_folder_goes_on_with_the_control_clinics(simulated: Clinics) -> None:
    assert list(simulated) == ["utrecht", *CONTROLS] == ["utrecht", *CONTROL_FOLDERS]
    assert all(len(clinic.training) == 1 and not clinic.test for clinic in simulated.values())


def test_a_folder_without_them_says_how_they_are_made(clinics: Clinics) -> None:
    with pytest.raises(InputError, match=r"unknown clinic 'utrecht-again'.*--controls"):
        clinics[AGAIN]


def test_control_clinics_have_other_people_than_utrecht(simulated: Clinics) -> None:
    assert (labels(simulated, AGAIN) != labels(simulated, "utrecht")).any()


def test_control_clinics_have_utrechts_loads(simulated: Clinics) -> None:
    first, again = (simulated[name].training[0].lesion_ml for name in ("utrecht", AGAIN))
    assert again == pytest.approx(first, rel=0.25)  # what labels of coarse voxels leave of it


def test_only_the_flair_is_bent(folder: Path) -> None:
    again, *bent_ones = (files(folder / "training" / home) for home in CONTROL_FOLDERS.values())
    for other in bent_ones:
        assert [name for name in again if again[name] != other[name]] == ["0/pre/FLAIR.nii.gz"]


def test_bent_scans_have_less_contrast_of_lesions(simulated: Clinics) -> None:
    lesion = labels(simulated, AGAIN) == 1
    contrasts = []
    for clinic in (AGAIN, MILD, LARGE):
        image = flair(simulated, clinic)
        contrasts.append(np.median(image[lesion]) / np.percentile(image, 90))
    assert contrasts[0] > contrasts[1] > contrasts[2] > 1


@pytest.mark.parametrize("clinic", [MILD, LARGE])
def test_a_bent_scan_is_a_monotone_curve_of_the_scan(simulated: Clinics, clinic: str) -> None:
    before, after = (flair(simulated, name).ravel() for name in (AGAIN, clinic))
    assert (np.diff(after[np.argsort(before, kind="stable")]) >= 0).all()
    assert len(np.unique(after)) > 0.9 * len(np.unique(before))  # it loses next to nothing


def test_bending_keeps_zeros_and_the_bright_end_of_the_head() -> None:
    scan = torch.cat([torch.zeros(499), torch.linspace(50, 150, 1001)]).reshape(3, -1, 1)
    after = bent(scan, 2.0)
    assert torch.equal(after == 0, scan == 0)
    assert after[scan == 141].item() == pytest.approx(141, rel=5e-3)
    assert torch.equal(bent(scan, 0.0), scan)


def test_how_scans_are_read_decides_no_voxel_of_the_simulator() -> None:
    scan = torch.zeros(20, 20, 20)
    scan[6:14, 6:14, 6:14] = torch.linspace(50, 100, 512).reshape(8, 8, 8)
    scan[:4:2, ::2, ::2] = 150  # islands, which no reader takes for head
    values = scan[scan != 0].numpy()
    low, high = np.percentile(values, [2, 98])
    bright = np.percentile(values[values > low + 0.1 * (high - low)], 90)
    expected = bright * np.tanh(0.5 * scan.numpy() / bright) / np.tanh(0.5)
    np.testing.assert_allclose(bent(scan, 0.5).numpy(), expected, rtol=1e-5)


def test_a_scanner_of_twice_the_gain_bends_alike() -> None:
    scan = torch.linspace(0, 150, 1500).reshape(10, 10, 15)
    torch.testing.assert_close(bent(2 * scan, 1.5), 2 * bent(scan, 1.5))
