"""Statistics, comparisons, verdicts and the numbers of the paper, from saved scores alone."""
