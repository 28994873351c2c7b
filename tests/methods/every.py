"""Laws that hold for every method are tested on each of them."""

import pytest

from kdlib.methods import Method
from tests.methods.pseudo_labels import PseudoLabels

# Every method of the package, and one of a user.
NAMES = sorted({*Method.named, PseudoLabels.name})

every = pytest.mark.parametrize("name", NAMES)
trained = pytest.mark.parametrize("name", [name for name in NAMES if Method.named[name].trains])
