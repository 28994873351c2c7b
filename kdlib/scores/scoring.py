"""Measure one answer to one labelled subject."""

from dataclasses import asdict

from kdlib.data.head import foreground
from kdlib.data.image_file import read_volume
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume
from kdlib.scores.calibration import calibration_scores
from kdlib.scores.in_space import evaluate_volumes
from kdlib.scores.strata import at_matched_volume, by_lesion_volume, by_region, log_volume_ratio

Row = dict[str, str | float]


def score(
    subject: Subject, flair: Volume, truth: Volume, probability: Volume, softening: float = 1.0
) -> Row:
    """Make one row of ``scores.csv``.

    It has the challenge's metrics, then scores by lesion size and by region, the same at the true
    lesion volume, and scores of calibration. Only simulated subjects have scores by region.

    Args:
        subject: whom the answer is about.
        flair: the scan, on the subject's own grid (x, y, z).
        truth: the labels, on the same grid.
        probability: the answer in [0, 1], on the same grid.
        softening: how much less sure the method makes a network (``MethodSettings.softening``).
    """
    pair = truth.array, probability.array
    row: Row = {"clinic": subject.scan.clinic, "subject": subject.id}
    row |= asdict(evaluate_volumes(truth, probability))
    row["log_volume_ratio"] = log_volume_ratio(*pair)
    row |= by_lesion_volume(*pair, truth.spacing_mm)
    path = subject.labelled.label.with_name("simulation") / "ventricle_distance.nii.gz"
    distance = read_volume(path).array if path.exists() else None
    if distance is not None:
        row |= by_region(*pair, distance)
    row |= at_matched_volume(*pair, truth.spacing_mm, distance)
    head = foreground(flair.array)
    return row | calibration_scores(
        probability.array, truth.array, head, truth.spacing_mm, softening
    )
