"""What happens now and how it went: the home page, and the board of freshness."""
