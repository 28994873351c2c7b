"""The labels that a voxel can have."""

from enum import IntEnum


class Label(IntEnum):
    """The labels of the challenge. A lesion is a white matter hyperintensity."""

    BACKGROUND = 0
    LESION = 1
    OTHER_PATHOLOGY = 2
