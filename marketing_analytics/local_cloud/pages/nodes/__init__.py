"""The nodes of a run: all, one with its SQL and its past, the lineage, two runs compared."""
