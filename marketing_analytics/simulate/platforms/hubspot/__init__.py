"""The HubSpot API over a built world. Start with `emulator`."""
