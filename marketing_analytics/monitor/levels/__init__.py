"""What is promised of the dashboard: probed from outside, counted in minutes, told as metrics."""
