"""The study as an experiment: scenarios, who takes part, the store of runs, plans and workers."""
