"""What dbt's own files say of a run: its project, its results, its sources, its docs."""
