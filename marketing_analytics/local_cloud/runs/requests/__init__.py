"""Pull and merge requests: where each builds, what it is compared with, and its end."""
