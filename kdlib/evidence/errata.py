"""The errata are decided by what the paper prints, so they need no study."""

from kdlib.evidence import paper
from kdlib.evidence.comparisons import pair_name
from kdlib.evidence.evidence import Evidence
from kdlib.evidence.verdicts import Judgement, Verdict

SUBJECTS = 20  # of each clinic, in the paper
NEARLY_ALL = 0.9


def not_variances(evidence: Evidence) -> Judgement:
    """The numbers in Table 2's brackets against the largest variance there can be."""
    printed = paper.printed_results().query("table == 2")
    mean = printed["mean"]
    share = printed["sd"] / (mean * (1 - mean) * SUBJECTS / (SUBJECTS - 1))
    why = (
        f"{(share > NEARLY_ALL).sum()} of the {len(share)} numbers are above 90 % of the largest"
        f" variance that is possible; the highest is at {share.max():.1%}"
    )
    return Judgement("contradicted" if share.max() > NEARLY_ALL else "undecided", why)


def bold_is_better(evidence: Evidence) -> Judgement:
    """The bold means of both tables against the other method's."""
    printed = paper.printed_results()
    pair = ["table", "source", "target"]
    compared = printed[~printed["arm"].isin(["L-bound", "U-bound"])]
    compared = compared.assign(best=compared.groupby(pair)["mean"].transform("max"))
    wrong = compared[compared["bold"] & (compared["mean"] < compared["best"])]
    why = "; ".join(
        f"Table {row['table']}, {pair_name(row['source'], row['target'])}:"
        f" {row['arm']} is bold with {row['mean']:.4f}, although another arm has"
        f" {row['best']:.4f}"
        for _, row in wrong.iterrows()
    )
    return Judgement("contradicted", why) if why else Judgement("reproduced", "bold is the better")


def never_tested(evidence: Evidence) -> Judgement:
    """The arms that have a bold number."""
    printed = paper.printed_results()
    arms = sorted(set(printed.loc[printed["bold"], "arm"]))
    verdict: Verdict = "undecided" if "L-bound" in arms else "contradicted"
    return Judgement(verdict, f"only {', '.join(arms)} have bold numbers")
