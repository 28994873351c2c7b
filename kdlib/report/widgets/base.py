"""What the explorers share: arrays packed for a browser, and a still picture for those without."""

import gzip
from base64 import b64encode
from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdlib.errors import InputError, from_extra
from kdlib.record.results import Results
from kdlib.report.figures import Picture

with from_extra("book"):
    import anywidget
    import traitlets
    from IPython.display import HTML, display

ALIGNMENT = 8  # bytes: where a typed array may begin in a browser's memory
GREYS = (256, 128, 64, 32, 16, 8)  # levels of grey, finest first
STILL = """<style>
.kdlib-replaced { display: none; }
@media print { .kdlib-replaced { display: block; } .kdlib-explorer { display: none !important; } }
</style>"""


class Explorer(anywidget.AnyWidget):
    """A widget that computes in the browser; ``still`` is its picture for print and without it.

    ``arrays`` makes what it shows, with so many levels of grey: as many as ``budget`` allows.
    """

    budget = 1_000_000  # bytes, packed; a page of three explorers has 5 MB at most
    packed = traitlets.Bytes(help="the arrays, one after the other, gzipped").tag(sync=True)
    contents: traitlets.List = traitlets.List(help="what each array is, and where").tag(sync=True)
    facts = traitlets.Dict(help="what else is shown").tag(sync=True)
    kind = traitlets.Unicode(help="which still picture it replaces").tag(sync=True)

    def __init__(
        self,
        arrays: Callable[[int], Mapping[str, NDArray[Any]]],
        still: Picture,
        description: str,
        **traits: Any,
    ) -> None:
        packed, contents = pack_within(self.budget, arrays)
        super().__init__(packed=packed, contents=contents, **traits)
        self.still = still
        self.description = description


def script(name: str) -> str:
    """The explorer's JavaScript: what all share, then its own."""
    return source("parts.js") + source(name)


def source(name: str) -> str:
    """A file beside this one."""
    return (files("kdlib.report.widgets") / name).read_text(encoding="utf-8")


def pack(arrays: Mapping[str, NDArray[Any]]) -> tuple[bytes, list[dict[str, Any]]]:
    """Arrays (uint8, int16 or float32) as gzipped little-endian bytes, and their contents.

    ``length`` counts values, ``start`` bytes.
    """
    contents, parts, start = [], [], 0
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        contents.append({
            "name": name, "type": array.dtype.name, "shape": list(array.shape),
            "start": start, "length": array.size,
        })  # fmt: skip
        parts.append(raw + bytes(-len(raw) % ALIGNMENT))
        start += len(parts[-1])
    return gzip.compress(b"".join(parts), 6, mtime=0), contents


def pack_within(
    budget: int, arrays: Callable[[int], Mapping[str, NDArray[Any]]]
) -> tuple[bytes, list[dict[str, Any]]]:
    """``pack`` with as many levels of grey as fit into ``budget`` bytes, 8 at least."""
    for levels in GREYS:
        packed, contents = pack(arrays(levels))
        if len(packed) <= budget:
            break
    return packed, contents


def coarser(grey: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """Greys of 0 to 255 in so many levels, each shown as its middle; 0, outside, stays 0."""
    step = 256 // levels
    return np.where(grey > 0, grey // step * step + step // 2, 0).astype(np.uint8)


def show(explorer: Explorer) -> None:
    """Display an explorer in a notebook: its still picture, which the live one then replaces."""
    display(HTML(still_html(explorer)), explorer)


def explore(make: Callable[[Results], Explorer], results: Results) -> None:
    """Display the explorer that ``make`` makes of a study, or say that there is nothing for it."""
    try:
        show(make(results))
    except InputError:
        display(HTML("<p>This study kept nothing to explore here: no arm of it distils.</p>"))


def still_html(explorer: Explorer) -> str:
    """The still picture as a figure that stands where the explorer does not run."""
    mime = "image/svg+xml" if explorer.still.kind == "svg" else "image/png"
    picture = f"data:{mime};base64,{b64encode(explorer.still.data()).decode()}"
    text = escape(explorer.description)
    return (
        f'{STILL}<figure class="kdlib-still" data-explorer="{escape(explorer.kind)}">'
        f'<img src="{picture}" alt="{text}" style="max-width: 100%; background: white">'
        f"<figcaption>{text}</figcaption></figure>"
    )
