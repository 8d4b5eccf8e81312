"""The dbt process of a run: its life, and the talk with it."""
