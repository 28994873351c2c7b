"""The white-matter peak of an image, after WhiteStripe (Shinohara et al. 2014)."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

BINS = 200
SMOOTHED = 3.0  # bins, standard deviation
HIGH = 0.5  # of the highest peak; lower ones are fat, or noise
MEDIAN_ABOVE = 0.6745  # the median of the upper half of a normal distribution of SD 1


def white_peak(head: NDArray) -> tuple[float, float]:
    """Where the white matter's peak is in the intensities of a head, and how wide it is.

    The peak is the brightest high one of the smoothed histogram. White matter is that in T1, and in
    FLAIR most of the brain is within it. The width is that of a normal distribution with the same
    median above the peak. The paper takes the width of a stripe of the head's quantiles on both
    sides. That grows with the ventricles, which are below the peak.

    Args:
        head: the intensities inside the head (N,).

    Returns:
        The peak's place, and its width, in units of the image.
    """
    low, high = np.percentile(head, [0.5, 99.5])
    counts, edges = np.histogram(head, BINS, (low, high))
    smooth = gaussian_filter1d(counts.astype(float), SMOOTHED, mode="constant")
    # As scipy.signal.argrelmax, whose import takes longer than all others of kdlib's together.
    peaks = np.flatnonzero((smooth > np.roll(smooth, 1)) & (smooth > np.roll(smooth, -1)))
    peak = edges[max(peaks[smooth[peaks] >= HIGH * smooth.max()], default=smooth.argmax())]
    peak += (edges[1] - edges[0]) / 2
    above = head[head > peak]
    width = np.median(above) - peak if above.size else 0.0
    return float(peak), float(width / MEDIAN_ABOVE)
