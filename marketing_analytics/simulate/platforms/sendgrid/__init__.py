"""SendGrid: the emulator of its API and the sender of its event webhook."""
