"""The starter after its adaptation to a clinic's scans, together or each alone."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kdlib.data.slices import Slices
from kdlib.data.subjects import Subject
from kdlib.data.volume import Volume
from kdlib.errors import DoubtWarning, printable
from kdlib.networks import UNet
from kdlib.own_scans.failures import ScanFailedError, costing_one_scan
from kdlib.own_scans.forecast import Verdict, verdict_on
from kdlib.own_scans.of_starter import NAME, StarterSegmenter, brain_and_inside
from kdlib.own_scans.segmenter import Answers
from kdlib.own_scans.source_free import adapted_network, inside_slices, pooled
from kdlib.starter.starter import Starter, lesions_in, write_lesion_network
from kdlib.study.outcome import provenance
from kdlib.study.scenario import Scenario
from kdlib.training import OnStep


class StudentSegmenter(StarterSegmenter):
    """A student of the starter. If no gain is expected of it, the starter's answers are the result.

    Attributes:
        scenario: how it adapts.
        always: whether the student is used whatever gain is expected of it.
        verdict: whether the student is used. None before ``adapt``, and if each scan has a student
            of its own.
    """

    def __init__(
        self, starter: Starter, scenario: Scenario, device: str = "auto", *, always: bool = False
    ) -> None:
        super().__init__(starter, device)
        self.scenario, self.always = scenario, always
        self.verdict: Verdict | None = None
        self._student: UNet | None = None
        self._made: dict[str, Any] = {}

    @property
    def on_the_fly(self) -> bool:
        """Whether each scan has a student of its own."""
        return self.scenario.subject is not None

    @property
    def refused(self) -> bool:
        """Whether the starter's own masks are the result of all scans."""
        return self.verdict is not None and not self.verdict.adapted

    @property
    def name(self) -> str:
        alone = "-on-the-fly" if self.on_the_fly else ""
        student = f"{NAME}-{self.scenario.method}{alone}-seed{self.scenario.seed}"
        return super().name if self.refused else student

    @property
    def role(self) -> str:
        return "result" if self.on_the_fly else super().role  # each scan has its own verdict

    @property
    def settings(self) -> dict[str, Any]:
        own = self.scenario.changed(subject=None).model_dump(mode="json")
        return super().settings if self.refused else own | {"teacher": super().settings}

    @property
    def provenance(self) -> dict[str, dict[str, Any]]:
        made = {self.name: self._made} if self._made and not self.refused else {}
        return made | super().provenance

    def adapt(
        self,
        subjects: Sequence[Subject],
        *,
        on_scan: Callable[[int, int], None] = lambda done, total: None,
        on_step: OnStep | None = None,
    ) -> None:
        """Adapt one student to all ``subjects`` together. No label is read.

        Raises:
            InputError: there is no brain in any of the scans.
        """
        began, parts = time.monotonic(), list[Slices]()
        for done, subject in enumerate(subjects, start=1):
            try:
                with costing_one_scan(subject, reading=True):
                    flair = subject.scan.read()[0]
                with costing_one_scan(subject):
                    parts.append(inside_slices(brain_and_inside(flair)[1], self.recipe))
            except ScanFailedError as error:
                what = f"{printable(subject.id)}: not adapted to, since {error}"
                warnings.warn(what, DoubtWarning, stacklevel=2)
            on_scan(done, len(subjects))
        self._student, self.verdict = self._taught(pooled(parts, self._device), len(parts), on_step)
        self._made = provenance(self._device, self.scenario.precision, began)
        self._made["scans"] = len(parts)

    def keep(self, folder: Path) -> bool:
        """Write the student to a new ``folder``, so that it can segment scans that come later.

        ``read_starter`` reads it. Nothing is written, and the answer is no, if it is not used.
        """
        if self._student is None or self.verdict is None or self.refused:
            return False
        told = self._made | {"name": self.name, "settings": self.settings}
        write_lesion_network(folder, self._student, self.recipe, told, half=False)
        return True

    def answers(self, scan: Sequence[Volume]) -> Answers:
        brain, cut = brain_and_inside(scan[0])
        student, verdict = self._student, self.verdict
        slices = inside_slices(cut, self.recipe)
        if self.on_the_fly and len(slices):
            student, verdict = self._taught(pooled([slices], self._device), 1)
        own = lesions_in(cut, self.network, self.recipe)
        if student is None or verdict is None or not verdict.adapted:
            return Answers({"result": own}, cut, brain, self._told(verdict))
        lesions = {"result": lesions_in(cut, student, self.recipe), "teacher": own}
        return Answers(lesions, cut, brain, self._told(verdict))

    def _taught(
        self, target: Slices, scans: int, on_step: OnStep | None = None
    ) -> tuple[UNet, Verdict]:
        student = adapted_network(self.network, target, self.scenario, on_step=on_step)
        return student, verdict_on(
            self.network, student, target, self.scenario, scans=scans, always=self.always
        )

    def _told(self, verdict: Verdict | None) -> dict[str, Any]:
        """What the report tells of a scan that has a student of its own."""
        if not self.on_the_fly:
            return {}
        if verdict is None:
            return {"run": super().name, "adapted": False}
        forecast = asdict(verdict.forecast) if verdict.forecast else None
        run = self.name if verdict.adapted else super().name
        told = {"run": run, "verdict": verdict.said, "adapted": verdict.adapted}
        return told | {"forecast": forecast}

    @property
    def _device(self) -> Any:
        return next(self.network.parameters()).device
