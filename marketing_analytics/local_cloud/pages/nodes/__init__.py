"""The nodes of a run: all of them, one with its SQL and its past, the lineage, two runs compared."""
