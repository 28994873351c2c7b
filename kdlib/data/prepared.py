"""Keep prepared slices on the disk. Their key is the scan's files and the preparation.

A file that was damaged is made again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from kdlib.data.formats import parts_of
from kdlib.data.forms import AS_STORED
from kdlib.data.slices import (
    SLICES_VERSION,
    LabelledSlices,
    Slices,
    network_labels,
    prepare,
)
from kdlib.data.subjects import LabelledScan, Scan
from kdlib.joined import joined
from kdlib.kept import kept_or_made
from kdlib.recipe import Preparation


@dataclass(frozen=True)
class PreparedSlices:
    """Loads scans as slices on ``device``. A scan is prepared once and then read from the disk.

    Images and labels lie in different files, so no label is read when a scan is loaded.
    """

    folder: Path
    preparation: Preparation
    device: torch.device

    def slices(self, scans: Iterable[Scan]) -> Slices:
        """The slices of all ``scans`` that hold head, one scan after the other."""
        return Slices(joined(self._images(scan).to(self.device) for scan in scans))

    def labelled_slices(self, scans: Iterable[LabelledScan]) -> LabelledSlices:
        """The same slices with their labels."""
        scans = list(scans)
        labels = joined(self._labels(scan).to(self.device) for scan in scans)
        return LabelledSlices(self.slices(scan.scan for scan in scans), labels)

    def _images(self, scan: Scan) -> Tensor:
        def made() -> Tensor:
            ready = prepare(scan.read(self.preparation.inputs), self.preparation)
            return ready.images[ready.holds_head]

        return kept_or_made(self._path("images", scan, []), made)

    def _labels(self, labelled: LabelledScan) -> Tensor:
        def made() -> Tensor:
            ready = prepare(labelled.scan.read(self.preparation.inputs), self.preparation)
            return network_labels(labelled.read_labels(), ready.window)[ready.holds_head]

        return kept_or_made(self._path("labels", labelled.scan, [labelled.label]), made)

    def _path(self, kind: str, scan: Scan, more: list[Path]) -> Path:
        files = [scan.flair, *([scan.t1] if scan.t1 else []), *more]
        digest = hashlib.sha256(f"{SLICES_VERSION} {self.preparation.model_dump_json()}".encode())
        for part in (part for file in files for part in parts_of(file)):
            digest.update(hashlib.sha256(part.read_bytes()).digest())
        if scan.reading != AS_STORED:
            digest.update(repr(scan.reading).encode())
        return self.folder / f"{kind}-{digest.hexdigest()[:32]}.safetensors"
