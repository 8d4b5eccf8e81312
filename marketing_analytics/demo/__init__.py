"""Run everything end to end on the simulated world and reconcile it.

Imports only `core`: it drives the other rooms the way a user does, through their commands,
the REST API and the warehouse. Start reading at `main_job`.
"""
