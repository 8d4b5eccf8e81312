"""Pull and merge requests, and runs again: what each builds, compares with and how it ends."""
