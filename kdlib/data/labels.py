"""The labels that a voxel can have, and from which probability on it gets that of a lesion."""

from enum import IntEnum

THRESHOLD = 0.5  # a voxel is lesion if its probability is at least this


class Label(IntEnum):
    """The labels of the challenge. A lesion is a white matter hyperintensity."""

    BACKGROUND = 0
    LESION = 1
    OTHER_PATHOLOGY = 2
