"""Published snapshots of the marts: what is copied, how, and how it is read."""
