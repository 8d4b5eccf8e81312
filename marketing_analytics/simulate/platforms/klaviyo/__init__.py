"""Klaviyo's emulator. Start with `emulator`; `query` reads parameters, `records` the world."""
