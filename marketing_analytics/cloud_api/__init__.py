"""dbt Cloud's language, shared by both sides of its API: states, names, limits, client.

Imports only `core`. Start with `attributes.py`: the table of what a job is.
"""
