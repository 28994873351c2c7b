"""The simulated clinics against what is published of the real ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from kdlib.simulator import loads
from kdlib.simulator.geometry import Grid
from kdlib.simulator.landmarks import USUAL_PLEXUS, Plexus, bright_fluid
from kdlib.simulator.lesions import Style, draw_lesions, infratentorial
from kdlib.simulator.protocols import (
    ODD_SHAPES,
    SITES,
    population,
    protocol,
    site,
    voxel_grid,
)
from kdlib.simulator.signal import TISSUES, flair
from kdlib.simulator.subject import SimulatedSubject, SimulatorSettings, simulate_subject
from kdlib.simulator.template import template_maps

SETTINGS = SimulatorSettings("2mm", 0, 1.0, 1.0, skull=True)
VOXEL_MM3 = 12.0


@pytest.fixture(scope="session")
def template() -> torch.Tensor:
    return torch.from_numpy(template_maps())


@pytest.fixture(scope="session")
def subjects(template: torch.Tensor) -> dict[tuple[str, int], SimulatedSubject]:
    """Five subjects of each clinic on the coarse grid."""
    return {
        (clinic, number): simulate_subject(SETTINGS, clinic, number, template)
        for clinic in SITES
        for number in site(clinic).training[:5]
    }


@pytest.fixture(scope="session")
def native(template: torch.Tensor) -> SimulatedSubject:
    """One subject of Amsterdam on the challenge's own grid."""
    return simulate_subject(replace(SETTINGS, grid="native"), "amsterdam", 100, template)


def of(subjects: dict, clinic: str) -> list[SimulatedSubject]:
    return [subject for (name, _), subject in subjects.items() if name == clinic]


def healthy_white(subject: SimulatedSubject) -> torch.Tensor:
    """White matter at some distance from every lesion."""
    lesion = (subject.tissues["faint"] + subject.tissues["bright"]) > 0.1
    near = torch.from_numpy(ndimage.binary_dilation(lesion.numpy(), iterations=2))
    return (subject.tissues["white"] > 0.97) & ~near & (subject.flair > 0)


def white_level(subject: SimulatedSubject) -> float:
    return float(subject.flair[healthy_white(subject)].median())


def component_mm3(subject: SimulatedSubject) -> np.ndarray:
    lesions, _ = ndimage.label(subject.labels.numpy() == 1, np.ones((3, 3, 3)))
    return np.bincount(lesions.ravel())[1:] * VOXEL_MM3


def load_ml(subject: SimulatedSubject) -> float:
    return float((subject.labels == 1).sum() * VOXEL_MM3 / 1000)


# Anatomy


def test_the_cortex_is_a_thin_ribbon_round_the_white_matter(template: torch.Tensor) -> None:
    upper = template[..., 72:].numpy()  # above the cerebellum
    white, cortex = (upper[:2] == upper[:4].max(0)) & (upper[5] < 0)
    away_mm = ndimage.distance_transform_edt(~white)[cortex]
    assert 1.4 < np.median(away_mm) < 2.3
    assert np.quantile(away_mm, 0.99) < 4.3


def test_no_lesion_lies_in_cortex_or_deep_grey_matter(subjects) -> None:
    for s in subjects.values():
        grey = s.tissues["cortex"] + s.tissues["deep"]
        assert float(grey[s.labels == 1].mean()) < 0.15


# Intensities


def test_cortex_is_slightly_brighter_than_white_matter_on_flair(subjects) -> None:
    ratios = [
        float(s.flair[(s.tissues["cortex"] > 0.5) & (s.flair > 0)].median()) / white_level(s)
        for s in subjects.values()
    ]
    assert 1.04 < np.mean(ratios) < 1.12
    assert np.std(ratios) > 0.01


def test_cortex_is_darker_than_white_matter_on_t1(subjects) -> None:
    for s in subjects.values():
        cortex = s.t1[(s.tissues["cortex"] > 0.9) & (s.flair > 0)].median()
        assert 0.64 < cortex / s.t1[healthy_white(s)].median() < 0.92


def test_lesions_are_a_third_brighter_than_white_matter(subjects) -> None:
    ratios = [
        (s.flair[(s.labels == 1) & (s.flair > 0)] / white_level(s)).quantile(
            torch.tensor([0.1, 0.5, 0.9])
        )
        for s in subjects.values()
    ]
    faint, middle, bright = torch.stack(ratios).mean(0)
    assert 1.1 < faint < 1.3
    assert 1.27 < middle < 1.48
    assert 1.4 < bright < 1.8


def test_flair_fades_over_millimetres_round_a_lesion(subjects) -> None:
    for clinic in SITES:
        ratios = [white_beside_lesions(s) / white_level(s) for s in of(subjects, clinic)]
        assert 1.03 < np.median(ratios) < 1.2


def white_beside_lesions(subject: SimulatedSubject) -> float:
    """Median FLAIR of nearly pure white matter one voxel from a labelled lesion."""
    lesion = (subject.labels == 1).numpy()
    beside = torch.from_numpy(ndimage.binary_dilation(lesion) & ~lesion)
    white = (subject.tissues["white"] > 0.9) & (subject.flair > 0)
    return float(subject.flair[white & beside].median())


@pytest.mark.parametrize("tissue", ["cortex", "faint", "bright"])
def test_the_shorter_the_echo_the_less_lesions_and_cortex_stand_out(tissue: str) -> None:
    contrasts = []
    for echo_ms in (60, 90, 120):
        scanner = replace(protocol("utrecht", 1.0), echo_ms=echo_ms)
        contrasts.append(flair(TISSUES[tissue], scanner) / flair(TISSUES["white"], scanner))
    assert 1 < contrasts[0] < contrasts[1] < contrasts[2]


def test_white_matter_is_as_noisy_as_in_real_scans(native: SimulatedSubject) -> None:
    white = native.flair[healthy_white(native)]
    low, high = white.quantile(torch.tensor([0.25, 0.75]))
    assert 8.5 < white.median() / white.std() < 13.5
    assert 0.09 < (high - low) / white.median() < 0.15


def test_clinics_have_their_own_intensity_level(subjects) -> None:
    utrecht, singapore, amsterdam = (
        np.mean([white_level(s) for s in of(subjects, clinic)]) for clinic in SITES
    )
    assert singapore / utrecht == pytest.approx(0.57, rel=0.15)
    assert amsterdam / utrecht == pytest.approx(1.45, rel=0.15)


# Lesions


def test_component_sizes_are_those_of_real_masks(subjects) -> None:
    sizes = [component_mm3(s) for s in subjects.values()]
    every = np.concatenate(sizes)
    assert 40 < np.median([len(one) for one in sizes]) < 130
    assert np.mean(every < 100) == pytest.approx(0.88, abs=0.05)
    assert np.mean(every < 17) == pytest.approx(0.5, abs=0.15)
    shares = [every[(every > low) & (every <= high)].sum() for low, high in BANDS]
    confluent, middle, small = np.array(shares) / every.sum()
    assert confluent == pytest.approx(0.45, abs=0.2)
    assert middle == pytest.approx(0.26, abs=0.2)
    assert small == pytest.approx(0.29, abs=0.2)


BANDS = ((10_000, np.inf), (1_000, 10_000), (0, 1_000))


def test_labels_hold_the_drawn_load(subjects) -> None:
    """At 2 mm a fifth of it is lost: voxels that are lesion in their smaller part."""
    drawn = [loads.load_ml(0, *who, population(who[0], 1.0)) for who in subjects]
    shares = [load_ml(s) for s in subjects.values()] / np.array(drawn)
    assert 0.7 < np.median(shares) < 0.95
    assert min(shares) > 0.4
    assert max(shares) < 1.1


def test_lesions_take_the_volume_they_are_asked_for() -> None:
    grid = Grid((24, 24, 12), (2, 2, 3), layers=2)  # 83 mL of white matter
    points = grid.points_mm()
    room, ventricle_mm = torch.ones(grid.fine_shape), points.norm(dim=-1) - 8
    for seed in range(300):  # a first small lesion larger than the load is rare
        rng = np.random.default_rng(seed)
        lesions = draw_lesions(rng, grid, room, ventricle_mm, points, load_ml=0.8)
        found = float(lesions.fraction.sum()) * grid.fine_voxel_mm3 / 1000
        assert 0.3 < found < 2


def test_lesions_are_alike_at_their_border_and_differ_inside() -> None:
    grid = Grid((48, 48, 24), (2, 2, 3), layers=3)
    points = grid.points_mm()
    room, ventricle_mm = torch.ones(grid.fine_shape), points.norm(dim=-1) - 12
    lesions = draw_lesions(np.random.default_rng(0), grid, room, ventricle_mm, points, load_ml=20)
    border = (lesions.fraction - 0.5).abs() < 0.02
    assert lesions.severity[border].std() < 0.05
    assert lesions.severity[lesions.fraction > 0.95].std() > 0.1


def test_cortical_lesions_lie_where_white_matter_ends() -> None:
    grid = Grid((60, 60, 20), (1.0, 1.0, 3.0), 1)
    room, ventricle_mm = torch.ones(grid.fine_shape), torch.full(grid.fine_shape, 30.0)
    room[:, 28:], room[:, 32:] = 0.8, 0.15  # white matter, its border, cortex

    def share_at_border(cortical: float) -> float:
        style = Style(punctate=(1, 1), large=(0, 0), cortical=cortical)
        points = torch.full((*grid.fine_shape, 3), 20.0)
        rng = np.random.default_rng(0)
        found = draw_lesions(rng, grid, room, ventricle_mm, points, 3.0, style).fraction
        return float(found[:, 24:36].sum() / found.sum())

    assert share_at_border(0.0) < share_at_border(0.5) < share_at_border(1.0)


def test_infratentorial_lesions_lie_in_the_brain_stem_or_the_cerebellum() -> None:
    grid = Grid((60, 70, 40), (2.0, 2.0, 3.0), 1)
    room, ventricle_mm = torch.ones(grid.fine_shape), torch.full(grid.fine_shape, 30.0)
    below = infratentorial(grid.points_mm())

    def share_below(share: float, room: torch.Tensor) -> float:
        style = Style(punctate=(1, 1), large=(0, 0), infratentorial=share)
        rng = np.random.default_rng(0)
        found = draw_lesions(rng, grid, room, ventricle_mm, grid.points_mm(), 3.0, style).fraction
        return float(found[below].sum() / found.sum())

    assert share_below(0.0, room) < share_below(0.5, room) < share_below(1.0, room)
    assert share_below(1.0, room) > 0.8
    assert share_below(1.0, room * ~below) == 0  # a part of a head lacks the place


def test_the_larger_a_plexus_the_more_fluid_is_bright() -> None:
    grid = Grid((40, 40, 10), (1.0, 1.0, 3.0), 1)
    inside, atrium = torch.full(grid.shape, -4.0), torch.full(grid.shape, 0.9)

    def bright(own: Plexus) -> float:
        rng = np.random.default_rng(0)
        return float(bright_fluid(rng, grid, inside, atrium, 0 * atrium, own).mean())

    assert bright(Plexus(size=-0.8)) < bright(USUAL_PLEXUS) < bright(Plexus(size=1.2))
    assert bright(Plexus(share=0.5)) < bright(USUAL_PLEXUS)


def test_ventricles_grow_with_the_lesion_load(subjects) -> None:
    loads = [load_ml(s) for s in subjects.values()]
    ventricles = [float((s.ventricle_mm == 0).sum()) for s in subjects.values()]
    assert np.corrcoef(np.log(loads), np.log(ventricles))[0, 1] > 0.3


def test_other_pathology_is_in_about_four_of_ten_subjects(subjects) -> None:
    assert 0.2 <= np.mean([bool((s.labels == 2).any()) for s in subjects.values()]) <= 0.7


def test_truth_is_where_more_than_half_a_voxel_is_lesion(subjects) -> None:
    for s in subjects.values():
        lesion = s.tissues["faint"] + s.tissues["bright"]
        assert bool((lesion[s.labels == 1] > 0.5).all())
        assert bool(((lesion > 0.1) & (lesion < 0.5)).any())  # soft edges


# Shape, skull and face


def test_amsterdam_is_defaced_and_the_others_are_not(subjects) -> None:
    zeros = [float((s.flair == 0).float().mean()) for s in of(subjects, "amsterdam")]
    assert np.mean(zeros) == pytest.approx(0.22, abs=0.02)
    assert not any((s.flair == 0).any() for s in of(subjects, "utrecht"))


def test_defacing_spares_the_brain_on_the_native_grid(native: SimulatedSubject) -> None:
    assert native.flair.shape == (132, 256, 83)
    assert float((native.flair == 0).float().mean()) == pytest.approx(0.22, abs=0.02)
    assert bool((native.flair[native.tissues["white"] > 0.5] > 0).all())


def test_without_skull_everything_outside_the_brain_is_zero(template) -> None:
    settings = replace(SETTINGS, skull=False)
    s = simulate_subject(settings, "utrecht", 0, template)
    brain = sum(s.tissues.values()) > 0.5
    assert float((s.flair[~brain] == 0).float().mean()) > 0.9
    assert float((s.flair[brain] > 0).float().mean()) > 0.97


@pytest.mark.parametrize(("number", "shape"), ODD_SHAPES.items())
def test_odd_subjects_keep_their_published_shape(number: int, shape: tuple[int, ...]) -> None:
    clinic = "singapore" if number < 100 else "amsterdam"
    assert voxel_grid(clinic, number, "native")[0] == shape


# Shifts and seeds


def test_without_shifts_the_clinics_are_alike() -> None:
    assert len({protocol(clinic, 0.0) for clinic in SITES}) == 1
    assert len({population(clinic, 0.0) for clinic in SITES}) == 1


def test_the_full_shift_is_the_published_protocol() -> None:
    published = protocol("singapore", 1.0)
    times = published.repetition_ms, published.echo_ms, published.inversion_ms
    assert times == pytest.approx((9000, 82, 2500))


def test_a_subject_follows_from_seed_clinic_and_id(subjects, template) -> None:
    again = simulate_subject(SETTINGS, "singapore", 50, template)
    other = simulate_subject(replace(SETTINGS, seed=1), "singapore", 50, template)
    assert torch.equal(again.flair, subjects["singapore", 50].flair)
    assert not torch.equal(other.flair, again.flair)
