"""What the clinics look like: a row a subject, intensity histograms and a few slices, all small."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.data.clinics import Clinics, Subject
from kdlib.data.frame import foreground
from kdlib.data.labels import Label
from kdlib.data.slices import normalise
from kdlib.data.volume import to_lps
from kdlib.record.arrays import Arrays, Key
from kdlib.scores.metrics import components
from kdlib.scores.scoring import example_slice

HISTOGRAM_BINS = 80
VOXELS = 4_000  # drawn from each head, evenly
QUARTILES = (0.25, 0.5, 0.75)  # of lesion volume: whose slices are kept


def clinic_summary(clinics: Clinics) -> tuple[pd.DataFrame, Arrays]:
    """The table and the arrays of all subjects with a label, of the clinics' own intensities.

    Table: ``clinic, subject, split, grid, voxel_mm, lesion_ml, lesions`` (26-connected parts) and
    ``lesion_contrast`` (median of lesion over median of head). Arrays: ``intensity_edges`` and
    ``<clinic>/intensity`` (counts of head voxels), the same for ``normalised``, and of three
    subjects a clinic ``<clinic>/<subject>/flair`` (uint16) and ``/labels``, slices (x, y) LPS.
    """
    rows, arrays = [], Arrays()
    heads: dict[str, dict[str, NDArray]] = {"intensity": {}, "normalised": {}}
    labelled = {
        name: known for name, clinic in clinics.items()
        if (known := [subject for subject in clinic.subjects if subject.label is not None])
    }  # fmt: skip
    for name, known in labelled.items():
        seen = [_measure(subject) for subject in known]
        rows += [row for row, _, _ in seen]
        heads["intensity"][name] = np.concatenate([raw for _, raw, _ in seen])
        heads["normalised"][name] = np.concatenate([normal for _, _, normal in seen])
        for subject in _quartiles(known):
            arrays |= _slice(name, subject)
    for kind, voxels in heads.items():
        arrays |= _histograms(kind, voxels)
    return pd.DataFrame(rows), arrays


def _measure(subject: Subject) -> tuple[dict[str, Any], NDArray, NDArray]:
    """A subject's row, and voxels of its head before and after normalisation."""
    flair = subject.scan.read()[0]
    labels = subject.labelled.read_labels().array
    inside = foreground(flair.array)
    every = slice(None, None, max(1, int(inside.sum()) // VOXELS))
    lesion, head = flair.array[labels == Label.LESION], flair.array[inside]
    row = {
        "clinic": subject.scan.clinic,
        "subject": subject.id,
        "split": subject.split,
        "grid": " x ".join(map(str, flair.array.shape)),
        "voxel_mm": " x ".join(f"{edge:.2f}" for edge in flair.spacing_mm),
        "lesion_ml": round(subject.lesion_ml, 2),
        "lesions": components(labels == Label.LESION)[1],
        "lesion_contrast": round(float(np.median(lesion) / np.median(head)), 3)
        if lesion.size
        else None,
    }
    return row, head[every], normalise(flair.array, inside, "z-score")[inside][every]


def _quartiles(subjects: list[Subject]) -> list[Subject]:
    ordered = sorted(subjects, key=lambda subject: subject.lesion_ml)
    return [ordered[round(share * (len(ordered) - 1))] for share in QUARTILES]


def _slice(name: str, subject: Subject) -> Arrays:
    labels, flair = subject.labelled.read_labels(), to_lps(subject.scan.read()[0]).array
    place = example_slice(labels)
    owner = (name, subject.id)
    return {
        Key(owner, "flair"): flair[:, :, place].clip(0, 65_535).round().astype(np.uint16),
        Key(owner, "labels"): to_lps(labels).array[:, :, place].astype(np.uint8),
    }


def _histograms(kind: str, voxels: dict[str, NDArray]) -> Arrays:
    """Counts over common edges, which leave out the outermost thousandth."""
    ends = [np.percentile(values, [0.1, 99.9]) for values in voxels.values()]
    edges = np.linspace(
        min(low for low, _ in ends), max(high for _, high in ends), HISTOGRAM_BINS + 1
    )
    counts = {Key((name,), kind): np.histogram(v, edges)[0] for name, v in voxels.items()}
    return {Key((), f"{kind}_edges"): edges.astype(np.float32)} | counts
