"""The table of methods says of each one what it is handed."""

from kdlib.methods import method_named
from kdlib.report.methods import handed, methods_table


def test_fine_tuning_is_handed_labels_of_the_target_and_a_start() -> None:
    labels, start = handed(method_named("fine_tuning"))
    assert labels == "labelled scans of the target"
    assert "to start from" in start


def test_only_methods_that_read_labels_of_the_target_are_handed_some() -> None:
    for name, parts, about in methods_table().itertuples(index=False):
        assert parts
        assert about
        labels = [part for part in handed(method_named(name)) if part.startswith("labelled")]
        assert any("target" in part for part in labels) == method_named(name).reads_target_labels
