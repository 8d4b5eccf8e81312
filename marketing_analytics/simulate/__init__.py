"""One seeded marketing world with a known truth, served by emulators."""
