"""The commands that write, on tiny inputs, and what each of them should write."""

from functools import cache
from pathlib import Path

from kdlib.data.clinics import Clinics
from tests.command import Done, kdlib
from tests.faults import Disk, failing
from tests.patients import write_bids, write_plain
from tests.tiny import options, study_text

ON_CPU = ("--device", "cpu")
SHORT = (*options(steps=3), *ON_CPU)
# They say when something was made.
TIMED = ("provenance.json", "report.json", "report.html", "DONE")


class Commands:
    """The commands on tiny inputs. Each writes into a folder ``place``; the results are in out/."""

    def __init__(self, folder: Path, clinics: Clinics) -> None:
        self.folder, self.clinics, self.number = folder, clinics.folder, 0
        self.target = write_plain(folder / "target", "a", "b")
        self.dataset = write_bids(folder / "bids", "a", "b")
        self.toml = folder / "one.toml"
        self.toml.write_text(study_text('[arms.L-bound]\nmethod = "unadapted"', steps=3))
        self.made = cache(self._made)
        self.changes = dict[str, int]()  # of the disk, by a call that was made

    def new(self) -> Path:
        """An empty folder for a call."""
        self.number += 1
        place = self.folder / str(self.number)
        place.mkdir()
        return place

    def call(self, command: str, place: Path) -> Done:
        """Call a command by its name."""
        return getattr(self, command)(place)

    def _made(self, command: str) -> Path:
        """Where a call without faults wrote. Other commands read it."""
        with failing(Disk(place := self.new())) as disk:
            done = self.call(command, place)
        assert done.status == 0, done.err
        self.changes[command] = disk.seen
        return place

    def adapt(self, place: Path) -> Done:
        source = self.clinics / "training/Utrecht"
        return kdlib("adapt", "--source", source, "--target", self.target, "--out", place / "out",
                     "--store", place / "runs", *SHORT)  # fmt: skip

    def run(self, place: Path) -> Done:
        return kdlib("run", "--method", "distillation", "--source", "utrecht", "--target",
                     "singapore", "--data", self.clinics, "--store", place / "out",
                     *SHORT)  # fmt: skip

    def study(self, place: Path) -> Done:
        return kdlib("study", self.toml, "--data", self.clinics, "--store", place / "runs",
                     "--export", place / "out", "--workers", 1, *ON_CPU)  # fmt: skip

    def predict(self, place: Path) -> Done:
        return kdlib("predict", self._student(), self.target, "--out", place / "out", *ON_CPU)

    def bids(self, place: Path) -> Done:
        run = ("--run", self._student())
        return kdlib("bids", self.dataset, place / "out", "participant", *run, *ON_CPU)

    def report(self, place: Path) -> Done:
        store = self.made("study") / "runs"
        return kdlib("report", self.toml, "--data", self.clinics, "--store", store,
                     "--out", place / "out")  # fmt: skip

    def record(self, place: Path) -> Done:
        return kdlib("record", self.toml, self.made("study") / "out", "--out", place / "out")

    def strip(self, place: Path) -> Done:
        return kdlib("strip", self.target, place / "out")

    def simulate(self, place: Path) -> Done:
        return kdlib("simulate", place / "out", "--grid", "2mm", "--training", 1, "--test", 0,
                     "--workers", 1)  # fmt: skip

    def _student(self) -> Path:
        return next((self.made("adapt") / "runs").glob("*-target-distillation-*"))


def results(place: Path) -> dict[str, bytes]:
    """The results of a call by their names, but for those that tell when they were made.

    What a killed process had not renamed yet is hidden, so that nobody takes it for a result.
    """
    out = place / "out"
    files = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if path.name not in TIMED and "lock" not in name and "/." not in f"/{name}"
    }


def half_written(place: Path) -> list[str]:
    """The files and folders that a call should have renamed or removed at its end."""
    return [path.name for path in place.rglob(".*") if path.name != ".bidsignore"]
