"""What the book says of a recipe that departs from the defaults is true of that recipe."""

from kdlib.recipe import Recipe
from kdlib.report.open_points import departed_words, start_words
from kdlib.study.study import load_study


def test_a_start_at_the_teacher_is_said_only_of_a_recipe_that_has_it() -> None:
    demo, standard = (load_study(name).recipe.model_dump() for name in ("demo", "standard"))
    assert "random weights. The paper does not say" in start_words(standard)
    assert "start from the weights of the teacher" in start_words(demo)


def test_the_settings_that_depart_are_counted_and_named() -> None:
    plain = Recipe().model_dump()
    assert departed_words(plain) == "has the default in every setting."
    assert departed_words(plain | {"width": 8}).endswith("in 1 setting: width.")
