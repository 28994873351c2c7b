"""What was decided before the results: kept with every seed, and compared with what holds now."""

import hashlib
import json
from typing import Any

from kdlib.evidence.carried import REAL
from kdlib.evidence.protocol import PROTOCOL, REAL_PROTOCOL, rules_digest
from kdlib.record.results import Results

# What is not compared, since it decides no number of a seed.
OF_STUDY = ("seeds", "sources", "about", "supporting")
OF_ARM = ("label", "colour")


def protocol(study: dict[str, Any]) -> dict[str, Any]:
    """What was decided before the results of a study, whose settings are given.

    ``version`` is that of the protocol, ``rules`` a digest of its rules, and ``digest`` one of the
    study's settings.
    """
    text = json.dumps(decisive(study), sort_keys=True)
    settings = hashlib.sha256(text.encode()).hexdigest()[:16]
    version = REAL_PROTOCOL if study["name"] == REAL else PROTOCOL
    return {"version": version, "rules": rules_digest(study["name"]), "digest": settings}


def by_present_rules(results: Results) -> bool:
    """Whether all seeds were made by the version of the protocol, and the rules, that hold now."""
    now = protocol(results.study)
    made = [seed.get("protocol", {}) for seed in results.seeds.values()]
    same = (one.get(name) == now[name] for one in made for name in ("version", "rules"))
    return bool(made) and all(same)


def decisive(study: dict[str, Any]) -> dict[str, Any]:
    """The settings of a study on which all its seeds agree: without seeds, prose and looks."""
    arms = {name: _without(OF_ARM, arm) for name, arm in study["arms"].items()}
    return _without(OF_STUDY, study) | {"arms": arms}


def _without(names: tuple[str, ...], settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}
