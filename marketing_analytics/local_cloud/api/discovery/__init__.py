"""The Discovery API: what an environment has and how it went, out of its runs' artifacts."""
