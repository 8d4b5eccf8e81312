"""Run everything end to end on the simulated world and reconcile it."""
