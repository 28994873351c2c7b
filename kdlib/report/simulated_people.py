"""How the starter does on simulated people that it has not learnt from, and where it fails.

Three people are shown. Their slices come with the package in ``simulated_people.npz``;
``python -m kdlib.report.simulated_people`` simulates them again and writes this file.
"""

from itertools import pairwise
from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from kdlib.data.volume import Volume
from kdlib.record.arrays import Arrays, Key, by_owner, read_arrays, write_arrays
from kdlib.report.figures import Picture, drawing
from kdlib.report.pictures import Slice, segmentations
from kdlib.report.words import signed
from kdlib.scores.example import example_answer, example_scan
from kdlib.starter.card import SLICES_MM, summary
from kdlib.starter.people import Person, draw_person
from kdlib.starter.population import template
from kdlib.starter.shipping import SCORES
from kdlib.starter.starter import WEIGHTS, load_starter
from kdlib.starter.study import FINER, STUDENT

FILE = Path(__file__).with_suffix(".npz")
COLOURS = ("#332288", "#44aa99", "#aa4499")  # of the ranges of ``SLICES_MM``
HARDLY = 0.2  # a weaker rank correlation is no trend
LEAST_ML = 2.0  # of lesions: with less a few voxels decide, and a picture shows nothing


def people_scores() -> pd.DataFrame:
    """The scores of the shipped network, one row for each person of the validation.

    Columns: person, edge_mm and slice_mm (of a voxel), lesion_ml, dice, recall (of lesions).
    """
    table = pd.read_csv(WEIGHTS / SCORES)
    shipped = table["network"].iloc[-1]  # a study writes it last
    return table[table["network"] == shipped].drop(columns="network").reset_index(drop=True)


def distilled_words() -> str:
    """What the teachers' mean answer and both students gain over one teacher, in a sentence."""
    table = summary(pd.read_csv(WEIGHTS / SCORES)).loc[["ensemble", STUDENT, FINER]]
    mean, student, finer = (
        f"{signed(row['difference'])} (standard error {row['standard_error']:.3f})"
        for row in table.to_dict("records")
    )
    return (
        "On simulated people whom no network has seen, the mean of the teachers' answers changes"
        f" the Dice of the first teacher by {mean}, the student by {student}, and the refined"
        f" student by {finer}."
    )


def people_figure(scores: pd.DataFrame) -> Picture:
    """The Dice of each person against the volume of the lesions, by the thickness of the slices."""
    ill = scores[scores["lesion_ml"] > 0]  # 0 has no place on a logarithmic scale
    with drawing(3.2) as (figure, axes):
        for (least, most), colour in zip(pairwise(SLICES_MM), COLOURS, strict=True):
            some = ill[ill["slice_mm"].between(least, most, inclusive="left")]
            label = f"{least} to {most} mm"
            dots = axes.plot(some["lesion_ml"], some["dice"], "o", ms=7, color=colour, label=label)
            dots[0].set(clip_on=False, zorder=3)  # a dot at 0 is whole
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set(xlabel="lesions in mL", ylabel="Dice", ylim=(0, 1))
        figure.legend(
            title="thickness of the slices", ncols=3, loc="outside upper center", fontsize=10
        )
    return Picture(figure)


def people_words(scores: pd.DataFrame) -> str:
    """How good the answers are, and what they depend on most, in sentences."""
    ill = scores[scores["lesion_ml"] > 0]
    dice = ill["dice"]
    by_load = spearmanr(ill["lesion_ml"], dice, nan_policy="omit").statistic
    by_slice = spearmanr(ill["slice_mm"], dice, nan_policy="omit").statistic
    return (
        f"The mean Dice of {dice.count()} people with lesions is {dice.mean():.2f}, from"
        f" {dice.min():.2f} to {dice.max():.2f}. It {_trend(by_load)} the volume of the lesions"
        f" (rank correlation {signed(by_load, 2)}), and it {_trend(by_slice)} the thickness of the"
        f" slices ({signed(by_slice, 2)}).{_healthy_words(scores)}"
    )


def _healthy_words(scores: pd.DataFrame) -> str:
    """What is marked in people without lesions, in a sentence; empty if there are none."""
    healthy = scores.loc[scores["lesion_ml"] == 0, "dice"]
    if healthy.empty:
        return ""
    return (
        f" The figure leaves out those without lesions ({len(healthy)}). In {healthy.count()} of"
        " them something is marked, which counts as a Dice of 0 in other means of this page."
    )


def _trend(correlation: float) -> str:
    """What the Dice does if something else rises, as a verb."""
    if abs(correlation) < HARDLY:
        return "hardly changes with"
    return "rises with" if correlation > 0 else "falls with"


def chosen_people(scores: pd.DataFrame) -> dict[str, int]:
    """The worst, the median and the best person of those with ``LEAST_ML`` of lesions or more."""
    ranked = scores[scores["lesion_ml"] >= LEAST_ML].sort_values("dice")["person"].to_numpy()
    places = {"worst": 0, "median": len(ranked) // 2, "best": -1}
    return {name: int(ranked[place]) for name, place in places.items()}


def people_pictures(scores: pd.DataFrame) -> Picture:
    """The ``chosen_people``, each in the slice with most lesions, with the starter's answers."""
    dice, kept = scores.set_index("person")["dice"], kept_examples()
    examples = {
        f"{name}: Dice {dice[number]:.2f}": kept[number]
        for name, number in chosen_people(scores).items()
    }
    return segmentations(examples, {"starter": "starter"})


def kept_examples() -> dict[int, dict[str, Slice]]:
    """The examples that come with the package, by the numbers of the people."""
    return {int(number): dict(e) for (number,), e in by_owner(read_arrays(FILE)).items()}


def write_examples() -> None:
    """Simulate the ``chosen_people``, let the shipped starter answer, and keep the examples."""
    arrays: Arrays = {}
    for number in chosen_people(people_scores()).values():
        person = draw_person(0, number, template(), split="validation")
        answer, _ = load_starter().answer(person.flair)
        example = example_of(person, answer)
        arrays |= {Key((str(number),), part): array for part, array in example.items()}
    write_arrays(FILE, arrays)


def example_of(person: Person, answer: Volume) -> dict[str, Slice]:
    """A person's slice with most lesions: FLAIR, truth, and the starter's answer (0 to 255)."""
    scan = example_scan(person.flair, person.labels)
    return scan | {"starter": example_answer(answer, person.labels)}


if __name__ == "__main__":
    write_examples()
