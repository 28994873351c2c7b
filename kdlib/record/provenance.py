"""How each seed of a study was made: data, versions, protocol, and every run."""

import hashlib
import json
from typing import Any

from kdlib.data.clinics import Clinics
from kdlib.record.protocol import protocol
from kdlib.study.plan import Planned
from kdlib.study.run import Run
from kdlib.study.scenario import NUMBERS_VERSION
from kdlib.study.study import Study


def provenance(study: Study, runs: list[tuple[Planned, Run]], clinics: Clinics) -> dict[str, Any]:
    """What ``provenance.json`` holds.

    - ``study``: the settings of the study, with the seeds that are there, and with ``sources`` if
      only the pairs of some sources are.
    - ``seeds``: for each seed, what decided its numbers and how long its runs took.
      ``numbers_version`` is that of ``kdlib.study.scenario``. ``data`` is a digest of the bytes of
      all clinics of the study. ``simulation`` is what the simulator wrote about its settings, if it
      made the data. ``protocol`` says what was decided before the results. ``runs``
      holds the device, precision, threads, versions and seconds of each run. ``seconds`` is their
      sum.
    """
    whole = {"sources"} if study.sources is None else None
    settings = study.model_dump(mode="json", exclude=whole) | {"seeds": sorted(study.seeds)}
    shared = {
        "numbers_version": NUMBERS_VERSION,
        "protocol": protocol(settings),
        "data": data_digest(study, clinics),
        "simulation": _simulation(clinics),
    }
    seeds = {
        str(seed): shared | _made([run for item, run in runs if item.scenario.seed == seed])
        for seed in settings["seeds"]
    }
    return {"study": settings, "seeds": seeds}


def data_digest(study: Study, clinics: Clinics) -> str:
    """A digest of all bytes of the clinics that the study names."""
    pairs = [*study.pairs, *(pair for sweep in study.sweeps for pair in sweep.pairs or ())]
    names = sorted({part for pair in pairs for name in pair for part in name.split("+")})
    text = " ".join(f"{name} {clinics[name].fingerprint}" for name in names)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _simulation(clinics: Clinics) -> dict[str, Any] | None:
    """What the simulator wrote into the first of the folders that it has filled."""
    paths = [home / "simulation.json" for home in dict.fromkeys(clinics.homes.values())]
    written = [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]
    return written[0] if written else None


def _made(runs: list[Run]) -> dict[str, Any]:
    """The runs, with their teachers, and their seconds."""
    made = {done.directory: done for run in runs for done in run.lineage}
    return {
        "seconds": round(sum(run.provenance["seconds"] for run in made.values()), 1),
        "runs": [{"run": place.name, **run.provenance} for place, run in sorted(made.items())],
    }
