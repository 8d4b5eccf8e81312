"""What tokens may do, and what was done with them."""
