"""What a run may reach: its SQL by switches of DuckDB, its process by the kernel."""
