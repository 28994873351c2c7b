"""Laws of what a method is."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kdlib.errors import InputError
from kdlib.methods import LabelledTask, Method, NoSettings, SourceFreeTask
from kdlib.networks import UNet, new_unet
from tests.methods.made import make, recipe

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test defines is forgotten after it."""
    monkeypatch.setattr(Method, "named", dict(Method.named))


def test_two_methods_of_one_name_are_an_error_that_names_both() -> None:
    with pytest.raises(InputError, match=r"kdlib\.methods\.unadapted.*tests.*Other"):

        class Other(Method[SourceFreeTask, NoSettings], name="unadapted"):
            trains = False


def test_a_notebooks_cell_can_define_its_method_again() -> None:
    def define() -> type[Method]:
        class Mine(Method[SourceFreeTask, NoSettings], name="mine"):
            trains = False

        return Mine

    first, second = define(), define()
    assert first is not second
    assert Method.named["mine"] is second


def test_a_method_that_trains_has_an_update() -> None:
    with pytest.raises(TypeError, match="Idle has no update"):

        class Idle(Method[LabelledTask, NoSettings], name="idle"):
            pass


def test_a_method_says_what_it_is_handed() -> None:
    with pytest.raises(TypeError, match=r"Vague: write Method\["):

        class Vague(Method, name="vague"):
            trains = False


WRONG = """
from kdlib.methods import AdaptationTask, Losses, Method, NoSettings, SourceFreeTask, TaughtTask

class Free(Method[SourceFreeTask, NoSettings], name="free"):
    def update(self, step: int) -> Losses:
        print(self.task.target.images, self.task.teacher)
        print(self.task.labelled)  # no labelled scans
        print(self.task.target.labels)  # no label of a target
        self.mixed_batch(step)  # no source half
        return {}

class Taught(Method[TaughtTask, NoSettings], name="taught"):
    def update(self, step: int) -> Losses:
        images, labels, domains = self.mixed_batch(step)
        print(self.task.teacher(images), self.task.labelled)
        print(self.settings.temperature)  # no setting
        return {}
"""


def test_types_refuse_what_a_method_is_not_handed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYPYPATH", str(ROOT))
    (tmp_path / "wrong.py").write_text(WRONG)
    # With the settings of `make lint`, so that what it kept is read and not made again.
    settings = ["--config-file", str(ROOT / "pyproject.toml")]
    # A process of its own: mypy raises the recursion limit of the one it is loaded into.
    command = [sys.executable, "-m", "mypy", *settings, str(tmp_path / "wrong.py")]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    lines = [int(line.split(":")[1]) for line in found.splitlines() if "error:" in line]
    marked = [n for n, line in enumerate(WRONG.splitlines(), start=1) if "# no" in line]
    assert lines == marked, found


def test_two_views_differ_and_the_first_is_the_steps_own() -> None:
    method = make("supervised", recipe(augmentation=("flip", "affine", "gamma")))
    images = method.task.labelled.slices.images
    first, second = (view.images(images) for view in method.two_views(len(images), 3))
    assert torch.equal(first, method.augmentation(len(images), 3).images(images))
    assert not torch.equal(first, second)


def test_a_kept_network_has_no_optimiser() -> None:
    method = make("mean_teacher")
    assert set(method.modules) == {"network", "mean"}
    assert set(method.optimisers) == {"network"}
    method.update(0)
    assert all(p.grad is None for p in method.mean.parameters())


def test_a_result_that_no_checkpoint_holds_is_refused() -> None:
    class Lost(Method[SourceFreeTask, NoSettings], name="lost"):
        trains = False

        def set_up(self) -> None:
            self.lost = new_unet(self.recipe, seed=1)

        @property
        def result(self) -> UNet:
            return self.lost

    with pytest.raises(TypeError, match="lost: its result would not be resumed"):
        make("lost")
