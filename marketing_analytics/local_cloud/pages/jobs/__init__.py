"""Parts of the page of a job: its schedule ahead, its results by day, a run with changes."""
