"""Results as a BIDS derivative: its description, and a sidecar beside each file."""

import json
from pathlib import Path
from typing import Any

from kdlib import __version__
from kdlib.data.subject_files import DESCRIPTION
from kdlib.data.subjects import Subject
from kdlib.files import write_text
from kdlib.own_scans.earlier import IGNORE
from kdlib.own_scans.results import TABLE, Results

BIDS_VERSION = "1.10.0"
# Not of the standard, so a validator is told to leave them alone. They lie beside the participants.
IGNORED = ("/*.html", "/report.json", "/sub-*.json", f"/{TABLE}.*")
LESIONS = "White matter hyperintensities in the FLAIR, found by a network. Not checked by anybody."
ABOUT = {
    "mask": {"Type": "Lesion", "Description": LESIONS},
    "probability": {"Description": f"The probability of a lesion. {LESIONS}"},
    "brain": {"Type": "Brain", "Description": "The brain, found by a network in the FLAIR."},
}


def describe_derivative(results: Results) -> None:
    """Write what makes the folder a BIDS derivative, if it is one."""
    if results.dataset is None:
        return
    links = {"DatasetLinks": {"raw": way}} if (way := _way_to_raw(results)) else {}
    about = {
        "Name": "Masks of white matter hyperintensities",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "kdlib", "Version": __version__}],
        **links,
    }
    write_text(results.folder / DESCRIPTION, json.dumps(about, indent=1))
    write_text(results.folder / IGNORE, "\n".join([*IGNORED, ""]))


def write_sidecars(results: Results, subject: Subject, facts: dict[str, Any]) -> None:
    """Write a JSON file beside each file of a scan's result, if the folder is a BIDS derivative.

    It tells the threshold, the network and the version. That of the mask has the numbers too.
    """
    if results.dataset is None:
        return
    source = {}
    if _way_to_raw(results):
        flair = f"bids:raw:{subject.scan.flair.relative_to(results.dataset).as_posix()}"
        source = {"Sources": [flair], "SpatialReference": flair}
    for kind, about in ABOUT.items():
        if kind in facts:
            made = {"Run": facts["run"], "KdlibVersion": __version__}
            written = about | source | made | (_numbers(facts) if kind == "mask" else {})
            path = results.folder / facts[kind]
            write_text(path.with_name(path.name.replace(".nii.gz", ".json")), _text(written))


def _numbers(facts: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a mask; ``lesion_table`` reads them."""
    return {
        "Threshold": facts["threshold"],
        "LesionCount": facts["lesions"]["result"],
        "LesionVolume": facts["lesion_ml"]["result"],
        "BrainVolume": facts.get("brain_ml"),
        "VolumeUnits": "mL",
        "Doubts": facts["doubts"] or None,
    }


def _text(written: dict[str, Any]) -> str:
    known = {name: value for name, value in written.items() if value is not None}
    return json.dumps(known, indent=1)


def _way_to_raw(results: Results) -> str:
    """The way from the derivative to its dataset, if it lies inside. No other path is told."""
    if results.dataset is None:
        return ""
    out, raw = (Path(path).resolve() for path in (results.folder, results.dataset))
    return "/".join([".."] * len(out.relative_to(raw).parts)) if raw in out.parents else ""
