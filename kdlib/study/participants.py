"""Who takes part in a scenario: with labels, without, and in the test."""

from dataclasses import dataclass

from kdlib.data.clinics import Clinics, Subject
from kdlib.errors import InputError
from kdlib.study.scenario import Scenario

Subjects = tuple[Subject, ...]


@dataclass(frozen=True)
class Participants:
    """``labelled`` subjects are learnt from with their labels, ``adapted_to`` without.

    A source-free method has no labelled ones. ``tested`` are scored afterwards; of the labelled
    ones none is among them. ``at_home`` are those of the source that its teacher is tested on: a
    network adapted to a whole target is scored on them too.
    """

    labelled: Subjects
    adapted_to: Subjects
    tested: Subjects
    at_home: Subjects = ()


def participants(scenario: Scenario, clinics: Clinics) -> Participants:
    """The subjects of ``scenario``, as the paper splits them (Section 4.2).

    A teacher learns from all the source's training subjects and is tested on the source's test
    subjects (on its own training subjects where the data has no others, which flatters it).
    """
    source = clinics[scenario.source]
    at_home = source.test or source.training
    if scenario.target is None:
        return Participants(source.training, (), at_home)
    adapted_to, tested = _split(scenario, clinics)
    if scenario.subject is not None or not scenario.method_type.changes_network:
        at_home = ()
    if scenario.method_type.reads_target_labels:
        return Participants(source.training + adapted_to, (), tested, at_home)
    labelled = source.training if scenario.method_type.needs_source else ()
    return Participants(labelled, adapted_to, tested, at_home)


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
        raise InputError(f"subject {alone.id} is not tested in fold {scenario.fold}; try the other")
    return (alone,), (alone,)
