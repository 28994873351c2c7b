"""``kdlib study starter``: make the segmenter that comes with kdlib again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kdlib.cli.options import make_writable, seeds_in
from kdlib.errors import InputError

STARTER = "starter"  # the name of its study


def refuse_options(given: Mapping[str, Any]) -> None:
    """Refuse options of other studies, by their names, before hours are spent without them."""
    for name, value in given.items():
        if value:
            raise InputError(f"{name}: the study of the starter does not take it; leave it out")


def make_starter(seeds: str | None, folder: Path, workers: int | None, export: Path | None) -> None:
    """Make what is missing of the starter in ``folder``, and print how its networks score.

    Its weights and scores go to ``export``, by default to ``folder``.
    """
    from kdlib.starter.card import summary
    from kdlib.starter.study import StarterStudy, make_starter
    from kdlib.study.cluster import default_workers
    from kdlib.study.progress import count_bar

    chosen = seeds_in(seeds) if seeds is not None else (0,)
    if len(chosen) != 1:
        raise InputError(f"--seeds {seeds}: the starter has one seed; give one number")
    folder = folder / STARTER
    out = export or folder
    make_writable(out)
    scores = make_starter(
        StarterStudy(seed=chosen[0]), folder, out, count_bar,
        workers=default_workers("cpu") if workers is None else workers,
    )  # fmt: skip
    print(summary(scores).round(4).to_string())
    print(out)
