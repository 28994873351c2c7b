"""Whole scans of an export: who they are, and that the answers are those of the runs."""

import numpy as np
import pytest

from kdlib.data.volume import to_lps
from kdlib.record import whole_scans
from kdlib.scores.example import example_slice


def test_every_pair_has_the_subjects_with_middle_most_and_least_lesion(explored_study):
    carried = explored_study.results.explored("scan")
    for source, target in explored_study.results.pairs:
        tested = explored_study.clinics[target].folds[1]
        volumes = sorted(tested, key=lambda subject: (subject.lesion_ml, subject.id))
        wanted = [volumes[len(volumes) // 2], volumes[-1], volumes[0]]
        ours = [o[-1] for o in carried if o[:2] == (source, target)]
        assert ours == list(dict.fromkeys(subject.id for subject in wanted))


def test_a_kept_answer_is_the_arms_own_on_the_slice_that_it_is_known_on(explored_study):
    results = explored_study.results
    assert {arm for found in results.answers.values() for arm in found} == set(results.arms)
    for (source, target, subject), found in results.answers.items():
        example = results.example(source, target, subject)
        assert set(found) == set(example) - {"flair", "truth"}
        truth = to_lps(explored_study.clinics[target].subject(subject).labelled.read_labels())
        scan = results.explored("scan")[source, target, subject]
        place, corner = kept(scan["affine"], truth)
        window = tuple(slice(at, at + n) for at, n in zip(corner, scan["truth"].shape, strict=True))
        np.testing.assert_array_equal(scan["truth"], truth.array[window])
        for arm, answer in found.items():
            # 127.5 of 255 was rounded to an even number.
            wanted = example[arm][window[:2]].astype(float)
            shown = answer[:, :, place]
            assert ((shown == (wanted >= 128)) | np.isclose(wanted, 127.5, atol=1)).all()


def kept(affine, truth):
    """The example slice in the box, and the box's first voxel."""
    corner = np.rint(np.linalg.solve(truth.affine, affine[:, 3]))[:3].astype(int)
    return example_slice(truth) - corner[2], corner


def test_large_scans_are_fewer(explored_study, monkeypatch):
    voxels = explored_study.clinics["singapore"].subjects[0].scan.read()[0].array.size
    for room, count in ((voxels - 1, 1), (2 * voxels, 2), (99 * voxels, 3)):
        monkeypatch.setattr(whole_scans, "SCAN_VOXELS", room)
        assert whole_scans._affordable({"singapore"}, explored_study.clinics) == count


@pytest.mark.parametrize("part", ["flair", "truth", "affine"])
def test_sources_share_what_belongs_to_the_target(explored_study, part):
    for owner, arrays in explored_study.results._explorers.items():
        assert (part in arrays) == (
            owner[-1] == "scan" or (part != "affine" and owner[-1] == "soft")
        )
