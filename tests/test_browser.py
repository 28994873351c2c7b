"""The explorers in a real browser, from the file system and from a server, without a network."""

# Fixtures are imported by name.
# ruff: noqa: F401, F811

import numpy as np
import pytest
from scipy.special import expit

from kdlib.record.explorers import STEPS_PER_LOGIT
from kdlib.record.results import open_results
from kdlib.report.pictures import head_window, overlap
from kdlib.report.widgets import base
from kdlib.report.widgets.dials import dial_scores
from kdlib.report.widgets.temperature import student_dice
from tests.explored import ODD_LABEL, ODD_NAME, STUDY, explored_study
from tests.pages import (
    CAUTION,
    CHROMIUM,
    DIALS,
    MAP,
    PAGE,
    PAIRS,
    SCAN,
    TEMPERATURE,
    THRESHOLD,
    browser,
    control,
    opened,
    options,
    page,
    pixels,
    scan_pixels,
    server,
    site,
    values,
)

ARMS = list(STUDY.arms)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: 'apt-get install chromium' runs the browser tests"
)


def head_probability(soft, place, temperature):
    probability = expit(soft["difference"][place] / STEPS_PER_LOGIT / temperature)
    return probability, soft["flair"][place] > 0


@pytest.mark.parametrize("temperature", [1.0, 3.7, 10.0])
def test_the_soft_label_is_softmax_at_the_chosen_temperature(page, explored_study, temperature):
    control(page, TEMPERATURE, "Temperature").fill(str(temperature))
    control(page, TEMPERATURE, "Slice").fill("0")
    soft = next(iter(explored_study.results.explored("soft").values()))
    probability, head = head_probability(soft, 0, temperature)
    ramp = [[13, 8, 135], [126, 3, 168], [204, 71, 120], [248, 149, 64], [240, 249, 33]]
    colour = np.stack(
        [np.interp(probability, np.linspace(0, 1, 5), part) for part in np.transpose(ramp)], -1
    )
    grey, share = soft["flair"][0][..., None], (probability * head)[..., None]
    shown = pixels(page, TEMPERATURE, 1)
    np.testing.assert_allclose(shown, grey + share * (colour - grey), atol=1)


@pytest.mark.parametrize("temperature", [1.5, 8.0])
def test_histogram_and_entropy_follow_the_temperature(page, explored_study, temperature):
    control(page, TEMPERATURE, "Temperature").fill(str(temperature))
    control(page, TEMPERATURE, "Slice").fill("1")
    soft = next(iter(explored_study.results.explored("soft").values()))
    probability, head = head_probability(soft, 1, temperature)
    p = probability[head]
    counts, _ = np.histogram(p, bins=20, range=(0, 1))
    entropy = np.mean(-p * np.log2(p) - (1 - p) * np.log2(1 - p))
    assert values(page, TEMPERATURE, "count") == counts.tolist()
    assert values(page, TEMPERATURE, "entropy") == [pytest.approx(entropy)]
    assert f"{entropy:.3f} bit" in page.locator(f"{TEMPERATURE} p").first.text_content()


def test_slices_and_clinics_show_their_own_scan(page, explored_study):
    stored = list(explored_study.results.explored("soft").values())
    for pair, soft in enumerate(stored):
        control(page, TEMPERATURE, "Clinics").select_option(index=pair)
        for place in range(len(soft["slices"])):
            control(page, TEMPERATURE, "Slice").fill(str(place))
            np.testing.assert_array_equal(pixels(page, TEMPERATURE)[..., 0], soft["flair"][place])
    control(page, TEMPERATURE, "Clinics").select_option(index=0)


def test_the_students_dice_stand_at_their_temperatures(page, explored_study):
    table = student_dice(explored_study.results, "utrecht", "singapore")
    control(page, TEMPERATURE, "Temperature").fill("5.5")
    assert table["temperature"].tolist() == [1, 2, 6, 9]  # two arms, and a sweep
    assert values(page, TEMPERATURE, "trained-at") == table["temperature"].tolist()
    assert values(page, TEMPERATURE, "dice") == pytest.approx(table["mean"].tolist())
    assert set(values(page, TEMPERATURE, "temperature")) == {5.5}
    places = page.locator(f"{TEMPERATURE} circle.kdlib-dot").evaluate_all(
        "(dots) => dots.map((dot) => Number(dot.getAttribute('cx')))"
    )
    assert np.diff(places) == pytest.approx(np.diff(table["temperature"]) * np.diff(places)[0])
    row = table.iloc[2]
    words = page.locator(f"{TEMPERATURE} .kdlib-charts p").text_content()
    assert f"T = 6. Their mean Dice is {row['mean']:.3f}" in words


def test_a_keyboard_turns_the_temperature(page):
    slider = control(page, TEMPERATURE, "Temperature")
    slider.fill("2")
    before = pixels(page, TEMPERATURE, 1)
    slider.focus()
    page.keyboard.press("End")
    assert slider.input_value() == "10"
    assert (pixels(page, TEMPERATURE, 1) != before).any()


def test_clinics_stand_under_their_written_names(page):
    texts = [
        control(page, explorer, name).locator("option").all_text_contents()
        for explorer, name in ((TEMPERATURE, "Clinics"), (PAIRS, "Source"), (PAIRS, "Target"))
    ]
    assert texts[0] == ["Utrecht → Singapore", "Singapore → Utrecht"]
    assert {*texts[1], *texts[2]} == {"Utrecht", "Singapore"}


def choose(page, **choices):
    for name, value in choices.items():
        control(page, PAIRS, name).select_option(value)


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


def test_found_missed_and_false_differ_without_colour(page):
    swatches = [pixels(page, f"{PAIRS} .kdlib-legend", kind).sum(axis=-1) for kind in range(4)]
    contrast = [abs(swatch - swatch[0, 0]) for swatch in swatches]
    drawn = [part > part.max() / 2 for part in contrast]
    shares = [mark.mean() for mark in drawn]
    assert len({mark.tobytes() for mark in drawn}) == 4
    assert shares[0] > shares[1] * 1.5


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


def coloured(picture):
    return np.ptp(picture, axis=-1) > 60


def kinds_of(scan, answer):
    return overlap(scan["truth"], scan[answer] * np.uint8(255))


@pytest.mark.parametrize("answer", ["teacher", "student"])
def test_an_answers_colours_cover_their_share_of_the_slice_and_fade(page, explored_study, answer):
    scan = next(iter(explored_study.results.explored("scan").values()))
    marked = np.any([*kinds_of(scan, answer).values(), scan["truth"] == 2], axis=0)
    place = int(marked.sum(axis=(0, 1)).argmax())
    control(page, SCAN, "View").select_option("axial")
    control(page, SCAN, "Slice").fill(str(place))
    control(page, SCAN, "Colours").fill("1")
    head = (scan["flair"][:, :, place] > 0) | marked[:, :, place]
    shown = scan_pixels(page, answer)
    share = coloured(shown).sum() / (shown.max(axis=-1) > 20).sum()
    assert share == pytest.approx(marked[:, :, place].sum() / head.sum(), rel=0.15, abs=0.02)
    control(page, SCAN, "Colours").fill("0")
    assert coloured(scan_pixels(page, answer)).sum() == 0


def test_every_kept_scan_is_shown_with_teacher_and_student(page, explored_study):
    for (source, target, subject), scan in explored_study.results.explored("scan").items():
        control(page, SCAN, "Clinics").select_option(f"{source} {target}")
        control(page, SCAN, "Subject").select_option(subject)
        page.wait_for_function(
            "([at, name]) => document.querySelector(at).dataset.shown === name",
            arg=[SCAN, f"{source} {target} {subject}"],
        )
        for place, answer in enumerate(("teacher", "student")):
            counts = {kind: int(voxels.sum()) for kind, voxels in kinds_of(scan, answer).items()}
            words = page.locator(f"{SCAN} figcaption").nth(place).text_content()
            lesion = counts["found"] + counts["missed"]
            assert f"{answer} found {counts['found']} of {lesion} lesion voxels" in words
            assert f"and {counts['false']} that it marked are false" in words


def test_views_and_slices_of_the_scan_change_the_picture(page):
    shown = set()
    for view in ("axial", "coronal", "sagittal", "three planes", "surface"):
        control(page, SCAN, "View").select_option(view)
        shown.add(scan_pixels(page).tobytes())
    control(page, SCAN, "View").select_option("axial")
    for place in range(5):
        control(page, SCAN, "Slice").fill(str(place))
        shown.add(scan_pixels(page).tobytes())
    assert len(shown) >= 9


@pytest.mark.parametrize("view", ["coronal", "sagittal"])
def test_the_slider_goes_through_the_slices_of_the_view(page, view):
    control(page, SCAN, "View").select_option(view)
    slider = control(page, SCAN, "Slice")
    last = int(slider.get_attribute("max"))
    shown = []
    for share in (0.1, 0.5):
        slider.fill(str(round(share * last)))
        shown.append(scan_pixels(page))
    assert (abs(shown[0] - shown[1]).max(axis=-1) > 20).mean() > 0.05  # more than the cross
    control(page, SCAN, "View").select_option("surface")
    assert slider.is_disabled()
    control(page, SCAN, "View").select_option("axial")
    assert slider.is_enabled()


def test_keys_do_not_part_the_picture_from_the_list_of_views(page):
    canvas = page.locator(f"{SCAN} .kdlib-scan canvas").first
    canvas.hover()
    canvas.focus()
    before = scan_pixels(page)
    for key in "vcp":
        page.keyboard.press(key)
        np.testing.assert_array_equal(scan_pixels(page), before)


TOUCH = """(canvas, kind) => {
  const { x, y } = canvas.getBoundingClientRect();
  const at = { identifier: 1, target: canvas, clientX: x + 9, clientY: y + 9 };
  const touches = kind === "touchend" ? [] : [new Touch(at)];
  const given = { touches, targetTouches: touches, bubbles: true, cancelable: true };
  return canvas.dispatchEvent(new TouchEvent(kind, given));
}"""


def test_a_finger_scrolls_the_page_over_a_scan_until_it_is_tapped(page):
    canvas = page.locator(f"{SCAN} .kdlib-scan canvas").first
    canvas.evaluate("(canvas) => canvas.blur()")
    kinds = ("touchstart", "touchmove", "touchend")
    assert [canvas.evaluate(TOUCH, kind) for kind in kinds] == [True] * 3
    canvas.focus()
    assert canvas.evaluate(TOUCH, "touchstart") is False
    canvas.evaluate(TOUCH, "touchend")


def test_names_of_folders_are_text_and_never_html(page):
    choose(page, Source="utrecht", Method="L-bound")
    for fold in options(page, PAIRS, "Fold"):
        choose(page, Fold=fold)
        if ODD_NAME in options(page, PAIRS, "Subject"):
            choose(page, Subject=ODD_NAME)
            break
    assert ODD_NAME in page.locator(f"{PAIRS} p").first.text_content()
    assert page.locator(".kdlib-explorer b").count() == 0


def test_labels_of_arms_are_text_and_never_html(page):
    choose(page, Source="utrecht", Method="KD, T = 6")
    methods = control(page, PAIRS, "Method").locator("option").all_text_contents()
    assert methods == [arm.label for arm in STUDY.arms.values()]
    assert ODD_LABEL in page.locator(f"{PAIRS} p").first.text_content()
    assert page.locator(f"{PAIRS} svg text.kdlib-title").all_text_contents()[-1] == (
        f"{ODD_LABEL[:21]}…"
    )
    assert page.locator(".kdlib-explorer b").count() == 0


def test_stills_give_way_on_screen_and_come_back_in_print(page):
    stills = page.locator("figure.kdlib-still")
    assert [still.is_visible() for still in stills.all()] == [False] * 3
    page.emulate_media(media="print")
    assert [still.is_visible() for still in stills.all()] == [True] * 3
    assert not page.locator(".kdlib-explorer").first.is_visible()
    page.emulate_media(media="screen")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page, theme):
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    for explorer in (TEMPERATURE, PAIRS, SCAN):
        root = page.locator(explorer)
        colours = [root.evaluate(COLOUR, name) for name in ("color", "backgroundColor")]
        assert contrast(*colours) >= 7


COLOUR = """(one, name) => getComputedStyle(one)[name].match(/[\\d.]+/g).slice(0, 3).map(Number)"""


def contrast(*colours):
    """The contrast of two colours as WCAG 2.2 defines it."""
    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_every_control_has_a_name_and_shows_focus(page):
    for element in page.locator(".kdlib-explorer :is(select, input)").all():
        assert element.evaluate("(e) => e.labels.length") == 1
    control(page, PAIRS, "Source").focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_another_pair_keeps_the_temperature_and_the_height(page):
    control(page, TEMPERATURE, "Temperature").fill("4")
    control(page, TEMPERATURE, "Slice").fill("2")
    control(page, TEMPERATURE, "Clinics").select_option(index=1)
    kept = [control(page, TEMPERATURE, name).input_value() for name in ("Temperature", "Slice")]
    assert kept[0] == "4"
    assert int(kept[1]) > 0
    control(page, TEMPERATURE, "Clinics").select_option(index=0)


def test_the_students_of_each_temperature_stand_beside_the_soft_label(page):
    assert values(page, TEMPERATURE, "student") == [1, 2, 6, 9]


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


def test_a_change_that_rounds_to_nothing_has_no_minus(page):
    parts = base.source("parts.js")
    parts = parts[parts.index("const signed = ") :].split("\n\n")[0]
    said = page.evaluate(f"() => {{ {parts} return [-0.0004, 0, -0.0006].map((v) => signed(v)) }}")
    assert said == ["+0.000", "+0.000", "−0.001"]


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


def test_a_slider_that_moves_often_writes_the_address_once(page):
    page.wait_for_timeout(400)  # what is still to be written
    page.evaluate("""() => {
      const write = history.replaceState.bind(history);
      window.writes = 0;
      history.replaceState = (...given) => { window.writes += 1; write(...given); };
    }""")
    control(page, TEMPERATURE, "Temperature").evaluate("""(slider) => {
      for (let i = 0; i < 150; i += 1) {
        slider.value = 1 + i / 20;
        slider.dispatchEvent(new Event("input"));
      }
    }""")
    page.wait_for_function("location.hash.includes('temperature.temperature=8.45')")
    page.wait_for_timeout(400)
    assert page.evaluate("window.writes") == 1


def test_what_is_shown_stands_in_the_address_and_comes_back(browser, page):
    choose(page, Source="singapore", Method="ADA")
    control(page, TEMPERATURE, "Temperature").fill("7")
    page.wait_for_function("location.hash.includes('temperature.temperature=7')")
    address = page.evaluate("location.href")
    other = browser.new_page()
    other.goto(address)
    for explorer in (TEMPERATURE, PAIRS):
        other.wait_for_selector(explorer, timeout=120_000)
    assert control(other, PAIRS, "Source").input_value() == "singapore"
    assert control(other, PAIRS, "Method").input_value() == "ADA"
    assert control(other, TEMPERATURE, "Temperature").input_value() == "7"
    other.close()


def test_the_threshold_moves_dice_recall_and_precision(browser, site, explored_study):
    page = browser.new_page()
    page.goto(f"{site.as_uri()}/{CAUTION}")
    page.wait_for_selector(THRESHOLD, timeout=120_000)
    control(page, THRESHOLD, "Method").select_option("KD")
    results, pair = explored_study.results, ("utrecht", "singapore")
    slices = [results.example(*pair, subject) for subject in results.subjects(*pair)]
    truth = np.concatenate([one["truth"].ravel() for one in slices])
    answer = np.concatenate([one["KD"].ravel() for one in slices])[truth != 2] // 2 * 2
    lesion = truth[truth != 2] == 1
    for threshold in (0.1, 0.5, 0.8):
        control(page, THRESHOLD, "Threshold").fill(str(threshold))
        found = answer >= round(threshold * 255 + 1e-9)
        both = (lesion & found).sum()
        assert values(page, THRESHOLD, "dice") == [
            pytest.approx(2 * both / (lesion.sum() + found.sum()))
        ]
        assert values(page, THRESHOLD, "recall") == [pytest.approx(both / lesion.sum())]
        assert values(page, THRESHOLD, "precision") == [pytest.approx(both / found.sum())]
    page.close()


def test_a_scan_that_is_missing_leaves_the_rest_at_work(browser, site):
    """Under an address with values that no control has, which leads to an explorer all the same."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/scans/*.js", lambda route: route.abort())
    strange = "temperature.pair=-1.5&pairs.place=1.5&pairs.beside=&scan.view=foo"
    page.goto(f"{site.as_uri()}/{PAGE}#{strange}")
    for explorer in (TEMPERATURE, PAIRS):
        page.wait_for_selector(explorer, timeout=120_000)
    assert page.evaluate("scrollY") > 0
    assert control(page, TEMPERATURE, "Clinics").input_value() == "0"

    words = page.locator(f"{PAIRS} label").filter(has_text="missing from this copy")
    words.wait_for()
    label = page.locator(f"{PAIRS} .kdlib-large > canvas").get_attribute("aria-label")
    assert label.endswith("the slice with the most lesion.")
    assert page.locator(f"{PAIRS} .kdlib-scores tr").count() > 1

    viewer = SCAN.removesuffix("[data-ready]")
    again = page.get_by_role("button", name="Try again")
    again.wait_for()
    assert "missing from this copy" in page.locator(f"{viewer} .kdlib-says").text_content()
    assert control(page, viewer, "View").input_value() == "three planes"
    assert page.locator("figure.kdlib-still").last.is_visible()
    page.unroute("**/scans/*.js")
    again.click()
    page.wait_for_selector(f"{viewer}[data-shown]")
    assert not again.is_visible()
    assert scan_pixels(page, explorer=viewer).max() > 100

    control(page, TEMPERATURE, "Temperature").fill("3")
    page.wait_for_function("location.hash.includes('temperature.temperature=3')")
    assert "pairs.beside=" in page.url  # no methods beside it is a value too
    assert errors == []
    page.close()


DRAWN = """([gains, arms]) => {
  const drawn = gainsChart(arms, gains, [gains], "L-bound", "KD");
  document.querySelector(".kdlib-charts").append(drawn);
  const boxes = (marks) => [...drawn.querySelectorAll(marks)]
    .map((mark) => mark.getBoundingClientRect()).map(({ left, right }) => [left, right]);
  const { left, right } = drawn.getBoundingClientRect();
  const found = [[left, right], boxes("text, line, polygon"), boxes("line.kdlib-arm")];
  const arrows = boxes("polygon").length;
  drawn.remove();
  return [...found, arrows];
}"""


def test_an_interval_that_is_too_wide_is_cut_off_at_the_axis(page):
    own = base.source("parts.js") + base.source("dials.js").replace("export default", "void")
    gains = {"ADA": {"difference": 0, "low": -1.5, "high": 1.5, "dice": 0.5}}
    gains["KD"] = {"difference": 0.1, "low": 0.05, "high": 0.15, "dice": 0.6}
    arms = [[name, name, "#0072b2"] for name in ("L-bound", *gains)]
    code = f"(given) => {{ {own} return ({DRAWN})(given); }}"
    (start, end), marks, (wide, narrow), arrows = page.evaluate(code, [gains, arms])
    assert arrows == 2
    assert narrow[1] - narrow[0] > 0.1 * (wide[1] - wide[0])  # it can be read
    assert all(start <= left <= right <= end for left, right in marks)


def test_a_turned_dial_moves_the_scan_and_the_differences(browser, site):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site.as_uri()}/{CAUTION}#dials.dial=noise&dials.level=0&dials.arm=KD")
    page.wait_for_selector(DIALS, timeout=120_000)
    results = open_results(site.parents[1] / "book" / "dialled")
    scores = dial_scores(results, "L-bound")
    level_0 = values(page, DIALS, "difference"), pixels(page, DIALS, 1)
    np.testing.assert_array_equal(level_0[1], pixels(page, DIALS, 0))
    control(page, DIALS, "noise").fill("2")
    page.wait_for_function("location.hash.includes('dials.level=2')")
    assert values(page, DIALS, "difference") == pytest.approx(
        [scores["utrecht~noise2"][arm]["difference"] for arm in results.arms if arm != "L-bound"]
    )
    assert values(page, DIALS, "difference") != level_0[0]
    assert (pixels(page, DIALS, 1) != level_0[1]).any()
    name = page.locator(f"{DIALS} .kdlib-turned > span").first
    assert contrast(name.evaluate(COLOUR, "color"), (255, 255, 255)) >= 4.5
    frame = page.locator(f"{DIALS} .kdlib-charts > svg")
    height = frame.bounding_box()["height"]
    control(page, DIALS, "view").fill("1")  # a level without runs; only one dial is turned
    assert control(page, DIALS, "noise").input_value() == "0"
    assert values(page, DIALS, "difference") == []
    assert frame.bounding_box()["height"] == height  # the page does not jump
    assert frame.get_attribute("aria-label") == "No method was run at this level"
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_a_phone_shows_the_page_without_scrolling_sideways(page):
    page.set_viewport_size({"width": 390, "height": 844})
    for explorer in (TEMPERATURE, PAIRS, SCAN):
        box = page.locator(explorer).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_map_of_three_clinics_fits_a_phone(browser, site):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site.as_uri()}/{MAP}")
    page.wait_for_selector(PAIRS, timeout=120_000)
    cells = page.locator(f"{PAIRS} .kdlib-heat button")
    assert cells.count() == 6
    for cell in cells.all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert cell.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1")
    assert page.locator(f"{PAIRS} .kdlib-boxes label").first.bounding_box()["height"] >= 24
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 320, "height": 844})
    explorer = page.locator(PAIRS)
    assert explorer.evaluate("(one) => one.scrollWidth <= one.clientWidth")
    assert explorer.bounding_box()["x"] + explorer.bounding_box()["width"] <= 320
    page.close()


def test_a_phone_folds_a_long_table_until_a_reader_or_a_link_opens_it(browser, site):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    address = f"{site.as_uri()}/{MAP}"
    page.goto(address)
    table, button = page.locator(".kdlib-folded"), page.locator("button.kdlib-unfold")
    assert table.bounding_box()["height"] < 844
    assert button.text_content() == "Show the whole table"
    button.click()
    assert table.count() == 0
    button.click()
    page.evaluate("location.hash = 'row-n150'")
    page.wait_for_function("!document.querySelector('.kdlib-folded')")
    assert 0 <= page.locator("#row-n150").bounding_box()["y"] <= 844
    page.set_viewport_size({"width": 1280, "height": 900})
    assert button.count() == 0
    page.close()


def test_the_page_asks_no_network_and_complains_of_nothing(page):
    """Runs last: all that the tests above did counts."""
    assert page.asked == []
    assert page.complaints == []


def everything(page):
    """Every canvas of the page and all its text, after a choice in each explorer."""
    control(page, TEMPERATURE, "Temperature").fill("3.7")
    choose(page, Source="singapore", Method="KD")
    control(page, SCAN, "View").select_option("coronal")
    scan = scan_pixels(page)
    canvases = page.locator(".kdlib-explorer canvas:not(.kdlib-scan canvas)")
    drawn = canvases.evaluate_all("(all) => all.map((canvas) => canvas.toDataURL())")
    return drawn, page.locator(".kdlib-explorer").all_inner_texts(), scan


def test_from_a_server_the_page_shows_the_same(browser, site, server):
    shown = []
    for home in (f"{site.as_uri()}/", server):
        with opened(browser, home) as page:
            shown.append(everything(page))
            assert page.asked == []
            assert page.complaints == []
    (drawn, texts, scan), (others, other_texts, other_scan) = shown
    assert len(drawn) > 4
    assert drawn == others
    assert texts == other_texts
    np.testing.assert_array_equal(scan, other_scan)


def test_without_javascript_the_still_pictures_stand_there(browser, site):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site.as_uri()}/{PAGE}")
        stills = page.locator("figure.kdlib-still img")
        assert [still.is_visible() for still in stills.all()] == [True] * 3


def test_a_page_carries_at_most_five_megabytes_with_its_scans(site):
    scans = list((site / "_static" / "scans").iterdir())
    assert scans
    assert sum(path.stat().st_size for path in [site / PAGE, *scans]) < 5e6
