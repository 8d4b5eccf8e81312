"""The chains, one module each: CHAIN lists the links in their order."""
