"""Cause and effect: base demand, spend, what it brings, and who buys. Start with `tactics`."""
