"""What belongs to the lists that people look at."""
