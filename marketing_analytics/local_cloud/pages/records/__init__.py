"""What was done here, what others were told of it, and what differs from the job files."""
