"""The study as an experiment: scenarios, participants, the store of runs, plans and the engine."""
