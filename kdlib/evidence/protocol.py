"""The protocol: its version, and a digest of every rule in it.

Results keep both. If a rule changes after results were made, the version must change too. The study
of real scans has a protocol of its own, which came later: the other one stays as it was.
"""

import hashlib
import json

from kdlib.evidence.carried import COMPARED, REAL, RULES
from kdlib.evidence.claims import GENERAL_RULES
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.mechanism import HYPOTHESIS, MECHANISM_RULES, PREDICTIONS

PROTOCOL = 2
REAL_PROTOCOL = 2


def rules_text(study: str = "") -> str:
    """All rules for a study in one canonical text.

    These are the rules for all claims, of each claim, and of each prediction. For the study of real
    scans they are its own rules, and the comparisons that they speak of.
    """
    if study == REAL:
        return json.dumps({"carried over": RULES, "compared": COMPARED}, sort_keys=True)
    claim = ("number", "claim", "place", "test", "rule", "pairs", "gated", "printed")
    prediction = ("number", "prediction", "test", "rule")
    rules = {
        "general": GENERAL_RULES,
        "claims": [{name: getattr(one, name) for name in claim} for one in LEDGER],
        "hypothesis": HYPOTHESIS,
        "mechanism": MECHANISM_RULES,
        "predictions": [{name: getattr(one, name) for name in prediction} for one in PREDICTIONS],
    }
    return json.dumps(rules, sort_keys=True)


def rules_digest(study: str = "") -> str:
    """Sixteen hexadecimal digits that change with any rule for the study."""
    return hashlib.sha256(rules_text(study).encode()).hexdigest()[:16]
