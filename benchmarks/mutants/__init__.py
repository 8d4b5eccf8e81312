"""Would the project's own tests notice a wrong line of SQL? Seeded mutants, and who caught them."""
