"""What the simulator writes, and in which processes."""

import sys
from pathlib import Path
from types import ModuleType

import nibabel as nib
import numpy as np
import pytest

from kdlib.errors import InputError
from kdlib.simulator import simulate


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.nii.gz"))
    }


COMMON = {"grid": "2mm", "clinics": ["utrecht"]}
SCRIPT = """
from pathlib import Path
from kdlib.simulator import simulate
with Path("{folder}/ran").open("a") as file:
    file.write("ran ")
simulate("{folder}/parallel", training=1, test=1, workers=2, **{common})
"""


@pytest.fixture(scope="module")
def script_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a script without ``if __name__ == "__main__"`` simulated in several processes."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "script.py").write_text(SCRIPT.format(common=COMMON, folder=folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", main := ModuleType("__main__"))
        main.__file__ = str(folder / "script.py")  # what a new process would import
        exec((folder / "script.py").read_text(), main.__dict__)
    assert (folder / "ran").read_text() == "ran "  # by the workers not again
    return folder


def test_a_resumed_simulation_equals_an_uninterrupted_one(
    script_folder: Path, tmp_path: Path
) -> None:
    parallel, resumed = script_folder / "parallel", tmp_path / "resumed"
    seen: list[tuple[int, int]] = []
    simulate(resumed, training=1, workers=1, **COMMON)
    simulate(resumed, training=1, test=1, workers=1, on_subject=lambda *n: seen.append(n), **COMMON)
    assert seen == [(1, 2), (2, 2)]
    assert files(resumed) == files(parallel) != {}
    flair = nib.load(resumed / "training/Utrecht/0/pre/FLAIR.nii.gz")
    assert nib.aff2axcodes(flair.affine) == ("L", "P", "S")
    assert flair.get_data_dtype() == np.float32
    labels = nib.load(resumed / "training/Utrecht/0/wmh.nii.gz")
    assert labels.get_data_dtype() == np.float32
    assert set(np.unique(labels.get_fdata())) <= {0, 1, 2}
    assert (resumed / "test/Utrecht/1/simulation/ventricle_distance.nii.gz").exists()
    with pytest.raises(InputError, match="other settings"):
        simulate(resumed, training=2, seed=1, **COMMON)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"grid": "3mm"},
        {"clinics": ["leiden"]},
        {"clinics": "utrecht"},
        {"training": 21},
        {"training": 0},
        {"test": -1},
        {"seed": -1},
        {"scanner_shift": -0.5},
        {"population_shift": float("nan")},
        {"workers": 0},
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(tmp_path: Path, wrong) -> None:
    with pytest.raises(InputError):
        simulate(tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()
