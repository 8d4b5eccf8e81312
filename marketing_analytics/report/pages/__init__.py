"""The pages: what each is made of, and how it is rendered."""
