"""Reports of Google Analytics 4, from its Data API. Start with `source`."""
