"""The Google Ads API over a built world. Start with `emulator`."""
