"""Progress that an executed notebook shows, and that stays readable when it becomes a page."""

import time

from kdlib.errors import from_extra
from kdlib.study.scenario import Scenario
from kdlib.study.store import OnProgress

with from_extra("book"):
    from IPython.display import display

EVERY_SECONDS = 2.0


class _Text:
    """Plain text that a notebook shows without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def progress() -> OnProgress:
    """An ``on_progress`` for ``kdlib.run``. It shows one line for each training, and no widget."""
    lines: dict[str, str] = {}
    state = {"shown": 0.0}
    handle = display(_Text("Nothing to train: read from the store."), display_id=True)
    began = time.monotonic()

    def show(scenario: Scenario, step: int, steps: int) -> None:
        now = time.monotonic()
        lines[scenario.slug] = f"{scenario.slug}: {step} of {steps} steps, {now - began:.0f} s"
        if step == steps or now - state["shown"] > EVERY_SECONDS:
            state["shown"] = now
            handle.update(_Text("\n".join(lines.values())))

    return show
