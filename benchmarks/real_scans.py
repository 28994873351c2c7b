"""The starter on real scans, as it is and after it was adapted to them, beside a threshold.

    python benchmarks/real_scans.py FOLDER:NAME ... [--mask-name mask] [--adapt adabn]
        [--seeds 0 1 2] [--today] [--out table.csv]

A folder holds real FLAIR scans with masks, ``<subject>/FLAIR.nii.gz`` and
``<subject>/mask.nii.gz``, with the skull or without; they are taken as they are. No training and no
setting looks at them: what is chosen is chosen on simulated people. ``--mask-name`` can be given
more than once: an answer is scored against each mask that a scan has.

- ``starter``: the segmenter that comes with kdlib.
- ``threshold``: what is brighter than the white matter's peak plus k of its widths, inside the
  brain that the starter finds. k is the best one for simulated people.
- a method, with ``--adapt``, which can be given more than once: the starter after it was adapted by
  this method to all scans of the folder together, and ``... alone``: to each scan alone. The
  column ``adapted`` says whether ``kdlib adapt`` would use that student, and ``forecast`` the gain
  in Dice that it expects; so ``benchmarks/forecast.py --write`` comes first, for the same weights.
  With ``--seeds`` it is adapted to all scans once for each seed, and to each alone with the first.
- ``today``, with ``--today``: one network of the three simulated clinics, trained for about 150 s,
  and ``today, stripped``: the same network inside the brain that the starter finds.

``kdlib/starter/weights/real_scans.csv`` is what it wrote for the shipped weights, and the book's
chapter on the starter reads it. ``book/results/real/starter.csv`` is what it wrote with the seeds
of the study ``real``, for the scans of its target.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import kdlib
from kdlib.data.clinics import Clinic, Clinics
from kdlib.data.places import Place, place_of
from kdlib.data.subjects import Subject, lesion_ml
from kdlib.data.volume import Volume
from kdlib.data.white_peak import white_peak
from kdlib.own_scans.forecast import Verdict, fingerprint, forecast_teacher, verdict_on
from kdlib.own_scans.of_starter import brain_and_inside
from kdlib.own_scans.source_free import (
    adapted_network,
    inside_slices,
    pooled,
    source_free_scenario,
)
from kdlib.scores.in_space import evaluate_volumes
from kdlib.scores.metrics import THRESHOLD, dice
from kdlib.simulator import simulate
from kdlib.starter.people import draw_person
from kdlib.starter.population import template
from kdlib.starter.starter import lesions_in, load_starter
from kdlib.study.progress import count_bar, trainings

# The lesions in a scan, and the verdict on its student; None if there is no student.
Answer = tuple[Volume, Verdict | None]
# It gets the scan, and the scan with 0 outside the brain that the starter finds.
Segmenter = Callable[[Volume, Volume], Answer]

SOURCES = "utrecht+singapore+amsterdam"
HELD_OUT = 2  # simulated subjects of each clinic
WIDTHS = np.arange(1.0, 8.01, 0.25)  # the choices of k
PEOPLE = 24  # simulated people on whom k is chosen


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

    def answer(scan: Volume, cut: Volume) -> Answer:
        above = widths_above(cut)
        return replace(above, array=(above.array >= k).astype(np.float32)), None

    return answer


def as_it_is(scan: Volume, cut: Volume) -> Answer:
    """The starter that comes with kdlib."""
    starter = load_starter()
    return lesions_in(cut, starter.network, starter.recipe), None


def adapted_to(cuts: Sequence[Volume], method: str, seed: int, *, alone: bool = False) -> Segmenter:
    """The starter adapted to stripped scans; ``alone`` says that this is a single one."""
    starter = load_starter()
    scenario = source_free_scenario(starter, method, seed=seed, on_the_fly=alone)
    parts = [inside_slices(cut, starter.recipe) for cut in cuts]
    target = pooled(parts, torch.device("cpu"))
    student = adapted_network(starter.network, target, scenario)
    verdict = verdict_on(starter.network, student, target, scenario, scans=len(cuts))
    return lambda scan, cut: (lesions_in(cut, student, starter.recipe), verdict)


def students(
    methods: Sequence[str], cuts: Sequence[Volume], seeds: Sequence[int]
) -> dict[tuple[str, int], Segmenter]:
    """The students of all stripped scans together, and with the first seed those of each alone."""

    def alone(method: str) -> Segmenter:
        return lambda scan, cut: adapted_to([cut], method, seeds[0], alone=True)(scan, cut)

    return {(f"{method} alone", seeds[0]): alone(method) for method in methods} | {
        (method, seed): adapted_to(cuts, method, seed) for method in methods for seed in seeds
    }


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


def labels_of(subject: Subject, names: Sequence[str]) -> dict[str, Path]:
    """The masks of a subject that lie beside its scan, by their names."""
    beside = {name: subject.scan.flair.parent / f"{name}.nii.gz" for name in names}
    return {name: path for name, path in beside.items() if path.exists()}


def scored(
    subject: Subject,
    cut: Volume,
    labels: dict[str, Path],
    segmenters: dict[tuple[str, int], Segmenter],
) -> Iterator[dict[str, object]]:
    """A row of scores for each segmenter and mask, on the scan's own grid."""
    scan = subject.scan.read()[0]
    for (name, seed), segmenter in segmenters.items():
        answer, verdict = segmenter(scan, cut)
        forecast = verdict.forecast if verdict else None
        found_ml = lesion_ml(Volume(answer.array >= THRESHOLD, answer.affine))
        for mask, path in labels.items():
            truth = replace(subject, label=path).labelled.read_labels()
            found = evaluate_volumes(truth, answer)
            yield {
                "scan": subject.id, "by": name, "seed": seed, "mask": mask, "dice": found.dice,
                "recall": found.lesion_recall, "found_ml": found_ml,
                "true_ml": lesion_ml(truth), "adapted": verdict.adapted if verdict else None,
                "forecast": forecast.gain if forecast else None,
            }  # fmt: skip


def site_scores(
    place: Place,
    masks: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
    others: dict[str, Segmenter],
) -> pd.DataFrame:
    """The scores of all subjects of a folder that have a mask."""
    labels = {s: labels_of(s, masks) for s in kdlib.open_clinics(place.folder).subjects}
    subjects = [subject for subject, paths in labels.items() if paths]
    cuts = [brain_and_inside(subject.scan.read()[0])[1] for subject in subjects]
    plain = {(name, seeds[0]): segmenter for name, segmenter in others.items()}
    segmenters = plain | students(methods, cuts, seeds)
    rows = [
        row
        for subject, cut in zip(subjects, cuts, strict=True)
        for row in scored(subject, cut, labels[subject], segmenters)
    ]
    table = pd.DataFrame(rows)
    table.insert(0, "site", place.name or place.folder.name)
    return table


def main() -> None:
    """Choose k, train what is missing, then score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=place_of, nargs="+", metavar="FOLDER:NAME")
    parser.add_argument("--mask-name", action="append", default=[])
    parser.add_argument("--adapt", action="append", default=[], metavar="METHOD")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--today", action="store_true")
    parser.add_argument("--data", type=Path, default=Path("data/stripped"))
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--steps", type=int, default=1200)
    options = parser.parse_args()
    if options.adapt and forecast_teacher() != fingerprint(load_starter().network):
        parser.error("the forecast is of another network; run benchmarks/forecast.py --write first")
    k = best_widths()
    print(f"threshold: {k:g} widths of the peak above the white matter")
    segmenters: dict[str, Segmenter] = {
        "starter": as_it_is,
        "threshold": thresholded(k),
    }
    if options.today:
        run = today(options.data, options.store, options.steps)
        segmenters["today"] = lambda scan, cut: (run.predict(scan), None)
        segmenters["today, stripped"] = lambda scan, cut: (run.predict(cut), None)
    masks = options.mask_name or ["mask"]
    tables = [
        site_scores(one, masks, options.adapt, options.seeds, segmenters) for one in options.scans
    ]
    table = pd.concat(tables).round(3)
    print(table.to_string(index=False))
    numbers = ["dice", "recall", "found_ml", "true_ml"]
    print(table.groupby(["site", "mask", "by"], sort=False)[numbers].mean().round(3))
    if options.out is not None:
        table.to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
