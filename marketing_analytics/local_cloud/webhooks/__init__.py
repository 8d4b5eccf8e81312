"""Tell others how runs go: signed deliveries, kept and tried again, never to private addresses."""
