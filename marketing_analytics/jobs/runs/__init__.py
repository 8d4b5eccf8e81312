"""Runs of jobs: which job is meant, start, follow, cancel, retry, artifacts, history."""
