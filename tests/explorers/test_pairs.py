"""The explorer of clinic pairs beside the stored scores and answers."""

import numpy as np
import pytest

from kdlib.report.pictures import head_window, overlap
from tests.explored import STUDY
from tests.explorers.pages import PAIRS, choose, control, options, pixels, values

ARMS = list(STUDY.arms)


def test_every_answer_shows_what_it_found_missed_and_made_up(page, explored_study):
    results = explored_study.results
    seen = 0
    for source in options(page, PAIRS, "Source"):
        choose(page, Source=source)
        (target,) = options(page, PAIRS, "Target")
        assert target != source
        for arm in options(page, PAIRS, "Method"):
            choose(page, Method=arm)
            for fold in options(page, PAIRS, "Fold"):
                choose(page, Fold=fold)
                for subject in options(page, PAIRS, "Subject"):
                    choose(page, Subject=subject)
                    check_answer(page, results, source, target, arm, subject)
                    seen += 1
    assert seen == len(results.scores)


def check_answer(page, results, source, target, arm, subject):
    example = results.example(source, target, subject)
    kinds = overlap(example["truth"], example[arm])
    counts = [int(kind.sum()) for kind in kinds.values()]
    assert values(page, PAIRS, "count")[:3] == counts
    (score,) = results.scores.query(
        "source == @source and target == @target and arm == @arm and subject == @subject"
    )["dice"]
    cells = page.locator(f'{PAIRS} [data-metric="dice"] td').all_text_contents()
    assert cells[0] == f"{score:.3f}"
    held = [(array > 0) * 255 for name, array in example.items() if name == "truth"]
    held += [(array >= 128) * 255 for name, array in example.items() if name in ARMS]
    window = head_window(np.max([example["flair"], *held], axis=0).astype(np.uint8))
    found = kinds["found"][window].T
    middle = pixels(page, PAIRS, columns=found.shape[1])
    grey = example["flair"][window].T[..., None]
    blue = np.rint(grey + 0.55 * (np.array([0x56, 0xB4, 0xE9]) - grey))
    np.testing.assert_allclose(middle[found], blue[found], atol=1)
    nothing = ~np.any(list(kinds.values()), axis=0)[window].T & (example["truth"][window].T != 2)
    np.testing.assert_array_equal(middle[nothing], np.repeat(grey, 3, -1)[nothing])


def test_a_whole_scan_is_shown_slice_by_slice(page, explored_study):
    results = explored_study.results
    source, target, subject = next(iter(results.answers))
    scan = results.explored("scan")[source, target, subject]
    choose(page, Source=source, Method="KD", Fold="0", Subject=subject)
    for place in range(scan["truth"].shape[2]):
        control(page, PAIRS, "Slice").fill(str(place))
        page.wait_for_selector(f'{PAIRS} .kdlib-large canvas[aria-label$="is slice {place + 1}."]')
        for arm in ("KD", "L-bound"):
            choose(page, Method=arm)
            answer = results.answers[source, target, subject][arm][:, :, place] * np.uint8(255)
            kinds = overlap(scan["truth"][:, :, place], answer)
            assert values(page, PAIRS, "count")[:3] == [int(one.sum()) for one in kinds.values()]
    choose(page, Source="singapore")
    words = page.locator(f"{PAIRS} .kdlib-large canvas").first.get_attribute("aria-label")
    assert words.endswith("the slice with the most lesion.")


def test_the_chart_rings_the_chosen_subject_in_every_score(page, explored_study):
    choose(page, Source="utrecht", Method="KD", Fold="0")
    subject = options(page, PAIRS, "Subject")[-1]
    choose(page, Subject=subject)
    rows = explored_study.results.scores.query(
        "arm == 'KD' and target == 'singapore' and subject == @subject"
    )
    for metric in ("dice", "hd95_mm", "avd_percent", "lesion_recall", "lesion_f1"):
        choose(page, **{"Score in the chart": metric})
        (score,) = rows[metric]
        wanted = [] if np.isnan(score) else [pytest.approx(score, abs=1e-4)]
        assert values(page, PAIRS, "value") == wanted


def test_methods_stand_side_by_side_on_one_slice(page):
    choose(page, Source="utrecht", Method="KD")
    for name in ("L-bound", "ADA"):
        page.locator(f'{PAIRS} input[value="{name}"]').check()
    shown = page.locator(f"{PAIRS} .kdlib-others canvas").evaluate_all(
        "(all) => all.map((one) => one.dataset.arm)"
    )
    assert {"L-bound", "ADA"} <= set(shown)
    assert "KD" not in shown
    assert page.locator(f'{PAIRS} input[value="KD"]').is_disabled()


def test_the_map_of_pairs_leads_to_a_pair_and_shows_its_gain(page, explored_study):
    choose(page, Source="utrecht", Method="KD")
    scores = explored_study.results.scores
    wide = scores.pivot_table("dice", ["source", "subject"], "arm").dropna(subset=["KD", "L-bound"])
    gain = (wide["KD"] - wide["L-bound"]).groupby("source").mean()["singapore"]
    caption = page.locator(f"{PAIRS} .kdlib-heat caption").inner_text()
    assert caption == "KD: change of mean Dice from no adaptation"
    cell = page.locator(f'{PAIRS} .kdlib-heat button[aria-label^="Singapore to Utrecht"]')
    assert float(cell.text_content().replace("−", "-")) == pytest.approx(gain, abs=6e-4)
    cell.focus()
    page.keyboard.press("Enter")
    assert control(page, PAIRS, "Source").input_value() == "singapore"
    assert cell.get_attribute("aria-pressed") == "true"
    assert cell.evaluate("(cell) => cell === document.activeElement")


def test_a_click_on_a_dot_shows_its_subject(page):
    choose(page, Source="utrecht", Method="L-bound")
    page.locator(f"{PAIRS} circle.kdlib-other").first.dispatch_event("click")
    assert control(page, PAIRS, "Method").input_value() != "L-bound"


def test_the_worst_harmed_subject_is_found(page, explored_study):
    choose(page, Source="utrecht", Method="KD")
    scores = explored_study.results.scores
    wide = scores.pivot_table("dice", ["source", "subject"], "arm").dropna(subset=["KD", "L-bound"])
    source, subject = (wide["KD"] - wide["L-bound"]).idxmin()
    page.locator(f"{PAIRS} button.kdlib-button").click()
    chosen = [control(page, PAIRS, name).input_value() for name in ("Source", "Subject")]
    assert chosen == [source, subject]


def test_a_choice_is_drawn_once(page):
    choose(page, Source="utrecht")
    page.locator(f"{PAIRS} .kdlib-large > canvas").evaluate("""(picture) => {
      const put = CanvasRenderingContext2D.prototype.putImageData;
      window.paints = 0;
      CanvasRenderingContext2D.prototype.putImageData = function (...given) {
        window.paints += this.canvas === picture;
        return put.apply(this, given);
      };
    }""")
    choose(page, Source="singapore")
    assert page.evaluate("window.paints") == 1
