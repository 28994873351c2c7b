"""What an executed notebook needs: progress that stays readable on a page, and early refusals."""

import time

from kdlib.data.clinics import Clinics
from kdlib.errors import from_extra
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress

with from_extra("book"):
    from IPython.display import Pretty, display

EVERY_SECONDS = 2.0


def need_masks(clinics: Clinics, *names: str) -> None:
    """Refuse clinics whose studied subjects lack a mask, before hours are spent on a training.

    Args:
        clinics: all that were opened.
        names: those that are used; several clinics may be joined by +.

    Raises:
        InputError: a clinic is not there, or one of its subjects has no mask.
    """
    for name in names:
        for part in name.split("+"):
            for subject in clinics[part].studied:
                _ = subject.labelled


def progress() -> OnProgress:
    """An ``on_progress`` for ``kdlib.run``. It shows one line for each training, and no widget."""
    lines: dict[str, str] = {}
    state = {"shown": 0.0}
    handle = display(Pretty("Nothing to train: read from the store."), display_id=True)
    began = time.monotonic()

    def show(scenario: Scenario, step: int, steps: int) -> None:
        now = time.monotonic()
        lines[scenario.slug] = f"{scenario.slug}: {step} of {steps} steps, {now - began:.0f} s"
        if step == steps or now - state["shown"] > EVERY_SECONDS:
            state["shown"] = now
            handle.update(Pretty("\n".join(lines.values())))

    return show
