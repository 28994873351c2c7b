"""A small summary of the clinics: a table of subjects, intensity histograms and a few slices."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kdlib.data.clinics import Clinics
from kdlib.data.head import foreground
from kdlib.data.labels import Label
from kdlib.data.slices import normalise
from kdlib.data.subjects import Subject
from kdlib.data.volume import to_lps
from kdlib.record.arrays import Arrays, Key
from kdlib.scores.example import example_slice
from kdlib.scores.metrics import components

HISTOGRAM_BINS = 80
VOXELS = 4_000  # about so many voxels are taken from each head, evenly
QUARTILES = (0.25, 0.5, 0.75)  # slices of the subjects at these quantiles of lesion volume are kept


def clinic_summary(clinics: Clinics) -> tuple[pd.DataFrame, Arrays]:
    """Summarise all subjects with a label, in a table and in arrays.

    Each row of the table is one subject: ``clinic``, ``subject``, ``patient`` (who may have other
    scans), ``split``, ``grid``, ``voxel_mm``, ``lesion_ml``, ``lesions`` (the number of
    26-connected parts) and ``lesion_contrast`` (the median of the lesions over the median of the
    head, in the scan's own intensities).

    The arrays are histograms and slices. ``<clinic>/intensity`` counts head voxels between
    ``intensity_edges``. The same two are there for ``normalised`` intensities. Three subjects of
    each clinic have one slice (x, y), axes LPS: ``<clinic>/<subject>/flair`` (uint16) and
    ``<clinic>/<subject>/labels`` (uint8).
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
    """One subject's row, and voxels of its head before and after normalisation."""
    flair = subject.scan.read()[0]
    labels = subject.labelled.read_labels().array
    inside = foreground(flair.array)
    every = slice(None, None, max(1, int(inside.sum()) // VOXELS))
    lesion, head = flair.array[labels == Label.LESION], flair.array[inside]
    row = {
        "clinic": subject.scan.clinic,
        "subject": subject.id,
        "patient": subject.patient,
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
    """Count all clinics' voxels between the same edges. The outer thousandths are left out."""
    ends = [np.percentile(values, [0.1, 99.9]) for values in voxels.values()]
    edges = np.linspace(
        min(low for low, _ in ends), max(high for _, high in ends), HISTOGRAM_BINS + 1
    )
    counts = {Key((name,), kind): np.histogram(v, edges)[0] for name, v in voxels.items()}
    return {Key((), f"{kind}_edges"): edges.astype(np.float32)} | counts
