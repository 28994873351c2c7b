"""Laws of the names under which a study's arrays are kept."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kdlib.record.arrays import Key, by_owner, read_arrays, write_arrays

# What a folder, a clinic or an arm can be called: any letters that can be printed.
NAMES = st.text(min_size=1).filter(str.isprintable) | st.sampled_from(
    ["51", "sub-1_ses-2", "a b", "a/b", "../a", "%2F", "%", "KD.npy", "soft", "flair", "é", "<b>&"]
)
KEYS = st.builds(Key, st.lists(NAMES, max_size=4).map(tuple), NAMES)


@given(KEYS)
def test_a_key_is_read_as_it_was_written(key: Key) -> None:
    assert Key.parse(str(key)) == key


@given(KEYS, KEYS)
def test_two_keys_have_two_names(one: Key, other: Key) -> None:
    assert (str(one) == str(other)) == (one == other)


@given(st.lists(KEYS, unique=True, max_size=5))
def test_arrays_come_back_from_their_file_under_their_keys(
    tmp_path_factory, keys: list[Key]
) -> None:
    path: Path = tmp_path_factory.mktemp("arrays") / "arrays.npz"
    write_arrays(path, {key: np.full(2, place) for place, key in enumerate(keys)})
    found = read_arrays(path)
    assert list(found) == keys
    assert [array.tolist() for array in found.values()] == [[n, n] for n in range(len(keys))]


def test_an_array_named_like_anothers_file_is_not_that_other(tmp_path: Path) -> None:
    keys = [Key(("51",), "KD"), Key(("51",), "KD.npy")]
    write_arrays(tmp_path / "a.npz", {key: np.array(place) for place, key in enumerate(keys)})
    assert {key: int(a) for key, a in read_arrays(tmp_path / "a.npz").items()} == {
        keys[0]: 0,
        keys[1]: 1,
    }


def test_the_names_in_the_files_are_the_plain_ones() -> None:
    assert str(Key(("utrecht", "singapore", "51"), "KD on the fly")) == (
        "utrecht/singapore/51/KD on the fly"
    )
    assert str(Key((), "intensity_edges")) == "intensity_edges"


def test_what_belongs_to_one_owner_comes_together() -> None:
    arrays = {Key((name,), part): np.zeros(1) for name in "ab" for part in ("x", "y")}
    assert {owner: list(parts) for owner, parts in by_owner(arrays).items()} == {
        ("a",): ["x", "y"],
        ("b",): ["x", "y"],
    }
