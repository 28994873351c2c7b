"""Compare two starters on simulated people from whom neither has learnt.

The people come after those of the study's validation, so no earlier choice has used them. Each is
scored as there: on the scan's own voxels, inside the simulation's brain mask.

    python benchmarks/starters.py OLD NEW

OLD and NEW are folders as ``kdlib study starter --export FOLDER`` writes them. The new one is taken
if its mean Dice is higher, on the same people. A second comparison takes other people by --first.
"""

import argparse
from pathlib import Path

from kdlib.starter.card import summary
from kdlib.starter.starter import read_starter
from kdlib.starter.study import StarterStudy
from kdlib.starter.validation import validation_scores
from kdlib.study.progress import count_bar


def main() -> None:
    study = StarterStudy()
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folders", type=Path, nargs=2, metavar="FOLDER")
    options.add_argument("--people", type=int, default=120)
    options.add_argument("--first", type=int, default=study.validation, help="number of the first")
    options.add_argument("--wider", action="store_true", help="score wider people")
    asked = options.parse_args()
    old, new = (read_starter(folder) for folder in asked.folders)
    networks = {"old": (old.network, old.recipe), "new": (new.network, new.recipe)}
    with count_bar("people") as on_person:
        scores = validation_scores(
            networks, study.seed, asked.people, on_person, first=asked.first, wider=asked.wider
        )
    print(summary(scores, first="old").round(4).to_string())


if __name__ == "__main__":
    main()
