"""The verdicts of the ledger as a row of tiles. Each number in a tile leads to its claim."""

from html import escape

from kdlib.errors import from_extra
from kdlib.evidence.claim import Ruling
from kdlib.evidence.verdicts import NO_GAP, VERDICTS, Verdict

with from_extra("book"):
    from IPython.display import HTML

CLAIM = "claim-"  # begins the name of a claim's row in the ledger
MEANING: dict[Verdict, str] = {
    "reproduced": "the effect is there, as the paper says",
    "contradicted": "the opposite, or too little to matter",
    "undecided": "neither is shown",
    "undecidable here": "this design could not tell",
    NO_GAP: "there is nothing to gain, or nothing to trust",
}


def verdict_tiles(rulings: list[Ruling], ledger: str = "") -> HTML:
    """A tile for each verdict, with its count and the numbers of its claims as links.

    ``ledger`` is the address of the page of the ledger, relative to the page of the tiles.
    """
    tiles = "".join(_tile(verdict, rulings, ledger) for verdict in VERDICTS)
    return HTML(f'<div class="kdlib-tiles" role="list">{tiles}</div>')


def _tile(verdict: Verdict, rulings: list[Ruling], ledger: str) -> str:
    own = [ruling for ruling in rulings if ruling.verdict == verdict]
    name = "no gap here" if verdict == NO_GAP else verdict
    kind = verdict.split()[0] if verdict != NO_GAP else "gap"
    links = " ".join(_link(ruling, ledger) for ruling in own)
    return (
        f'<div class="kdlib-tile kdlib-{kind}" role="listitem"><strong>{len(own)}</strong> '
        f"<span>{escape(name)}</span><small>{escape(MEANING[verdict])}</small>"
        f'<p class="kdlib-numbers">{links}</p></div>'
    )


def _link(ruling: Ruling, ledger: str) -> str:
    claim = ruling.claim
    text = escape(f"{claim.claim} {ruling.verdict.capitalize()}.")
    return f'<a href="{ledger}#{CLAIM}{claim.number}" title="{text}">{escape(claim.number)}</a>'
