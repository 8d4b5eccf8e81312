"""The Data API of Google Analytics 4 over the events of a world. Start with `emulator`."""
