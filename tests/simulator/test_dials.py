"""Laws of the dials."""

from pathlib import Path

import pytest
import torch

from kdlib.data.clinics import Clinics, open_clinics
from kdlib.data.layouts import DIAL_FOLDERS, LARGE_FOLDERS
from kdlib.errors import InputError
from kdlib.simulator import simulate
from kdlib.simulator.dials import DIALLED, DIALS, LARGE
from kdlib.simulator.images import _thick
from kdlib.simulator.protocols import POPULATIONS, PROTOCOLS, TIMES
from kdlib.simulator.simulation import _made_jobs
from kdlib.simulator.subject import SimulatedSubject, SimulatorSettings, simulate_subject
from kdlib.simulator.template import template_maps

SETTINGS = SimulatorSettings("2mm", 0, 1.0, 1.0, skull=True)
UTRECHT, SINGAPORE = PROTOCOLS["utrecht"], PROTOCOLS["singapore"]


@pytest.fixture(scope="module")
def subjects() -> dict[str, SimulatedSubject]:
    """One person on some of the dials."""
    maps = torch.from_numpy(template_maps())
    names = ("utrecht-again", "utrecht~contrast2", "utrecht~reader2", "utrecht~view1")
    return {name: simulate_subject(SETTINGS, name, 8, maps) for name in names}


def test_every_dial_has_a_folder() -> None:
    assert list(DIALLED) == list(DIAL_FOLDERS)
    assert list(LARGE) == list(LARGE_FOLDERS)


@pytest.mark.parametrize("dial", DIALS)
def test_at_level_0_a_dial_changes_nothing(dial: str) -> None:
    scanner, patients = (
        of("utrecht", 1.0, 0) for of in (DIALS[dial].scanner_of, DIALS[dial].patients_of)
    )
    assert vars(scanner) == pytest.approx(vars(UTRECHT))
    assert vars(patients) == pytest.approx(vars(POPULATIONS["utrecht"]))


def test_at_level_1_contrast_is_the_other_clinics_and_at_2_twice_as_far() -> None:
    for level in (1, 2):
        scanner = DIALS["contrast"].scanner_of("utrecht", 1.0, level)
        for name, own in vars(UTRECHT).items():
            far = level * (getattr(SINGAPORE, name) - own) if name in TIMES else 0
            assert getattr(scanner, name) == pytest.approx(own + far)


def test_contrast_changes_images_and_no_label(subjects: dict[str, SimulatedSubject]) -> None:
    again, contrast = subjects["utrecht-again"], subjects["utrecht~contrast2"]
    assert torch.equal(contrast.labels, again.labels)
    lesion, white = again.labels == 1, again.tissues["white"] > 0.97
    before, after = (
        (one.flair[lesion].median() / one.flair[white].median()).item() for one in (again, contrast)
    )
    assert 1 < after < before - 0.2


def test_another_reader_draws_wider_borders_on_the_same_scan(
    subjects: dict[str, SimulatedSubject],
) -> None:
    again, wide = subjects["utrecht-again"], subjects["utrecht~reader2"]
    assert torch.equal(wide.flair, again.flair)
    before, after = again.labels == 1, wide.labels == 1
    assert not (before & ~after).any()
    assert 1.2 < after.sum() / before.sum() < 3


def test_a_taller_view_is_defaced_and_keeps_the_brain(
    subjects: dict[str, SimulatedSubject],
) -> None:
    tall = subjects["utrecht~view1"]
    assert tall.flair.shape[2] == subjects["utrecht-again"].flair.shape[2] + 35
    assert (tall.flair == 0).float().mean().item() == pytest.approx(0.22, abs=0.03)
    assert (tall.flair[tall.tissues["white"] > 0.5] > 0).all()


def test_thick_slices_mix_with_their_neighbours_and_keep_the_mean() -> None:
    image = torch.zeros(1, 1, 7)
    image[..., 3] = 1
    assert _thick(image, 2.0).flatten().tolist() == [0, 0, 0.25, 0.5, 0.25, 0, 0]
    assert _thick(torch.ones(2, 2, 5), 1.5).allclose(torch.ones(2, 2, 5))
    assert _thick(image, 1.0) is image


def test_a_large_clinic_has_the_people_of_both_splits(tmp_path: Path) -> None:
    simulate(tmp_path, grid="2mm", clinics=["singapore"], training=1, large=True, workers=1)
    clinics = open_clinics(tmp_path)
    assert [subject.id for subject in clinics["singapore-large"].training] == ["50", "70"]
    first, same = (
        clinics[name].training[0].scan.read()[0].array for name in ("singapore", "singapore-large")
    )
    assert (first == same).all()


def test_jobs_of_the_dials_lie_in_their_folders() -> None:
    jobs = _made_jobs(Path("out"), list(DIALLED), 2)
    assert len(jobs) == 2 * len(DIALLED)
    assert jobs[2][2] == Path("out/training/Utrecht~contrast2/0")


def test_a_folder_without_them_says_how_they_are_made(clinics: Clinics) -> None:
    with pytest.raises(InputError, match=r"utrecht~noise2.*simulate --dials"):
        clinics["utrecht~noise2"]
    with pytest.raises(InputError, match=r"singapore-large.*simulate --large"):
        clinics["singapore-large"]
