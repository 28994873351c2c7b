"""Adapt to a clinic's own scans. A student learns from a teacher, on scans without labels."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kdlib.data.apart import Group, check_apart
from kdlib.data.clinics import Clinic, Clinics, open_clinics
from kdlib.data.forms import AS_STORED, Reading
from kdlib.data.layouts import each_id_once
from kdlib.data.namesakes import refuse_one_file
from kdlib.data.subjects import Subject
from kdlib.errors import InputError
from kdlib.methods import Method, method_named
from kdlib.own_scans.check import Finding, OnSubject, refusal, sound
from kdlib.study.run import Run
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress, Store
from kdlib.study.study import load_study

TARGET = "target"
SEGMENT_APART = "rename their folders, or segment them in two calls, into two folders"


@dataclass(frozen=True)
class Adaptation:
    """A plan of an adaptation. It has been checked, but nothing has been trained yet.

    Attributes:
        clinics: the source, and the ``TARGET`` without any label.
        subjects: the target's subjects. They have their own labels if they are scored afterwards.
        scenarios: one scenario that adapts to all subjects. On the fly there is one scenario for
            each subject, in the same order.
        left_out: the subjects that cannot be used, and why.
    """

    clinics: Clinics
    subjects: tuple[Subject, ...]
    scenarios: tuple[Scenario, ...]
    left_out: list[Finding]

    def runs(self, store: Store, *, on_progress: OnProgress | None = None) -> list[Run]:
        """Make or read the run of each subject, in a ``store`` that has these ``clinics``."""
        made = [store.run(scenario, on_progress=on_progress) for scenario in self.scenarios]
        return made if len(made) == len(self.subjects) else made * len(self.subjects)


def plan_adaptation(
    source: Path,
    target: Path,
    *,
    method: str = "distillation",
    study: str = "demo",
    settings: Mapping[str, Any] | None = None,
    on_the_fly: bool = False,
    reading: Reading = AS_STORED,
    skip_bad: bool = False,
    scored: bool = False,
    on_subject: OnSubject | None = None,
) -> Adaptation:
    """Find and check the scans of a source and a target, and plan the adaptation.

    Args:
        source: a folder of scans with labels. ``find_subjects`` describes the layouts.
        target: a folder of scans, or one scan.
        method: the method that adapts, by its name.
        study: the study whose recipe is used.
        settings: settings of the scenario that replace those of the study.
        on_the_fly: whether to adapt to each scan alone.
        reading: where voxels lie if a file leaves it open.
        skip_bad: whether to leave out subjects with bad files instead of an error.
        scored: whether the result is scored against the target's labels afterwards. If not, no
            label of the target is read.
        on_subject: called with (done, total) after each subject that was checked.

    Raises:
        InputError: files are bad, with one line for each, or no usable scan is left.
    """
    _refuse_labels_of_target(method)
    sources = open_clinics(source, name="source", reading=reading)
    targets = as_one(open_clinics(target, reading=reading), TARGET, labelled=scored)
    _refuse_shared(sources, targets)
    names = [name for name, clinic in sources.items() if clinic.training]
    if not names:
        raise InputError(f"{source}: there are no training subjects; name a folder that has some")
    scenario = load_study(study).scenario(
        method=method, source="+".join(names), target=TARGET, fold=None, **settings or {}
    )
    (sources, targets), left_out = sound(
        [sources.chosen(names), targets], inputs=scenario.inputs, labelled=names,
        learnt_as=scenario.preparation, skip_bad=skip_bad, on_subject=on_subject,
    )  # fmt: skip
    if not sources or not targets:
        raise refusal(
            f"no usable scan is left in the {'target' if sources else 'source'}", left_out
        )
    scenario = scenario.changed(source="+".join(sources), teacher=None)
    subjects = targets[TARGET].subjects
    refuse_one_file((subject.id for subject in subjects), SEGMENT_APART)
    hidden = Clinic(TARGET, tuple(_without_label(subject) for subject in subjects))
    return Adaptation(
        Clinics(sources.folder, {**sources, TARGET: hidden}, {TARGET: targets.folder}),
        subjects,
        tuple(scenario.changed(subject=s.id) for s in subjects) if on_the_fly else (scenario,),
        left_out,
    )


def _refuse_labels_of_target(method: str) -> None:
    """Refuse a method that does not adapt to scans without labels."""
    kind = method_named(method)
    if not kind.needs_target or kind.reads_target_labels or not kind.changes_network:
        known = sorted(
            name
            for name, other in Method.named.items()
            if other.needs_target and not other.reads_target_labels and other.changes_network
        )
        what = "it does not adapt to scans without labels"
        raise InputError(f"method {method!r}: {what}; choose: {', '.join(known)}")


def as_one(clinics: Clinics, name: str, *, labelled: bool) -> Clinics:
    """Put all subjects, from all clinics and both splits, into one clinic called ``name``.

    They keep their labels if they should be ``labelled``.
    """
    subjects = tuple(s if labelled else s.unlabelled for s in clinics.subjects)
    return Clinics(clinics.folder, {name: Clinic(name, each_id_once(subjects))})


def scans_at(
    places: Sequence[Path],
    *,
    t1: Path | None = None,
    inputs: str = "flair",
    reading: Reading = AS_STORED,
    skip_bad: bool = False,
    or_none: bool = False,
    scored: bool = False,
    on_subject: OnSubject | None = None,
    wanted: Callable[[Subject], bool] = lambda subject: True,
) -> tuple[list[Subject], list[Finding]]:
    """Find the usable subjects of some scans or folders, and say what is wrong with the others.

    ``t1`` is the T1 of a single scan. Subjects that are not ``wanted`` are not read. Labels are
    read only if results are ``scored`` against them. The other arguments are those of ``sound``.
    Raises ``InputError`` as ``sound`` does, and also if two subjects have the same id, as a disk
    sees it.
    """
    if t1 is not None and inputs == "flair":
        raise InputError(f"{t1}: the network reads no T1, but FLAIR alone; leave --t1 out")
    found = [open_clinics(place, reading=reading) for place in places]
    parts = [_only(as_one(clinics, TARGET, labelled=scored), wanted) for clinics in found]
    if t1 is not None:
        parts = [_with_t1(parts, t1)]
    kept, left_out = sound(
        parts, inputs=inputs, skip_bad=skip_bad, or_none=or_none, on_subject=on_subject
    )
    subjects = [subject for part in kept for subject in part.subjects]
    refuse_one_file((subject.id for subject in subjects), SEGMENT_APART)
    return subjects, left_out


def _only(part: Clinics, wanted: Callable[[Subject], bool]) -> Clinics:
    subjects = tuple(filter(wanted, part[TARGET].subjects))
    return Clinics(part.folder, {TARGET: Clinic(TARGET, subjects)})


def _refuse_shared(sources: Clinics, targets: Clinics) -> None:
    """Refuse a source that holds the target's scans, since their labels would leak."""
    learnt_from, adapted_to = (
        {os.path.realpath(subject.scan.flair) for subject in part.subjects}
        for part in (sources, targets)
    )
    shared = len(learnt_from & adapted_to)
    if shared:
        what = f"{shared} of its {len(adapted_to)} scans are in the source too"
        raise InputError(f"{targets.folder}: {what}; name a source without them")
    # Copies of the same scans, and other scans of the same patients.
    check_apart([Group(part.folder, part.subjects) for part in (sources, targets)])


def _with_t1(parts: Sequence[Clinics], t1: Path) -> Clinics:
    subjects = [subject for part in parts for subject in part[TARGET].subjects]
    if len(subjects) != 1:
        raise InputError(
            f"{t1}: this is one T1 for {len(subjects)} scans; give just one scan with it"
        )
    subject = replace(subjects[0], scan=replace(subjects[0].scan, t1=t1))
    return Clinics(parts[0].folder, {TARGET: Clinic(TARGET, (subject,))})


def _without_label(subject: Subject) -> Subject:
    """The same subject without its label, as adaptation sees it."""
    scan = replace(subject.scan, clinic=TARGET)
    return replace(subject.unlabelled, scan=scan, split="training")
