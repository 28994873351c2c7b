"""Where the results of a call go and what their files are called, in plain folders and in BIDS."""

from dataclasses import dataclass
from pathlib import Path

from kdlib.data.bids import is_bids
from kdlib.data.subjects import Subject

TABLE = "lesions"  # .tsv has one row for each scan; .json describes its columns
PLAIN = {"mask": "lesion_mask", "probability": "lesion_probability", "brain": "brain_mask"}
BIDS = {"mask": "label-WMH_mask", "probability": "label-WMH_probseg", "brain": "desc-brain_mask"}


@dataclass(frozen=True)
class Results:
    """The results of one call.

    Attributes:
        folder: where they go.
        dataset: the BIDS dataset of the scans. The results are a derivative of it. None: they get
            plain names in one folder.
        report: what the report is called, without its ending. Calls of the BIDS app have one for
            each participant.
        replace: whether results of other scans may be removed.
    """

    folder: Path
    dataset: Path | None = None
    report: str = "report"
    replace: bool = False

    @property
    def page(self) -> Path:
        """The report as a page."""
        return self.folder / f"{self.report}.html"

    @property
    def numbers(self) -> Path:
        """The numbers of the report."""
        return self.folder / f"{self.report}.json"

    def names(self, subject: Subject, *, brain: bool) -> dict[str, str]:
        """The files of a scan's result below ``folder``: its ``mask``, its ``probability``.

        With ``brain`` there is the mask of its ``brain`` too. In BIDS the names begin as the
        FLAIR's does, in the same folders of participant and session.
        """
        kinds, home = PLAIN, ""
        if self.dataset is not None:
            kinds = BIDS
            home = f"{subject.scan.flair.parent.relative_to(self.dataset).as_posix()}/"
        wanted = [kind for kind in kinds if brain or kind != "brain"]
        return {kind: f"{home}{subject.id}_{kinds[kind]}.nii.gz" for kind in wanted}

    def participant(self, subject: Subject) -> str:
        """Whose scan it is: the patient, or the participant's folder in BIDS."""
        if self.dataset is None:
            return subject.patient or subject.id
        return subject.scan.flair.relative_to(self.dataset).parts[0]


def results_for(places: list[Path], out: Path, *, replace: bool = False) -> Results:
    """The results of scans at ``places``. Those of one BIDS dataset become its derivative."""
    dataset = places[0] if len(places) == 1 and is_bids(places[0]) else None
    return Results(out, dataset, replace=replace)
