"""What all explorers share: arrays packed for a browser, and a still picture for print."""

import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kdlib.errors import InputError, from_extra
from kdlib.record.arrays import Arrays
from kdlib.record.results import Results
from kdlib.report.figures import Picture

with from_extra("book"):
    import anywidget
    import traitlets
    from IPython.display import HTML, display

ALIGNMENT = 8  # in a browser's memory a typed array begins at a multiple of this many bytes
GZIP = 31  # zlib's number for gzip's format, with its largest window
GREYS = (256, 128, 64, 32, 16, 8)  # possible numbers of grey levels, finest first
STILL = """<style>
.kdlib-replaced { display: none; }
@media print { .kdlib-replaced { display: block; } .kdlib-explorer { display: none !important; } }
</style>"""


class Explorer(anywidget.AnyWidget):
    """A widget that computes in the browser.

    ``still`` is the picture that stands in its place in print, and where it cannot run. It shows
    the scans ``greys`` in as many levels of grey as fit into ``budget`` with the ``others``, which
    are arrays too. ``files`` makes files that the browser may ask for by name. A
    page of the book has them beside itself, and a live notebook gets them from the kernel.
    """

    budget = 1_000_000  # packed bytes; a page with three explorers has at most 5 MB
    packed = traitlets.Bytes(help="the arrays, one after the other, gzipped").tag(sync=True)
    contents: traitlets.List = traitlets.List(help="what each array is, and where").tag(sync=True)
    facts = traitlets.Dict(help="what else is shown").tag(sync=True)
    kind = traitlets.Unicode(help="which still picture it replaces").tag(sync=True)

    def __init__(
        self,
        greys: Mapping[str, NDArray[np.uint8]],
        others: Mapping[str, NDArray[Any]],
        still: Picture,
        description: str,
        files: Mapping[str, Callable[[], bytes]] | None = None,
        **traits: Any,
    ) -> None:
        packed, contents = pack_within(self.budget, greys, others)
        super().__init__(packed=packed, contents=contents, **traits)
        self.still = still
        self.description = description
        self.files = dict(files or {})
        self.on_msg(lambda _, message, __: self._send_file(message.get("file")))

    def _send_file(self, name: str) -> None:
        """Send a file to the page, or the reason why it is not there."""
        if name not in self.files:
            return
        try:
            self.send({"file": name}, [self.files[name]()])
        except InputError as error:
            self.send({"file": name, "reason": str(error)}, [])


def script(*names: str) -> str:
    """The JavaScript of an explorer: first what all explorers share, then its own files."""
    return "".join(map(source, ("parts.js", *names)))


def source(name: str) -> str:
    """The text of a file beside this one."""
    return (files("kdlib.report.widgets") / name).read_text(encoding="utf-8")


def pack_within(
    budget: int, greys: Mapping[str, NDArray[np.uint8]], others: Mapping[str, NDArray[Any]]
) -> tuple[bytes, list[dict[str, Any]]]:
    """Pack arrays (uint8, int16 or float32) into gzipped little-endian bytes.

    The ``greys`` get as many levels as fit into ``budget`` bytes, but at least 8. The other arrays
    stand first, and are gzipped once for all numbers of levels.

    Returns the bytes and a list of their contents. In it ``length`` is a number of values, and
    ``start`` is a number of bytes.
    """
    begun = zlib.compressobj(6, wbits=GZIP)
    first = begun.compress(_raw(others))
    for levels in GREYS if greys else GREYS[:1]:
        gzip = begun.copy()
        coarse = {name: coarser(grey, levels) for name, grey in greys.items()}
        packed = first + gzip.compress(_raw(coarse)) + gzip.flush()
        if len(packed) <= budget:
            break
    return packed, _contents({**others, **greys})


def _raw(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays' bytes, each filled up so that the next one begins where it may."""
    parts = []
    for array in arrays.values():
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        parts += [raw, bytes(-len(raw) % ALIGNMENT)]
    return b"".join(parts)


def _contents(arrays: Mapping[str, NDArray[Any]]) -> list[dict[str, Any]]:
    contents, start = [], 0
    for name, array in arrays.items():
        contents.append({
            "name": name, "type": array.dtype.name, "shape": list(array.shape),
            "start": start, "length": array.size,
        })  # fmt: skip
        start += array.nbytes + -array.nbytes % ALIGNMENT
    return contents


def coarser(grey: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """Round greys of 0 to 255 to the middles of so many levels. 0, which is outside, stays 0."""
    step = 256 // levels
    return np.where(grey > 0, grey // step * step + step // 2, 0).astype(np.uint8)


def greys_and_others(arrays: Arrays) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """The scans among ``arrays`` under their names in the browser, and all else."""
    greys = {str(key): array for key, array in arrays.items() if key.part == "flair"}
    return greys, {str(key): array for key, array in arrays.items() if key.part != "flair"}


def show(explorer: Explorer) -> None:
    """Display an explorer in a notebook. First its still picture appears, then the live widget."""
    display(HTML(still_html(explorer)), explorer)


NO_STUDENT = "It needs an arm that distils, and this study has none."


def explore(
    make: Callable[[Results], Explorer], results: Results, reason: str = NO_STUDENT
) -> None:
    """Display the explorer that ``make`` makes from a study.

    If the study has no data for it, a sentence with the ``reason`` stands there instead.
    """
    try:
        show(make(results))
    except InputError:
        display(HTML(f"<p>There is nothing to explore here. {reason}</p>"))


def still_html(explorer: Explorer) -> str:
    """The still picture as HTML, for places where the explorer does not run."""
    mime = "image/svg+xml" if explorer.still.kind == "svg" else "image/png"
    picture = f"data:{mime};base64,{b64encode(explorer.still.data()).decode()}"
    text = escape(explorer.description)
    return (
        f'{STILL}<figure class="kdlib-still" data-explorer="{escape(explorer.kind)}">'
        f'<img src="{picture}" alt="{text}" style="max-width: 100%">'
        f"<figcaption>{text}</figcaption></figure>"
    )
