"""Who takes part in a scenario: with labels, without, and in the test."""

from dataclasses import dataclass

from kdlib.data.clinics import Clinics, Subject
from kdlib.errors import InputError
from kdlib.scenario import Scenario

Subjects = tuple[Subject, ...]


@dataclass(frozen=True)
class Participants:
    """``labelled`` subjects are learnt from with their labels, ``adapted_to`` without.

    ``tested`` are scored afterwards; of the labelled ones none is among them.
    """

    labelled: Subjects
    adapted_to: Subjects
    tested: Subjects


def participants(scenario: Scenario, clinics: Clinics) -> Participants:
    """The subjects of ``scenario``, as the paper splits them (Section 4.2).

    A teacher learns from all the source's training subjects and is tested on the source's test
    subjects (on its own training subjects where the data has no others, which flatters it).
    """
    source = clinics[scenario.source]
    if scenario.target is None:
        return Participants(source.training, (), source.test or source.training)
    adapted_to, tested = _split(scenario, clinics)
    if scenario.method_type.reads_target_labels:
        return Participants(source.training + adapted_to, (), tested)
    return Participants(source.training, adapted_to, tested)


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
