"""LinkedIn's versioned REST API over a built world. Start with `emulator`."""
