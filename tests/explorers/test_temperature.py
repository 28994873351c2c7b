"""The explorer of temperature beside numbers of numpy."""

import numpy as np
import pytest
from scipy.special import expit

from kdlib.record.explorers import STEPS_PER_LOGIT
from kdlib.report.widgets.temperature import student_dice
from tests.explorers.pages import TEMPERATURE, control, pixels, values


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


def test_the_students_of_each_temperature_stand_beside_the_soft_label(page):
    assert values(page, TEMPERATURE, "student") == [1, 2, 6, 9]


def test_a_keyboard_turns_the_temperature(page):
    slider = control(page, TEMPERATURE, "Temperature")
    slider.fill("2")
    before = pixels(page, TEMPERATURE, 1)
    slider.focus()
    page.keyboard.press("End")
    assert slider.input_value() == "10"
    assert (pixels(page, TEMPERATURE, 1) != before).any()


def test_another_pair_keeps_the_temperature_and_the_height(page):
    control(page, TEMPERATURE, "Temperature").fill("4")
    control(page, TEMPERATURE, "Slice").fill("2")
    control(page, TEMPERATURE, "Clinics").select_option(index=1)
    kept = [control(page, TEMPERATURE, name).input_value() for name in ("Temperature", "Slice")]
    assert kept[0] == "4"
    assert int(kept[1]) > 0
    control(page, TEMPERATURE, "Clinics").select_option(index=0)
