"""Who takes part in a scenario: with labels, without labels, and in the test."""

from dataclasses import dataclass, replace

from kdlib.data.clinics import Clinics
from kdlib.data.subjects import Subject
from kdlib.errors import InputError
from kdlib.randomness import seeded
from kdlib.study.scenario import Scenario

Subjects = tuple[Subject, ...]


@dataclass(frozen=True)
class Participants:
    """The subjects of a scenario, by what they are used for.

    Attributes:
        labelled: the network learns from these with their labels. A source-free method has none.
        adapted_to: the network learns from these without labels.
        tested: the network is scored on these afterwards.
        at_home: the source's subjects on which its teacher is tested. A network that was adapted to
            a whole target is scored on them too.
        held_out: the source's test subjects on which a learning curve is measured.
    """

    labelled: Subjects
    adapted_to: Subjects
    tested: Subjects
    at_home: Subjects = ()
    held_out: Subjects = ()


HELD_OUT = 3


def participants(scenario: Scenario, clinics: Clinics) -> Participants:
    """The subjects of ``scenario``, as the paper splits them (Section 4.2).

    A training that is not on the fly has a learning curve, measured on the first three test
    subjects of the source, by id. If the source has no test subjects, there is no curve.

    A teacher learns from all training subjects of the source. It is tested on the source's test
    subjects. If there are none, it is not tested: on its own training subjects it would score
    better than on others.
    """
    people = _taking_part(scenario, clinics)
    _refuse_nobody(scenario, people)
    if not scenario.updates or scenario.subject is not None:
        return people
    test = [subject for subject in clinics[scenario.source].test if subject.label is not None]
    held_out = sorted(test, key=lambda subject: subject.id)[:HELD_OUT]
    return replace(people, held_out=tuple(held_out))


def _refuse_nobody(scenario: Scenario, people: Participants) -> None:
    """Refuse a scenario whose method has nobody to learn from, before anything is trained."""
    kind = scenario.method_type
    if kind.needs_source and not people.labelled:
        what = f"clinic {scenario.source} has no training subjects to learn from"
        raise InputError(f"{what}; name another source, or move subjects to its folder training")
    if kind.needs_target and not people.adapted_to:
        part = f"fold {scenario.fold} of " if scenario.fold is not None else ""
        what = f"{part}clinic {scenario.target} has no subjects to adapt to"
        raise InputError(f"{what}; choose the other fold, or give the clinic more subjects")


def _taking_part(scenario: Scenario, clinics: Clinics) -> Participants:
    source = clinics[scenario.source]
    at_home = source.test
    if scenario.target is None:
        return Participants(source.training, (), at_home)
    adapted_to, tested = _split(scenario, clinics)
    if scenario.subject is not None or not scenario.method_type.changes_network:
        at_home = ()
    if (count := scenario.settings.target_labels) is not None:
        few = _few(adapted_to, count, scenario.seed, "labelled subjects")
        return Participants(few, (), tested, at_home)
    if (count := scenario.settings.scans_of_target) is not None and scenario.subject is None:
        adapted_to = _few(adapted_to, count, scenario.seed, "unlabelled subjects")
    if scenario.method_type.reads_target_labels:
        return Participants(source.training + adapted_to, (), tested, at_home)
    labelled = source.training if scenario.method_type.needs_source else ()
    if not scenario.method_type.needs_target:
        adapted_to = ()
    return Participants(labelled, adapted_to, tested, at_home)


def _few(subjects: Subjects, count: int, seed: int, purpose: str) -> Subjects:
    """Some of the ``subjects``, drawn by the seed. A larger draw holds the smaller ones."""
    if count > len(subjects):
        there = f"the target has {len(subjects)} to learn from"
        raise InputError(f"{count} {purpose}: {there}; give at most {len(subjects)}")
    order = seeded(seed, purpose).permutation(len(subjects))
    return tuple(subjects[place] for place in order[:count])


def _split(scenario: Scenario, clinics: Clinics) -> tuple[Subjects, Subjects]:
    target = clinics[str(scenario.target)]
    if scenario.fold is None:
        adapted_to = tested = target.studied
    else:
        adapted_to, tested = target.folds[scenario.fold], target.folds[1 - scenario.fold]
    if scenario.subject is None:
        return adapted_to, tested
    alone = target.subject(scenario.subject)
    if alone not in tested:
        what = f"subject {alone.id} is not tested in fold {scenario.fold}"
        raise InputError(f"{what}; choose the other fold")
    return (alone,), (alone,)
