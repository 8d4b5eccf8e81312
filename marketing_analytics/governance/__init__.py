"""Rights of persons: erase, export, refuse, and the map of what is stored of them."""
