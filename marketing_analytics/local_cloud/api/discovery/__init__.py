"""The Discovery API: what is in an environment and how it went, out of the artifacts of its runs."""
