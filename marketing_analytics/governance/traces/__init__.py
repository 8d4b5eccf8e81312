"""What a person leaves: her marks in bytes, her rows in tables, the files that hold them."""
