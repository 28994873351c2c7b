"""Where a NIfTI file says that its voxels lie: by its sform, by its qform, or not at all.

A file gives up to two affines, each with a code. A code of 0 means that the affine is not given.
"""

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.orientations import axcodes2ornt
from numpy.typing import NDArray

from kdlib.data.grid import Affine, apart_mm, edges_mm, listed, same_grid
from kdlib.errors import InputError

# Outside these edge lengths in mm a header has other units than mm, or its numbers are noise.
VOXEL_EDGES_MM = (0.01, 100.0)
FORMS = ("sform", "qform")
_FIELDS = (
    "sform_code", "srow_x", "srow_y", "srow_z", "qform_code", "quatern_b", "quatern_c",
    "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
)  # fmt: skip
_OPPOSITES = ("LR", "PA", "SI")


@dataclass(frozen=True)
class Reading:
    """What a user says about files that do not say it themselves.

    Attributes:
        orientation: where the axes of files without an orientation point, for example ``"LPS"``
            (left, posterior, superior). None: such a file is refused.
        form: ``"sform"`` or ``"qform"``, the right one where a file has both and they disagree.
            None: such a file is refused.

    Raises:
        InputError: the orientation or the form has another value.
    """

    orientation: str | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        codes = "LPS" if self.orientation is None else self.orientation
        if len(codes) != 3 or any(len(set(codes) & set(pair)) != 1 for pair in _OPPOSITES):
            raise InputError(
                f"orientation {self.orientation!r} is unknown; write where the three axes point, "
                "for example LPS for left, posterior, superior"
            )
        if self.form not in (None, *FORMS):
            raise InputError(f"form {self.form!r} is unknown; choose {' or '.join(FORMS)}")


AS_STORED = Reading()


@dataclass(frozen=True, eq=False)
class Forms:
    """Both forms of a header with their codes, exactly as stored.

    A result on the grid of a scan gets the scan's own forms. So no program can place the two
    differently.
    """

    pixdim: NDArray
    fields: dict[str, Any]

    @classmethod
    def of(cls, raw: nib.Nifti1Header) -> "Forms":
        """The forms of a header."""
        return cls(raw["pixdim"][:4].copy(), {name: raw[name].copy() for name in _FIELDS})

    def write(self, header: nib.Nifti1Header) -> None:
        """Write the forms into another header."""
        header["pixdim"][:4] = self.pixdim
        for name, value in self.fields.items():
            header[name] = value


def affine_of(raw: nib.Nifti1Header, shape: tuple[int, int, int], reading: Reading) -> Affine:
    """The affine (4, 4) from voxel indices to RAS+ mm, by the forms of a header.

    If both forms are given, they must agree, or ``reading`` must say which is right. If none is
    given, ``reading`` must say where the axes point. The centre of the image is then at 0.
    """
    sizes = checked_sizes(raw["pixdim"][1:4])
    if raw["pixdim"][0] not in (-1, 1):
        raw["pixdim"][0] = 1  # The standard reads any other value as 1.
    given = [form for form in FORMS if raw[f"{form}_code"] > 0]
    wanted = [reading.form] if reading.form in given else given
    affines = [checked_affine(_form(raw, str(form))) for form in wanted]
    if not affines:
        return checked_affine(unplaced_affine(shape, sizes, reading))
    if not same_grid(shape, affines[0], affines[-1]):
        apart = apart_mm(shape, affines[0], affines[-1])
        raise InputError(
            f"its sform and qform disagree by up to {apart:.3g} mm; say which is right with "
            "--form sform or --form qform"
        )
    return affines[0]


def unplaced_affine(shape: tuple[int, int, int], sizes: NDArray, reading: Reading) -> Affine:
    """The affine of an image that does not say where it lies, with its centre at 0."""
    if reading.orientation is None:
        raise InputError(
            "it does not say how it is oriented (no sform and no qform are given); convert it "
            "again, or say where its axes point, for example with --orientation LPS"
        )
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (row, direction) in enumerate(axcodes2ornt(tuple(reading.orientation))):
        affine[int(row), axis] = direction * sizes[axis]
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def checked_sizes(sizes: NDArray) -> NDArray:
    """The same edge lengths. Raises ``InputError`` if they are not positive numbers."""
    if not (np.isfinite(sizes) & (sizes > 0)).all():
        raise InputError(f"its voxel size {listed(sizes)} mm is not above 0; export it again")
    return sizes


def checked_affine(affine: NDArray) -> Affine:
    """The same affine. Raises ``InputError`` if it cannot be true."""
    if not np.isfinite(affine).all():
        raise InputError("its affine has NaN or infinity in it; export it again")
    edges = np.array(edges_mm(affine))
    # 1 for axes at right angles, 0 for axes in one plane.
    if not edges.all() or not abs(np.linalg.det(affine[:3, :3] / edges)) > 1e-3:
        raise InputError("its affine is singular (axes in one plane); export it again")
    low, high = VOXEL_EDGES_MM
    if edges.min() < low or edges.max() > high:
        wrong = f"its voxel size {listed(edges)} mm is outside {low:g} to {high:g} mm"
        raise InputError(f"{wrong}; correct its header")
    return np.asarray(affine, dtype=np.float64)


def _form(raw: nib.Nifti1Header, name: str) -> NDArray:
    try:
        return raw.get_sform() if name == "sform" else raw.get_qform()
    except ValueError as error:
        advice = "say that the sform is right with --form sform, or export it again"
        raise InputError(f"its qform is not a rotation; {advice}") from error
