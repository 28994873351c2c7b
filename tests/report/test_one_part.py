"""What one part of a method changes follows from the two arms that differ in it."""

from pathlib import Path

from kdlib.record.results import Results, open_results
from kdlib.report.one_part import PARTS, part_changes, part_words
from kdlib.study.arm import lower_bound
from kdlib.study.study import load_study
from tests.known_effects import known_effects
from tests.report.made_results import write_results

MECHANISM = load_study("mechanism")
EFFECTS = {
    "L-bound": 0.0, "AdaBN": 0.0, "KD": -0.04, "KD from AdaBN": 0.03, "KD at T = 1": -0.04,
}  # fmt: skip


def recorded(folder: Path, seeds: int) -> Results:
    scores = known_effects(EFFECTS, seeds=seeds)
    return open_results(write_results(folder, "mechanism", scores))


def test_all_arms_of_the_parts_are_those_of_the_study_of_the_mechanism() -> None:
    named = {name for part in PARTS for name in (part.having, part.lacking or "L-bound")}
    assert lower_bound(MECHANISM.arms) == "L-bound"
    assert named <= set(MECHANISM.arms)


def test_a_part_is_better_worse_or_the_same_by_the_two_arms_that_differ_in_it(
    tmp_path: Path,
) -> None:
    table = part_changes(recorded(tmp_path, seeds=3))
    assert table.set_index("part")["reading"].to_dict() == {
        "the target's statistics (AdaBN)": "the same",
        "softening the teacher": "the same",
        "AdaBN of KD's teacher": "better",
        "distilling AdaBN": "better",
    }
    assert "better with: AdaBN of KD's teacher (+0.07" in part_words(table)
    assert "None is shown to lower it." in part_words(table)


def test_too_few_seeds_decide_nothing(tmp_path: Path) -> None:
    table = part_changes(recorded(tmp_path, seeds=2))
    assert set(table["reading"]) == {"open"}
    assert "2 seeds the table decides nothing" in part_words(table)
    assert "No two arms" in part_words(table.iloc[:0])
