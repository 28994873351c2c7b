"""The slices of many simulated people, made in parallel and kept on the disk.

A stopped simulation goes on where it was.
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from kdlib.data.slices import SLICES_VERSION, LabelledSlices, Slices, network_labels, prepare
from kdlib.joined import joined
from kdlib.kept import read_tensors, write_tensors
from kdlib.processes import without_the_callers_script
from kdlib.randomness import seeded
from kdlib.recipe import Preparation
from kdlib.simulator.template import template_maps
from kdlib.starter.people import PEOPLE_VERSION, draw_person

MOST_SLICES = 24  # of a person; neighbours say nearly the same

OnPerson = Callable[[int, int], None]


@dataclass(frozen=True)
class Population:
    """Simulated people as slices, in a folder.

    Attributes:
        folder: where the slices lie, one file for each person.
        seed: the seed of the people.
        people: how many there are.
        preparation: how their scans become slices.
        split: "training" or "validation".
        wider: whether they are wider people; see ``kdlib.starter.people``.
    """

    folder: Path
    seed: int
    people: int
    preparation: Preparation
    split: str = "training"
    wider: bool = False

    def make(self, workers: int = 1, on_person: OnPerson = lambda done, total: None) -> None:
        """Simulate the people who are missing. ``on_person`` is called with (done, total)."""
        missing = [n for n in range(self.people) if not self.file(n).exists()]
        done = self.people - len(missing)
        on_person(done, self.people)
        if workers == 1 or not missing:
            for more, number in enumerate(missing, start=1):
                self.make_one(number)
                on_person(done + more, self.people)
            return
        with without_the_callers_script():
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(min(workers, len(missing)), mp_context=context)
            futures = [pool.submit(self.make_one, number) for number in missing]
        try:
            for more, future in enumerate(as_completed(futures), start=1):
                future.result()
                on_person(done + more, self.people)
        finally:
            pool.shutdown(cancel_futures=True)

    def make_one(self, number: int) -> None:
        """Simulate one person on one thread, so that sums are the same on every machine."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            images, labels = self._slices(number)
        finally:
            torch.set_num_threads(threads)
        write_tensors(self.file(number), {"images": images, "labels": labels})

    def labelled_slices(self) -> LabelledSlices:
        """The slices of all people with their labels."""
        images = joined(read_tensors(self.file(n))[0]["images"] for n in range(self.people))
        labels = joined(read_tensors(self.file(n))[0]["labels"] for n in range(self.people))
        return LabelledSlices(Slices(images), labels)

    def file(self, number: int) -> Path:
        """Where the slices of one person lie."""
        made_by = f"{PEOPLE_VERSION} {SLICES_VERSION} {MOST_SLICES} {self.seed} "
        digest = sha256((made_by + self.preparation.model_dump_json()).encode()).hexdigest()[:10]
        kind = f"wider-{self.split}" if self.wider else self.split
        return self.folder / f"{kind}-{digest}" / f"{number}.safetensors"

    def _slices(self, number: int) -> tuple[Tensor, Tensor]:
        person = draw_person(self.seed, number, template(), split=self.split, wider=self.wider)
        ready = prepare([person.flair], self.preparation)
        labels = network_labels(person.labels, ready.window)
        held = torch.nonzero(ready.holds_head)[:, 0]
        order = seeded(self.seed, f"slices of {self.split}", number).permutation(len(held))
        picked = held[torch.from_numpy(order[:MOST_SLICES]).sort().values]
        return ready.images[picked], labels[picked]


@cache
def template() -> Tensor:
    """The template's maps, which are made once in a process."""
    return torch.from_numpy(template_maps())
