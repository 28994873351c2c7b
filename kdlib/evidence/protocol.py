"""The protocol of the ledger: its version, and a digest of every rule in it.

Results keep both. If a rule changes after results were made, the version must change too.
"""

import hashlib
import json

from kdlib.evidence.claims import GENERAL_RULES
from kdlib.evidence.ledger import LEDGER
from kdlib.evidence.mechanism import HYPOTHESIS, MECHANISM_RULES, PREDICTIONS

PROTOCOL = 1


def rules_text() -> str:
    """All rules in one canonical text: for all claims, of each claim, and of each prediction."""
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


def rules_digest() -> str:
    """Sixteen hexadecimal digits that change with any rule."""
    return hashlib.sha256(rules_text().encode()).hexdigest()[:16]
