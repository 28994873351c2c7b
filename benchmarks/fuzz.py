"""Bad files, made by a fuzzer that looks at which lines of the readers they reach.

    python benchmarks/fuzz.py READER FOUND [--seconds 120]

READER is one of ``volume``, ``folder``, ``study``, ``archive`` and ``cluster``. The law is that a
reader raises nothing but ``InputError``. The first input of each other error is written into the
folder FOUND, with the error beside it. The seconds are of the processor's time.

The fuzzer is Google's atheris, which kdlib does not install: ``pip install atheris==3.0.0``. It has
wheels for Python 3.11 to 3.13 on Linux.
"""

import argparse
import json
import os
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["kdlib", "tomllib", "yaml"]):
    import nibabel as nib
    import numpy as np

    import kdlib.data.archive as archive
    from kdlib.data.clinics import open_clinics
    from kdlib.data.download import _check_disk, _check_paths, _is_wanted
    from kdlib.data.image_file import read_labels, read_volume
    from kdlib.errors import InputError
    from kdlib.study.cluster import _cluster_class, read_cluster_file
    from kdlib.study.study import arm_scenario, load_study

Reader = Callable[[Path, bytes], None]
ENDINGS = (".nii", ".nii.gz", ".mgz", ".img", ".hdr")
# Parts of the paths in a folder of scans. Random letters are put between them.
PARTS = [
    "sub-1", "sub-2", "_ses-1", "ses-2", "/", "anat", "_FLAIR", "_T1w", ".nii.gz", ".NII", ".img",
    ".hdr", "_mask", "_run-01", "_acq-a", "derivatives/", "FLAIR", "T1", "wmh", "mask", "pre/",
    "10", "training/Utrecht/", "test/", "Amsterdam/GE3T/", "participants.tsv",
    "additional_annotations/observer_o3/training/", "dataset_description.json", "report.json",
    "_space-FLAIR", "_lesion_mask",
    "prepared/", "x/scenario.json", ".dcm", ".", "..", "_", "-",
]  # fmt: skip
TEXTS = [
    b"", b"\0", b"participant_id\tpatient\n1\tA\nsub-1\tB\n",
    b'{"GeneratedBy": [{"Name": "kdlib"}]}', b'{"scans": [], "left_out": [], "notice": ""}',
]  # fmt: skip
WORDS = {  # of each language; they are put into the texts
    "study": ("1979-05-27", "nan", "-inf", "1e400", "{}", "[[", "]]", '"""', "name", "teacher"),
    "archive": ("null", "1e400", "-1", "{}", "[]", "\\u0000", "..", "//", "SHA-512"),
    "cluster": (
        "2001-02-03", "!!timestamp", "!!binary", "!!set", "!!omap", "0x", "1:60", "&a ", "*a",
        "<<: ", "distributed.", "LocalCluster", "dask_jobqueue.SLURMCluster", "? ", "- ", "---",
    ),
}  # fmt: skip
LISTING = {
    "label": "FLAIR.nii.gz",
    "directoryLabel": "training/Utrecht/0/pre",
    "dataFile": {
        "id": 1, "filename": "f", "filesize": 3, "checksum": {"type": "MD5", "value": "0" * 32},
    },
}  # fmt: skip


def read_images(folder: Path, data: bytes) -> None:
    """One file, or a header and its data, read as a scan and as labels."""
    ending = ENDINGS[data[0] % len(ENDINGS)] if data else ".nii"
    path = folder / f"scan{ending}"
    path.write_bytes(data[1:])
    if ending in (".img", ".hdr"):
        (folder / "scan.hdr").write_bytes(data[1:349])
        (folder / "scan.img").write_bytes(data[349:] or b"\0")
    for read in (read_volume, read_labels):
        with suppress(InputError):  # the other reader has its turn
            read(path)


def read_folder(folder: Path, data: bytes) -> None:
    """A few files whose names are made of ``PARTS``."""
    source = atheris.FuzzedDataProvider(data)
    for _ in range(source.ConsumeIntInRange(1, 6)):
        parts = [
            source.PickValueInList(PARTS) if source.ConsumeIntInRange(0, 9)
            else source.ConsumeUnicodeNoSurrogates(3)
            for _ in range(source.ConsumeIntInRange(1, 7))
        ]  # fmt: skip
        text = source.PickValueInList(TEXTS)
        text = text if source.ConsumeBool() else text + source.ConsumeBytes(40)
        _write(folder, "".join(parts), text)
    clinics = open_clinics(folder, observer=source.PickValueInList([None, None, "o3"]))
    for subject in clinics.subjects:
        str(subject)
    clinics.patients(name for name in clinics if "+" not in name)


def read_study(folder: Path, data: bytes) -> None:
    """A study's file, and a scenario of each of its arms."""
    path = folder / "made.toml"
    path.write_bytes(data)
    study = load_study(str(path))
    for arm in study.arms:
        for pair in study.pairs[:1]:
            study.label(arm_scenario(study, arm, pair, 0, 0))


def read_archive(folder: Path, data: bytes) -> None:
    """A server's list of files, and the checks before a download."""

    class Answering(archive.Archive):
        def get(self, folder: Path, address: str, name: str, known_hash: str | None) -> Path:
            (folder / name).write_bytes(data)
            return folder / name

    entries = Answering("https://server", "10/1", 0, 1).entries()
    wanted = [entry for entry in entries if _is_wanted(entry, "training", "utrecht")]
    _check_paths(folder, wanted)
    _check_disk(folder, wanted)


def read_cluster(folder: Path, data: bytes) -> None:
    """The file of a cluster, and the class that it names."""
    path = folder / "cluster.yaml"
    path.write_bytes(data)
    _cluster_class(read_cluster_file(path).kind)


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write a file below ``folder``. A name that no file can have there is left out."""
    path = Path(os.path.normpath(folder / name.lstrip("/").replace("\0", "")))
    if path != folder and path.is_relative_to(folder):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (OSError, UnicodeError):
            return


def good_images() -> list[bytes]:
    """A small image in each of the formats."""
    array, affine = np.arange(60, dtype=np.float32).reshape(3, 4, 5), np.diag([-1.0, -1, 3, 1])
    kinds = (nib.Nifti1Image, nib.Nifti2Image, nib.MGHImage)
    made = [kind(array % 3 if kind is nib.Nifti2Image else array, affine) for kind in kinds]
    pair = nib.Nifti1Pair(array, affine).header.binaryblock + array.tobytes()
    return [b"\0" + made[0].to_bytes(), b"\0" + made[1].to_bytes(), b"\2" + made[2].to_bytes(),
            b"\3" + pair]  # fmt: skip


def good_texts() -> dict[str, list[bytes]]:
    """What each reader of a text takes."""
    studies = Path(sys.modules["kdlib"].__path__[0]) / "studies"
    listing = {"data": {"latestVersion": {"files": [LISTING]}}}
    cluster = b"class: distributed.LocalCluster\noptions: {n_workers: 2, x: 2001-01-01}\n"
    return {
        "study": [(studies / f"{name}.toml").read_bytes() for name in ("demo", "paper")],
        "archive": [json.dumps(listing).encode()],
        "cluster": [cluster],
        "folder": [bytes(range(256)), bytes(range(255, -1, -1)) * 2],
    }


READERS: dict[str, Reader] = {
    "volume": read_images, "folder": read_folder, "study": read_study, "archive": read_archive,
    "cluster": read_cluster,
}  # fmt: skip


def keep(found: Path, name: str, data: bytes, error: BaseException) -> None:
    """Write the input of an error that is new: of another kind or from another line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    path = found / f"{name}-{type(error).__name__}-{Path(last.filename).stem}-{last.lineno}"
    if not path.exists():
        path.write_bytes(data)
        lines = traceback.format_exception(error)
        path.with_name(f"{path.name}.txt").write_text("".join(lines[:1] + lines[-12:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("found", type=Path)
    parser.add_argument("--seconds", type=float, default=120)
    wanted = parser.parse_args()
    corpus = wanted.found / f"corpus-{wanted.reader}"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, good in enumerate({"volume": good_images(), **good_texts()}[wanted.reader]):
        (corpus / f"good-{number}").write_bytes(good)
    words = wanted.found / f"words-{wanted.reader}"
    words.write_text("".join(f"{json.dumps(word)}\n" for word in WORDS.get(wanted.reader, ["a"])))
    warnings.simplefilter("ignore")
    begun, tries = time.process_time(), 0

    def one(data: bytes) -> None:
        nonlocal tries
        tries += 1
        with TemporaryDirectory(dir="/dev/shm") as folder:
            try:
                READERS[wanted.reader](Path(folder), data)
            except InputError:
                pass
            except (Exception, SystemExit) as error:
                keep(wanted.found, wanted.reader, data, error)
        if time.process_time() - begun > wanted.seconds:
            print(f"{wanted.reader}: {tries} inputs, {len(list(corpus.iterdir()))} that reach more")
            sys.stdout.flush()
            shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)

    limits = ["-max_len=4000", "-rss_limit_mb=4000", f"-dict={words}"]
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
