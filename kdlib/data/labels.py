"""What a voxel of a label map says."""

from enum import IntEnum


class Label(IntEnum):
    """The challenge's labels; a lesion is a white matter hyperintensity."""

    BACKGROUND = 0
    LESION = 1
    OTHER_PATHOLOGY = 2
