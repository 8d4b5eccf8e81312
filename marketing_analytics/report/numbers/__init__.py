"""The numbers of the report: definitions, why they changed, how people read them."""
