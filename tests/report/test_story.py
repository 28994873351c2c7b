"""What the first page claims is what the results say, whatever they say."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kdlib.evidence.claims import judge
from kdlib.evidence.comparisons import POOLED
from kdlib.record.results import Results, open_results
from kdlib.report.findings import harmed_words, over_all_words
from kdlib.report.gains import gains, gains_figure
from kdlib.report.story import Story
from kdlib.report.tiles import verdict_tiles
from kdlib.study.study import load_study
from tests.known_effects import EFFECTS

Study = Callable[..., pd.DataFrame]
ROOT = Path(__file__).parents[2]
RECORDED = [p.parent for p in sorted((ROOT / "book" / "results").glob("*/provenance.json"))]
INDEX = (ROOT / "book" / "index.md").read_text()
WITH_NORM = EFFECTS | {"AdaBN": 0.0}


def saved(scores: pd.DataFrame, folder: Path) -> Results:
    scores.to_csv(folder / "scores.csv", index=False)
    study = load_study("standard").model_dump(mode="json")
    record = {"study": study, "seeds": {"0": {"runs": []}}}
    (folder / "provenance.json").write_text(json.dumps(record))
    return open_results(folder)


@pytest.mark.parametrize(
    ("effects", "noise", "said"),
    [
        ({"KD": 0.06, "AdaBN": 0.0}, 0.015, ("it raised", "AdaBN left the mean Dice the same")),
        ({"KD": -0.06, "AdaBN": 0.05}, 0.015, ("it lowered", "AdaBN raised")),
        ({"KD": 0.0, "AdaBN": 0.0}, 0.015, ("it left the mean Dice the same", "so did AdaBN (")),
        ({"KD": 0.0, "AdaBN": 0.0}, 0.3, ("it changed", "several tests) and AdaBN changed")),
    ],
)
def test_the_headline_says_raised_lowered_the_same_or_unclear(
    study: Study, tmp_path: Path, effects: dict[str, float], noise: float, said: tuple[str, ...]
) -> None:
    story = Story(saved(study(effects=WITH_NORM | effects, noise=noise), tmp_path))
    assert [part for part in said if part not in story.headline] == []
    assert story.headline.startswith("The paper reports that distillation (KD) gains +0.036 Dice")


def test_one_seed_is_never_called_a_gain_and_recommends_nothing(
    study: Study, tmp_path: Path
) -> None:
    story = Story(saved(study(effects=WITH_NORM, seeds=1), tmp_path))
    assert "1 seed cannot decide" in story.headline
    assert not re.search("raised|lowered|the same", story.headline)
    assert "too few to recommend" in story.advice


def test_a_chapter_says_what_its_method_did_over_all_pairs(study: Study, tmp_path: Path) -> None:
    effects = WITH_NORM | {"KD": 0.06, "ADA": -0.06}
    results = saved(study(effects=effects), tmp_path)
    assert "pairs of clinics, KD raised the mean Dice" in over_all_words(results, "distillation")
    assert "ADA lowered the mean Dice by 0.0" in over_all_words(results, "adversarial")
    few = saved(study(effects=effects, seeds=2), tmp_path)
    assert "2 seeds cannot decide" in over_all_words(few, "adversarial")


def test_a_method_is_recommended_only_if_it_raised_the_dice(study: Study, tmp_path: Path) -> None:
    assert "(KD) has the largest" in Story(saved(study(effects=WITH_NORM), tmp_path)).advice
    nothing = study(effects=dict.fromkeys(WITH_NORM, 0.0))
    assert "no clear gain" in Story(saved(nothing, tmp_path)).advice


def test_without_adaptation_to_compare_with_nothing_is_claimed(
    study: Study, tmp_path: Path
) -> None:
    results = saved(study(effects={"KD": 0.1}), tmp_path)
    assert "no arm that can be compared" in Story(results).headline
    assert "advise nothing" in Story(results).advice
    assert gains_figure(results) is None


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_every_number_of_the_headline_follows_from_the_recorded_scores(folder: Path) -> None:
    story = Story(open_results(folder))
    if not story.arms:
        pytest.skip("the study compares nothing")
    scores = pd.read_csv(folder / "scores.csv")
    if "setting" in scores:
        scores = scores[scores["setting"].isna()]
    by_subject = scores.groupby(["arm", "seed", "target", "subject", "source"])["dice"].mean()
    means = by_subject.groupby(["arm", "target", "subject"]).mean().groupby("arm").mean()
    wanted = {arm: abs(means[arm] - means["L-bound"]) for arm in story.arms}
    (*_, here) = story.headline.split("; ")
    numbers = [float(n) for n in re.findall(r"[+−]?(\d\.\d{3})", here)]
    assert numbers == pytest.approx(list(wanted.values()), abs=6e-4)
    for arm, change in story.changes.items():
        if change in ("raised", "lowered"):
            row = story.found[arm]
            assert (row["low"] > 0) if change == "raised" else (row["high"] < 0)


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_the_harm_that_is_told_is_that_of_the_recorded_scores(folder: Path) -> None:
    results = open_results(folder)
    story = Story(results)
    keys = ["source", "target", "subject"]
    wide = results.scores.groupby([*keys, "arm"])["dice"].mean().unstack("arm")
    for arm, sentence in zip(
        story.arms, re.findall(r"With .*? a lower Dice\.", story.harm), strict=True
    ):
        change = (wide[arm] - wide["L-bound"]).dropna()
        by_pair = change.groupby(["source", "target"]).mean()
        share = (change.groupby(["target", "subject"]).mean() < 0).mean()
        lower, pairs, worse = map(int, re.findall(r"\d+", sentence)[-3:])
        assert (lower, pairs) == ((by_pair <= -0.001).sum(), len(by_pair))
        assert worse == pytest.approx(100 * share, abs=0.51)


def test_the_first_page_types_no_claim_of_its_own() -> None:
    """What could be true or untrue of results is glued; what is typed says only what things are."""
    typed = re.sub(r"```.*?```|^---.*?---|\{glue:text\}`[^`]*`", "", INDEX, flags=re.DOTALL)
    claims = (
        r"\b(gains?|raise[sd]?|lower(s|ed)|improve[sd]?|outperforms?|harms?|beats?|wins?|\d\.\d+)\b"
    )
    assert re.findall(claims, typed) == []


def test_the_worst_harmed_subject_and_the_number_of_losers_are_those_of_the_scores(
    study: Study, tmp_path: Path
) -> None:
    scores = study(effects=EFFECTS | {"KD": 0.1}, noise=0.0)
    lost = scores["arm"].eq("KD") & scores["subject"].eq(scores["subject"].iloc[0])
    lost &= scores["source"].eq("utrecht") & scores["target"].eq(scores["target"].iloc[0])
    scores.loc[lost, "dice"] -= 0.4
    said = harmed_words(saved(scores, tmp_path))
    assert said.startswith("KD lowers the Dice of 1 of ")
    assert "−0.3" in said
    assert f"subject {scores['subject'].iloc[0]} from Utrecht to " in said


def test_the_figure_shows_each_arm_pooled_and_by_pair(study: Study, tmp_path: Path) -> None:
    results = saved(study(effects=WITH_NORM), tmp_path)
    picture = gains_figure(results)
    assert picture is not None
    panels = {axes.get_title(loc="left"): axes for axes in picture.figure.axes}
    assert list(panels) == ["AdaBN", "ADA", "KD", "ADA then KD"]
    rows = [label.get_text() for label in panels["KD"].get_yticklabels()]
    assert rows[:2] == ["all pairs", "Utrecht to Singapore"]
    drawn = {round(float(x), 6) for line in panels["KD"].lines for x in line.get_xdata()}  # type: ignore[union-attr]
    table = gains(results)
    (row,) = table[table["arm"].eq("KD") & table["source"].eq(POOLED)]["difference"]
    assert round(float(row), 6) in drawn


def test_every_claim_stands_in_the_tile_of_its_verdict(study: Study) -> None:
    rulings = judge(study(pairs=(("utrecht", "singapore"),), seeds=1))
    tiles = verdict_tiles(rulings, "11_claims.html")._repr_html_()
    found: dict[str, Any] = dict(
        re.findall(r'href="11_claims.html#claim-(\w+)" title="([^"]*)"', tiles)
    )
    assert {r.claim.number for r in rulings} == set(found)
    assert all(found[r.claim.number].endswith(f"{r.verdict.capitalize()}.") for r in rulings)
