"""The starter on real scans, beside a threshold and a network of the study's simulated clinics.

    python benchmarks/real_scans.py SCANS [--mask-name mask] [--today] [--out table.csv]

SCANS holds real FLAIR scans with masks, ``<subject>/FLAIR.nii.gz`` and ``<subject>/mask.nii.gz``,
with the skull or without; they are taken as they are. No training and no setting looks at them:
what is chosen is chosen on simulated people.

- ``starter``: the segmenter that comes with kdlib.
- ``threshold``: what is brighter than the white matter's peak plus k of its widths, inside the
  brain that the starter finds. k is the best one for simulated people.
- ``today``, with ``--today``: one network of the three simulated clinics, trained for about 150 s,
  and ``today, stripped``: the same network inside the brain that the starter finds.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import kdlib
from kdlib.data.clinics import Clinic, Clinics
from kdlib.data.subjects import Subject, lesion_ml
from kdlib.data.volume import Volume
from kdlib.data.white_peak import white_peak
from kdlib.scores.in_space import evaluate_volumes
from kdlib.scores.metrics import THRESHOLD, dice
from kdlib.simulator import simulate
from kdlib.starter.brain import find_brain, stripped
from kdlib.starter.people import draw_person
from kdlib.starter.population import template
from kdlib.starter.starter import load_starter
from kdlib.study.progress import count_bar, trainings

Segmenter = Callable[[Volume], Volume]

SOURCES = "utrecht+singapore+amsterdam"
HELD_OUT = 2  # simulated subjects of each clinic
WIDTHS = np.arange(1.0, 8.01, 0.25)  # the choices of k
PEOPLE = 24  # simulated people on whom k is chosen


def cut_out(scan: Volume) -> Volume:
    """The scan with 0 outside the brain that the starter finds."""
    return stripped(scan, find_brain(scan))


def widths_above(cut: Volume) -> Volume:
    """How far each voxel of a stripped scan is above the white matter, in widths of its peak."""
    inside = cut.array > 0
    peak, width = white_peak(cut.array[inside])
    return replace(cut, array=np.where(inside, (cut.array - peak) / width, -np.inf))


def best_widths() -> float:
    """The k that has the best mean Dice on simulated people, who are stripped already."""
    found = np.zeros((PEOPLE, len(WIDTHS)))
    for number in range(PEOPLE):
        person = draw_person(1, number, template(), split="validation")
        above, lesions = widths_above(person.flair).array, person.labels.array == 1
        counted = person.labels.array != 2
        found[number] = [dice(lesions, (above >= k) & counted) for k in WIDTHS]
    return float(WIDTHS[np.nanmean(found, axis=0).argmax()])


def thresholded(k: float) -> Segmenter:
    """What is ``k`` widths above the white matter or more."""

    def answer(scan: Volume) -> Volume:
        above = widths_above(cut_out(scan))
        return replace(above, array=(above.array >= k).astype(np.float32))

    return answer


def scenario(steps: int) -> kdlib.Scenario:
    """A small network of all three clinics."""
    return kdlib.Scenario(
        method="supervised", source=SOURCES, steps=steps, voxel_mm=(2, 2, 3),
        size=(80, 104), width=16, batch_size=16, learning_rate=2e-3, schedule="cosine",
        loss="dice+cross-entropy", augmentation=("flip", "affine", "gamma"),
    )  # fmt: skip


def today(data: Path, store: Path, steps: int) -> kdlib.Run:
    """The network of the simulated clinics, made if it is missing."""
    with count_bar("subjects") as on_subject:
        simulate(data, grid="2mm", test=30, skull=False, on_subject=on_subject)
    kept = kdlib.Store(store, learnt_from(kdlib.open_clinics(data)))
    wanted = scenario(steps)
    with trainings(kept.missing([wanted])) as on_progress:
        return kept.run(wanted, on_progress=on_progress)


def learnt_from(clinics: Clinics) -> Clinics:
    """The simulated clinics with all subjects but ``HELD_OUT`` to learn from."""
    return Clinics(clinics.folder, {name: _most(clinic) for name, clinic in clinics.items()})


def _most(clinic: Clinic) -> Clinic:
    spared = clinic.test[:HELD_OUT]
    return Clinic(
        clinic.name,
        tuple(s if s in spared else replace(s, split="training") for s in clinic.subjects),
    )


def labelled_by(scans: Path, mask_name: str) -> Iterator[Subject]:
    """The subjects of a folder that have a mask of this name."""
    for clinic in kdlib.open_clinics(scans).values():
        for subject in clinic.subjects:
            label = subject.scan.flair.parent / f"{mask_name}.nii.gz"
            if label.exists():
                yield replace(subject, label=label)


def scored(subject: Subject, segmenters: dict[str, Segmenter]) -> list[dict[str, object]]:
    """A row of scores for each segmenter, on the scan's own grid."""
    truth, scan = subject.labelled.read_labels(), subject.scan.read()[0]
    rows: list[dict[str, object]] = []
    for name, segmenter in segmenters.items():
        answer = segmenter(scan)
        found = evaluate_volumes(truth, answer)
        mask = Volume(answer.array >= THRESHOLD, answer.affine)
        rows.append({
            "scan": subject.id, "by": name, "dice": found.dice, "recall": found.lesion_recall,
            "found_ml": lesion_ml(mask), "true_ml": lesion_ml(truth),
        })  # fmt: skip
    return rows


def main() -> None:
    """Choose k, train what is missing, then score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--mask-name", default="mask")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--today", action="store_true")
    parser.add_argument("--data", type=Path, default=Path("data/stripped"))
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--steps", type=int, default=1200)
    options = parser.parse_args()
    k = best_widths()
    print(f"threshold: {k:g} widths of the peak above the white matter")
    segmenters = {
        "starter": lambda scan: load_starter().answer(scan)[0],
        "threshold": thresholded(k),
    }
    if options.today:
        run = today(options.data, options.store, options.steps)
        segmenters["today"] = run.predict
        segmenters["today, stripped"] = lambda scan: run.predict(cut_out(scan))
    subjects = list(labelled_by(options.scans, options.mask_name))
    table = pd.DataFrame([row for one in subjects for row in scored(one, segmenters)]).round(3)
    print(table.to_string(index=False))
    print(
        table.groupby("by", sort=False)[["dice", "recall", "found_ml", "true_ml"]].mean().round(3)
    )
    if options.out is not None:
        table.to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
