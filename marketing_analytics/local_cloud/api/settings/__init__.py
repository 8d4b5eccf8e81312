"""What an account sets up beside its jobs: connections, credentials, groups, notifications."""
