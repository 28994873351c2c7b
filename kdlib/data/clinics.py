"""Clinics and their subjects, found in a folder of scans."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from statistics import fmean

from kdlib.data.apart import Group, check_apart
from kdlib.data.forms import AS_STORED, Reading
from kdlib.data.layouts import ANNOTATIONS, OPTIONS, Found, find_subjects
from kdlib.data.patients import by_patient, with_patients
from kdlib.data.places import Place, check_names, check_together, place_of
from kdlib.data.subjects import Subject
from kdlib.errors import InputError


@dataclass(frozen=True)
class Clinic:
    """The subjects of one clinic, in the challenge's two splits.

    Attributes:
        name: what the clinic is called, in lower case: ``"utrecht"``.
        subjects: all its subjects, of both splits.
    """

    name: str
    subjects: tuple[Subject, ...]

    @cached_property
    def training(self) -> tuple[Subject, ...]:
        """The subjects of the split ``training``."""
        return tuple(s for s in self.subjects if s.split == "training")

    @cached_property
    def test(self) -> tuple[Subject, ...]:
        """The subjects of the split ``test``."""
        return tuple(s for s in self.subjects if s.split == "test")

    @cached_property
    def studied(self) -> tuple[Subject, ...]:
        """The training subjects, or all subjects if there are no training subjects.

        A clinic without training subjects can only be a target.
        """
        return tuple(s for s in self.subjects if self.is_studied(s))

    def is_studied(self, subject: Subject) -> bool:
        """Whether a subject of this clinic is one of the ``studied``."""
        return subject.split == "training" or not self.training

    @cached_property
    def folds(self) -> tuple[tuple[Subject, ...], tuple[Subject, ...]]:
        """Two halves of the studied subjects, with similar lesion volumes.

        Patients are ordered by lesion volume and dealt out as A B B A A B B A, so that the two
        halves match. All scans of a patient fall into one half. Only the split knows the volumes:
        no network is told them.
        """
        ordered = sorted(by_patient(self.studied), key=_size_of)
        first = tuple(s for i, group in enumerate(ordered) if i % 4 in (0, 3) for s in group)
        second = tuple(s for i, group in enumerate(ordered) if i % 4 in (1, 2) for s in group)
        return first, second

    def subject(self, name: str) -> Subject:
        """The subject whose id is ``name``.

        Raises:
            InputError: the clinic has no such subject. The message lists those it has.
        """
        for subject in self.subjects:
            if subject.id == name:
                return subject
        known = ", ".join(s.id for s in self.subjects)
        raise InputError(f"clinic {self.name} has no subject {name!r}; it has {known}")

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything on the disk that a run on this clinic may read."""
        parts = [subject.fingerprint for subject in self.subjects]
        shared = [group for group in by_patient(self.subjects) if len(group) > 1]
        parts += [" ".join(subject.id for subject in group) for group in shared]
        return hashlib.sha256("".join(parts).encode()).hexdigest()


def _size_of(patient: tuple[Subject, ...]) -> tuple[float, str]:
    """A key that orders patients by the mean lesion volume of their scans."""
    return fmean(s.lesion_ml for s in patient), min(s.id for s in patient)


class Clinics(Mapping[str, Clinic]):
    """The clinics of one or more folders, by name. ``clinics["utrecht+amsterdam"]`` pools two.

    A name that the folders do not have raises ``InputError``, which lists the names they have.

    Attributes:
        folder: where the scans lie, or the first of several folders.
        homes: in which folder each clinic lies.
    """

    def __init__(
        self, folder: Path, clinics: dict[str, Clinic], homes: Mapping[str, Path] | None = None
    ) -> None:
        self.folder = folder
        self._clinics = clinics
        self.homes = {name: (homes or {}).get(name, folder) for name in clinics}
        self._apart = set[tuple[str, str]]()  # the pairs of one folder that are known to be so

    def __getitem__(self, name: str) -> Clinic:
        parts = [self._one(part) for part in name.split("+")]
        if len(parts) == 1:
            return parts[0]
        return Clinic(name, tuple(subject for part in parts for subject in part.subjects))

    def __iter__(self) -> Iterator[str]:
        return iter(self._clinics)

    def __len__(self) -> int:
        return len(self._clinics)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """The subjects of all clinics."""
        return tuple(subject for clinic in self.values() for subject in clinic.subjects)

    def chosen(self, names: Iterable[str]) -> "Clinics":
        """The same folders with the clinics of these ``names`` alone.

        Raises:
            InputError: there is no clinic of one of these names.
        """
        parts = [part for name in names for part in name.split("+")]
        return Clinics(self.folder, {part: self._one(part) for part in parts}, self.homes)

    def patients(self, names: Iterable[str]) -> dict[tuple[str, str], str]:
        """The patient of each (clinic, subject) of these ``names`` whose patient has more scans."""
        return {
            (name, subject.id): subject.patient
            for name in names
            for group in by_patient(self[name].subjects)
            for subject in group
            if len(group) > 1
        }

    def check_apart(self, source: str, target: str) -> None:
        """Refuse a patient who is in both of two clinics of one folder, as ``apart`` says.

        Those of two folders were compared when they were opened. A pair is compared only once.
        """
        for pair in product(source.split("+"), target.split("+")):
            one, other = (self._one(name) for name in pair)
            folder = self.homes[one.name]
            if one is other or pair in self._apart or self.homes[other.name] != folder:
                continue
            check_apart([Group(folder, each.subjects, each.name) for each in (one, other)])
            self._apart.add(pair)

    def _one(self, name: str) -> Clinic:
        if name not in self._clinics:
            known = ", ".join(self._clinics)
            makes = [option for option, made in OPTIONS.items() if name in made]
            hint = "".join(f"; 'kdlib simulate --{option}' makes it" for option in makes)
            where = " and ".join(map(str, dict.fromkeys([self.folder, *self.homes.values()])))
            raise InputError(f"unknown clinic {name!r}; {where} has {known}{hint}")
        return self._clinics[name]


def open_clinics(
    folder: Path | str,
    *more: Path | str,
    observer: str | None = None,
    name: str = "own",
    reading: Reading = AS_STORED,
) -> Clinics:
    """Find the clinics in one or more folders of scans. No image is read yet.

    A folder has one of three layouts: the challenge's (of 2022 or 2017), BIDS, or plain folders
    with one folder for each subject. A single NIfTI file works too. Sessions of one person are
    scans of one patient; ``participants.tsv`` can name patients in a column ``patient``.

    Args:
        folder: where the scans lie. A text may name the clinic too: ``"scans/tabriz:tabriz"``. Only
            the challenge's folders say themselves what their clinics are called.
        more: other such folders. No clinic, scan or patient may be in two folders.
        observer: ``"o3"`` or ``"o4"`` takes the annotations of this observer of the challenge
            where there are any. By default the first observer's are taken.
        name: what a clinic is called if neither its folder nor the user says it.
        reading: where the voxels of files lie that leave it open.

    Returns:
        The clinics by name.

    Raises:
        InputError: there is no such folder, or no scan in it, ``participants.tsv`` is wrong, or
            two folders have the same clinic, scan or patient.

    >>> clinics = kdlib.open_clinics("data/clinics")
    >>> [name for name in clinics if name != "amsterdam"]
    ['utrecht', 'singapore']
    >>> clinics["utrecht"].training[0].scan.subject
    '0'
    """
    places = [place_of(text) for text in (folder, *more)]
    annotated = [place for place in places if (place.folder / ANNOTATIONS).is_dir()] or places
    found = [_found(p, name, observer if p in annotated else None) for p in places]
    if more:
        check_together(places, found)
    homes = {clinic: p.folder for p, part in zip(places, found, strict=True) for clinic in part}
    clinics = {
        clinic: Clinic(clinic, tuple(subject.read_by(reading) for subject in subjects))
        for part in found
        for clinic, subjects in part.items()
    }
    return Clinics(places[0].folder, clinics, homes)


def _found(place: Place, name: str, observer: str | None) -> Found:
    found = find_subjects(place.folder, place.name or name, observer)
    check_names(place, found)
    return with_patients(place.folder, found)
