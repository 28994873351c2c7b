"""The simulator's yardstick: train on simulated clinics alone, score on real scans.

    python benchmarks/real_scans.py SCANS [--steps 1200] [--seeds 0 1]

SCANS holds real FLAIR scans with masks, ``<subject>/FLAIR.nii.gz`` and ``<subject>/mask.nii.gz``,
skull-stripped. No part of the training or of its settings looks at them.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import kdlib
from kdlib.data.clinics import Clinic, Clinics
from kdlib.data.subjects import lesion_ml
from kdlib.data.volume import Volume
from kdlib.scores.in_space import evaluate_volumes
from kdlib.simulator import simulate
from kdlib.study.progress import count_bar, trainings

SOURCES = "utrecht+singapore+amsterdam"
HELD_OUT = 2  # simulated subjects of each clinic


def scenario(steps: int, seed: int) -> kdlib.Scenario:
    """A small network of all three clinics."""
    return kdlib.Scenario(
        method="supervised", source=SOURCES, seed=seed, steps=steps, voxel_mm=(2, 2, 3),
        size=(80, 104), width=16, batch_size=16, learning_rate=2e-3, schedule="cosine",
        loss="dice+cross-entropy", augmentation=("flip", "affine", "gamma"),
    )  # fmt: skip


def learnt_from(clinics: Clinics) -> Clinics:
    """The simulated clinics with all subjects but ``HELD_OUT`` to learn from."""
    return Clinics(clinics.folder, {name: _most(clinic) for name, clinic in clinics.items()})


def _most(clinic: Clinic) -> Clinic:
    spared = clinic.test[:HELD_OUT]
    return Clinic(
        clinic.name,
        tuple(s if s in spared else replace(s, split="training") for s in clinic.subjects),
    )


def found_ml(answer: Volume) -> float:
    """The volume in mL of what is more probably lesion than not."""
    return lesion_ml(Volume(answer.array >= 0.5, answer.affine))


def score(run: kdlib.Run, scans: Clinics) -> None:
    """Print the run's Dice on every real scan, on the scan's own grid."""
    print(f"seed {run.scenario.seed}: {run.provenance['seconds']:.0f} s; "
          f"simulated test subjects: Dice {run.scores.dice.mean():.3f}")  # fmt: skip
    for clinic in scans.values():
        for subject in clinic.subjects:
            truth = subject.labelled.read_labels()
            answer = run.predict(subject.scan.flair)
            found = evaluate_volumes(truth, answer)
            print(f"  {subject.id}: Dice {found.dice:.3f}, recall {found.lesion_recall:.2f}, "
                  f"{found_ml(answer):.1f} mL found of {subject.lesion_ml:.1f}")  # fmt: skip


def main() -> None:
    """Simulate and train what is missing, then score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data/stripped"))
    parser.add_argument("--store", type=Path, default=Path("runs"))
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    with count_bar("subjects") as on_subject:
        simulate(options.data, grid="2mm", test=30, skull=False, on_subject=on_subject)
    store = kdlib.Store(options.store, learnt_from(kdlib.open_clinics(options.data)))
    scans = kdlib.open_clinics(options.scans)
    for seed in options.seeds:
        wanted = scenario(options.steps, seed)
        with trainings(store.missing([wanted])) as on_progress:
            done = store.run(wanted, on_progress=on_progress)
        score(done, scans)


if __name__ == "__main__":
    main()
