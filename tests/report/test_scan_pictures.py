"""Laws of the pictures in a report on scans."""

import numpy as np

from kdlib.own_scans.scan_pictures import border, shown_slices


def test_a_border_runs_between_the_voxels_of_a_mask_and_the_others() -> None:
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    assert border(mask) == "M1 2v1M2 2v1M1 2h1M1 3h1"
    assert border(np.zeros((3, 4), bool)) == ""


def test_the_slices_shown_are_where_the_lesions_are() -> None:
    assert shown_slices(np.array([0, 0, 5, 0])) == [2]
    assert shown_slices(np.ones(101)) == [15, 50, 85]
