"""Studies that wait for the results of others, with stand-ins for what these will choose."""

from kdlib.study.study import Study, load_study

METHODS = ("mean_teacher", "deep_coral")  # of those that may be taken up, two that train


def decided(name: str) -> Study:
    """A study of the package. It gets what the study settings has itself, and METHODS."""
    study, methods, tried = load_study(name), iter(METHODS), load_study("settings").arms
    tables = study.model_dump(exclude_none=True)["arms"]
    for arm, one in study.arms.items():
        for what in one.awaited:
            if what == "method":
                tables[arm]["method"] = next(methods)
            else:
                del tables[arm][what]
                tables[arm] |= tried[arm].settings
    return Study(**study.model_dump() | {"arms": tables})
