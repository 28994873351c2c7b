"""A study's file with a mistake is refused with one line, whatever the mistake is."""

from pathlib import Path

import pytest

from kdlib.errors import InputError
from kdlib.study.study import arm_scenario, load_study
from tests.command import kdlib

HEAD = 'about = "Bad."\npairs = [["utrecht", "singapore"]]\nfolds = [0]\nseeds = [0]\n[recipe]\n'
ARM = '[arms.a]\nmethod = "adabn"\n'
SWEEP = '[[sweeps]]\narm = "a"\nsetting = "seed"\nvalues = []\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "x"\n' + HEAD + ARM, "a study is called as its file is; leave out its name"),
        ("self = 1\n" + HEAD + ARM, "unknown setting 'self'"),
        (HEAD + "self = 1\n" + ARM, "unknown setting 'self'"),
        (HEAD + ARM + "self = 1", "unknown setting of adabn 'self'"),
        ("a = " + "9" * 5000, "not valid TOML"),
        ("a = " + "[" * 3000, "not valid TOML"),
        (HEAD.replace("[0]\n[r", "[]\n[r") + ARM, "seeds="),
        (HEAD.replace("folds = [0]", "folds = []") + ARM, "folds="),
        (HEAD.replace('[["utrecht", "singapore"]]', "[]") + ARM, "pairs="),
        (HEAD + "[arms]", "arms="),
        (HEAD + ARM + SWEEP + "folds = []", "folds"),
        (HEAD + ARM + SWEEP + "pairs = []", "pairs"),
        (HEAD + ARM + "seed = 1", "arm 'a': the study gives its seed; leave it out here"),
        (HEAD + ARM + 'source = "amsterdam"', "the study gives its source"),
        (HEAD + ARM + "fold = 1", "the study gives its fold"),
        (HEAD + ARM + "settings = 1", "the study gives its settings"),
        (HEAD + ARM + 'role = ["control"]', "role"),
        (HEAD + ARM + 'colour = ["#000000"]', "colour"),
    ],
)
def test_a_mistake_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(InputError, match=said) as raised:
        arm_scenario(load_study(str(tmp_path / "bad.toml")), "a", ("utrecht", "singapore"), 0, 0)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["method", "source", "target", "fold", "seed", "settings"])
def test_what_has_an_option_of_its_own_is_no_setting(name: str, tmp_path: Path) -> None:
    run = ("run", "--method", "adabn", "--source", "utrecht", "--target", "singapore")
    done = kdlib(*run, "--data", tmp_path, "--set", f"{name}=1")
    assert done.status == 2
    assert f"--set {name}=1: {name} is no setting of a method or a recipe" in done.err
