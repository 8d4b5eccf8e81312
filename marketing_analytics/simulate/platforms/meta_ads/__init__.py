"""Meta's Graph API over a built world. Start with `emulator`."""
