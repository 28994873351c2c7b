"""A path that the user gave and the disk refuses is told in one line, with a remedy."""

import resource
from pathlib import Path

import pytest

from kdlib.data.clinics import Clinics
from tests.command import Done, kdlib
from tests.tiny import study_text

RUN = "run --method unadapted --source utrecht --target singapore --study STUDY"
ADAPT = "adapt --study STUDY --set steps=2 --source SOURCE"
COMMANDS = [
    "simulate BAD",
    "check BAD",
    "study BAD.toml",
    "study STUDY --data BAD",
    "study STUDY --data DATA --store BAD",
    "study STUDY --data DATA --store STORE --export BAD",
    f"{RUN} --data BAD",
    f"{RUN} --data DATA --store BAD",
    "adapt --source BAD --target SCAN --out OUT",
    "adapt --source SOURCE --target BAD --out OUT",
    f"{ADAPT} --target SCAN --out BAD",
    f"{ADAPT} --target SCAN --out OUT --store BAD",
    "predict BAD SCAN --out OUT",
    "predict RUN BAD --out OUT",
    "predict RUN SCAN --out BAD",
    "strip BAD OUT",
    "strip SOURCE BAD",
    "evaluate BAD LABEL",
    "evaluate LABEL BAD",
    "report BAD.toml",
    "report STUDY --data BAD",
    "report STUDY --data DATA --data BAD:mine",
    "report STUDY --data DATA --store BAD",
    "report STUDY --data DATA --store STORE --out BAD",
    "rerun bounds --out BAD/page.ipynb",
    "scenarios BAD.toml",
]


@pytest.fixture(scope="module")
def names(clinics: Clinics, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the words in capitals stand for."""
    folder = tmp_path_factory.mktemp("paths")
    text = study_text('[arms.L-bound]\nmethod = "unadapted"', steps=2)
    (folder / "tiny.toml").write_text(text)
    subject = clinics["singapore"].test[0]
    found = {"STUDY": folder / "tiny.toml", "DATA": clinics.folder, "STORE": folder / "store"}
    found |= {"OUT": folder / "out", "SOURCE": clinics.folder / "training" / "Utrecht"}
    found |= {"SCAN": subject.scan.flair, "LABEL": subject.labelled.label}
    made = done(RUN + " --data DATA --store STORE", found)
    assert made.status == 0, made.err
    return found | {"RUN": Path(made.out.splitlines()[0])}


def done(command: str, names: dict[str, Path]) -> Done:
    words = command.split()
    for name, path in names.items():
        words = [word.replace(name, str(path)) for word in words]
    return kdlib(*words)


PLACES = ["below a file", "long name", "loop", "no disk"]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Paths where nothing is and nothing can be made."""
    folder = tmp_path_factory.mktemp("places")
    (folder / "file").touch()
    (folder / "loop").symlink_to(folder / "loop")
    bad = (folder / "file" / "below", folder / ("n" * 300), folder / "loop" / "x", "/proc/nowhere")
    return dict(zip(PLACES, map(Path, bad), strict=True))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_path_out_of_reach_is_one_line(
    command: str, place: str, names: dict[str, Path], places: dict[str, Path]
) -> None:
    said = done(command, names | {"BAD": places[place]})
    assert (said.status, len(said.err.splitlines())) == (2, 1), said.err
    assert str(places[place]).removesuffix("/x") in said.err
    assert ";" in said.err  # what is wrong; what to do


def test_fetch_makes_its_folder_before_it_asks_the_server(places: dict[str, Path]) -> None:
    said = kdlib("fetch", places["long name"])
    assert (said.status, len(said.err.splitlines())) == (2, 1), said.err
    assert "choose a shorter name" in said.err


@pytest.mark.parametrize("limit", [100, 9_000])
def test_a_disk_that_takes_no_more_is_one_line(
    limit: int, names: dict[str, Path], tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        said = done(RUN + " --data DATA --store NEW", names | {"NEW": tmp_path / "new"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (said.status, len(said.err.splitlines())) == (2, 1), said.err
    assert str(tmp_path / "new") in said.err
    assert "free some space" in said.err
    assert not list(tmp_path.rglob(".*"))


def test_an_error_without_a_path_is_a_bug_and_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("kdlib.simulator.simulate", broken)
    with pytest.raises(OSError, match="Bad file descriptor"):
        kdlib("simulate", "somewhere")
